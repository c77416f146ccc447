import { z } from 'zod';
import type { Logger } from '../log.ts';
import type { KeyRing, Sealed } from '../storage/key-ring.ts';

const contentShape = z.object({ title: z.string(), body: z.string().nullable(), data: z.record(z.string(), z.unknown()) });
/** What a notification says. */
export type NotificationContent = z.infer<typeof contentShape>;

interface SealedRow {
  readonly notificationId: string;
  readonly keyId: string;
  readonly sealed: Buffer;
}

export type NotificationSeal = ReturnType<typeof createNotificationSeal>;

/** Encrypts and decrypts what notifications say. The id is authenticated with it, so that no content can be moved. */
export function createNotificationSeal(keyRing: KeyRing, log: Logger) {
  const context = (notificationId: string) => `notification:${notificationId}`;
  return {
    seal: (notificationId: string, content: NotificationContent): Sealed =>
      keyRing.seal(Buffer.from(JSON.stringify(content)), context(notificationId)),

    /** The content; undefined when key, bytes or place are not what it was sealed with. */
    tryOpen({ notificationId, keyId, sealed }: SealedRow): NotificationContent | undefined {
      try {
        return contentShape.parse(JSON.parse(keyRing.open({ keyId, bytes: sealed }, context(notificationId)).toString()));
      } catch (error) {
        log.error({ notificationId, keyId, err: error }, 'a notification cannot be opened');
        return undefined;
      }
    },
  };
}
