import { z } from 'zod';
import { plainText, role, timestamp, userId } from './ids.ts';

/** What a user lets others see. */
export const privacy = z.object({
  showLastSeen: z.boolean(),
  showReadReceipts: z.boolean(),
  showTyping: z.boolean(),
});
export type Privacy = z.infer<typeof privacy>;

export const user = z.object({
  userId,
  displayName: z.string(),
  role,
  locale: z.string(),
  privacy,
  createdAt: timestamp,
});
export type User = z.infer<typeof user>;

export const updateUserBody = z.strictObject({
  displayName: plainText(1, 200).optional(),
  /** BCP 47. */
  locale: z
    .string()
    .max(35)
    .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, 'must be a BCP 47 language tag')
    .optional(),
  privacy: privacy.partial().strict().optional(),
});
export type UpdateUserBody = z.infer<typeof updateUserBody>;

export const suspensionBody = z.strictObject({ reason: plainText(0, 500).optional() });
export const suspension = z.object({ userId, suspendedAt: timestamp });

export const demoTokenBody = z.strictObject({ name: plainText(1, 200), role });
export const demoToken = z.object({ token: z.string(), userId, expiresAt: timestamp });
