import { z } from 'zod';
import { request } from './define.ts';
import { maybe, plainText, timestamp, timestampInput, userId } from './ids.ts';

export const presenceStatus = z.enum(['online', 'away', 'idle', 'busy', 'in_call', 'do_not_disturb', 'offline']);
export type PresenceStatus = z.infer<typeof presenceStatus>;

/** What users may say of themselves; `in_call` and `offline` are the server's alone. `online` takes back what was said. */
export const settableStatus = presenceStatus.exclude(['in_call', 'offline']);
export type SettableStatus = z.infer<typeof settableStatus>;

/** One of a user's devices, as others see it. */
export const presenceDevice = z.object({
  kind: z.enum(['desktop', 'mobile', 'tablet', 'unknown']),
  status: z.enum(['online', 'away']),
  since: timestamp,
});
export type PresenceDevice = z.infer<typeof presenceDevice>;

export const presence = z.object({
  userId,
  status: presenceStatus,
  note: z.string().nullable(),
  noteEndsAt: timestamp.nullable(),
  /** When the user was last there; null while they are, and when they hide it. */
  lastSeenAt: timestamp.nullable(),
  devices: z.array(presenceDevice),
});
export type Presence = z.infer<typeof presence>;

const note = plainText(0, 200);
const userIds = z.array(userId).min(1).max(200);
const empty = z.object({});

export const setPresencePayload = z.strictObject({
  status: settableStatus,
  /** Empty, or left out: no note. */
  note: maybe(note),
  /** When note and status end by themselves; left out: when they are changed. */
  until: maybe(timestampInput),
});
export type SetPresencePayload = z.infer<typeof setPresencePayload>;

const heartbeatDevice = z.union([
  z.string().max(200),
  z.object({
    kind: z.string().max(200).optional(),
    /** Seconds since the user last touched the page. */
    idleSeconds: z.number().nonnegative().max(31_536_000).optional(),
  }),
]);

export const presenceRequests = {
  'presence:get': request(z.strictObject({ userIds }), z.object({ presences: z.array(presence) })),
  'presence:set': request(setPresencePayload, z.object({ presence })),
  /** Hears of these users from now on; answers how they stand. */
  'presence:subscribe': request(z.strictObject({ userIds }), z.object({ presences: z.array(presence) })),
  'presence:unsubscribe': request(z.strictObject({ userIds }), empty),
  /** A sign of the user, not just of the socket: every 30 s and when they come back from being idle. */
  'presence:heartbeat': request(z.strictObject({ device: maybe(heartbeatDevice) }), empty),
};

export const presenceNotices = {
  /** Changes of a moment, together. */
  'presence:changed': z.object({ presences: z.array(presence) }),
};

/** Somebody whom one may reach. */
export const contact = z.object({
  userId,
  displayName: z.string(),
  role: z.enum(['patient', 'provider', 'admin', 'service']),
  presence,
  /** What makes them reachable. */
  appointmentIds: z.array(z.string()),
});
export type Contact = z.infer<typeof contact>;

export const contactsQuery = z.strictObject({
  /** Part of a name or an id, whatever its case. */
  query: plainText(0, 200).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(2_000).optional(),
});
export type ContactsQuery = z.infer<typeof contactsQuery>;

/** By name; the cursor is null on the last page. */
export const contactPage = z.object({ contacts: z.array(contact), cursor: z.string().nullable() });
export type ContactPage = z.infer<typeof contactPage>;
