import type { KeyRing, Sealed } from '../storage/key-ring.ts';

/** Encrypts and decrypts what messages say. Conversation and message id are authenticated with it, so that no content can be moved. */
export function createMessageSeal(keyRing: KeyRing) {
  const context = ({ conversationId, messageId }: MessageRef) => `message:${conversationId}:${messageId}`;
  return {
    seal: (ref: MessageRef, content: string): Sealed => keyRing.seal(Buffer.from(content), context(ref)),

    /** The content; null when there is none. */
    open({ keyId, sealed, ...ref }: MessageRef & { keyId: string | null; sealed: Buffer | null }): string | null {
      return keyId === null || sealed === null ? null : keyRing.open({ keyId, bytes: sealed }, context(ref)).toString();
    },
  };
}
export type MessageSeal = ReturnType<typeof createMessageSeal>;

interface MessageRef {
  readonly conversationId: string;
  readonly messageId: string;
}
