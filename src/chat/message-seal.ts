import type { Logger } from '../log.ts';
import type { KeyRing, Sealed } from '../storage/key-ring.ts';

/** Encrypts and decrypts what messages say. Conversation and message id are authenticated with it, so that no content can be moved. */
export function createMessageSeal(keyRing: KeyRing, log: Logger) {
  const context = ({ conversationId, messageId }: MessageRef) => `message:${conversationId}:${messageId}`;

  /** The content; undefined when key, bytes or place are not what it was sealed with. */
  function tryOpen({ keyId, sealed, ...ref }: MessageRef & { keyId: string; sealed: Buffer }): string | undefined {
    try {
      return JSON.parse(keyRing.open({ keyId, bytes: sealed }, context(ref)).toString()) as string;
    } catch (error) {
      const { conversationId, messageId } = ref;
      log.error({ conversationId, messageId, keyId, err: error }, 'a message cannot be opened');
      return undefined;
    }
  }

  return {
    tryOpen,
    // As JSON, because UTF-8 alone has no halves of surrogate pairs.
    seal: (ref: MessageRef, content: string): Sealed => keyRing.seal(Buffer.from(JSON.stringify(content)), context(ref)),

    /** The content; null when there is none. One that can't be opened is none, so that it does not take its neighbours with it. */
    open: ({ keyId, sealed, conversationId, messageId }: MessageRef & { keyId: string | null; sealed: Buffer | null }): string | null =>
      keyId === null || sealed === null ? null : (tryOpen({ keyId, sealed, conversationId, messageId }) ?? null),
  };
}
export type MessageSeal = ReturnType<typeof createMessageSeal>;

interface MessageRef {
  readonly conversationId: string;
  readonly messageId: string;
}
