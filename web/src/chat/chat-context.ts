import { createContext, useContext } from 'react';
import type { Chat, ChatConversation, SentMessage } from '../../../src/client/index.ts';
import type { Composer } from './composer-state.ts';

/** What every part of a shown conversation needs. */
export interface ChatContext {
  readonly chat: Chat;
  readonly conversation: ChatConversation;
  readonly composer: Composer;
  readonly userId: string;
  nameOf(userId: string): string;
  /** Shows what has gone wrong. */
  act(action: Promise<unknown>): void;
  jumpTo(seq: number): void;
  focusComposer(): void;
  /** What a message says in a few words. */
  brief(message: Pick<SentMessage, 'type' | 'content'>): string;
}

/** Filled by `ChatView`. */
export const chatContext = createContext<ChatContext | undefined>(undefined);

/** The conversation that is shown around the caller. */
export function useChatContext(): ChatContext {
  const context = useContext(chatContext);
  if (context === undefined) throw new Error('A part of the chat stands outside ChatView.');
  return context;
}
