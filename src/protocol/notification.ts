import { z } from 'zod';
import { request } from './define.ts';
import { maybe, plainText, timestamp, userId, uuid } from './ids.ts';

export const notificationPriority = z.enum(['low', 'normal', 'high', 'urgent']);
export type NotificationPriority = z.infer<typeof notificationPriority>;

/** What it tells of: one of the server's own, or a host application's word in the same form. */
export const notificationType = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*([.:_-][A-Za-z0-9]+)*$/, 'must be words such as call.missed')
  .max(64);

/** The server's own types. */
export const ownNotificationTypes = ['call.missed', 'message.received', 'appointment.reminder', 'recording.requested'] as const;
export type OwnNotificationType = (typeof ownNotificationTypes)[number];

/** A subject that one subscribes to. */
export const topic = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/, 'must be 1 to 128 of A-Z a-z 0-9 . _ : / -');

export const notification = z.object({
  notificationId: uuid,
  type: z.string(),
  priority: notificationPriority,
  title: z.string(),
  body: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  topic: z.string().nullable(),
  createdAt: timestamp,
  readAt: timestamp.nullable(),
});
export type Notification = z.infer<typeof notification>;

const topics = z.array(topic).min(1).max(50);

export const listNotificationsPayload = z.strictObject({
  unreadOnly: z.boolean().default(false),
  limit: z.int().min(1).max(100).default(20),
  cursor: maybe(z.string().max(200)),
});
export type ListNotificationsPayload = z.infer<typeof listNotificationsPayload>;

export const notificationPage = z.object({ notifications: z.array(notification), cursor: z.string().nullable() });

export const notificationRequests = {
  'notification:list': request(listNotificationsPayload, notificationPage),
  'notification:read': request(z.strictObject({ notificationId: uuid }), z.object({ notification })),
  'notification:readAll': request(z.strictObject({}), z.object({ count: z.number() })),
  'notification:unreadCount': request(z.strictObject({}), z.object({ count: z.number() })),
  'notification:subscribe': request(z.strictObject({ topics }), z.object({ topics: z.array(z.string()) })),
  'notification:unsubscribe': request(z.strictObject({ topics }), z.object({ topics: z.array(z.string()) })),
};

export const notificationNotices = {
  'notification:new': z.object({ notification, unreadCount: z.number() }),
  /** On all devices of the reader; without an id, all were read. */
  'notification:read': z.object({ notificationId: uuid.nullable(), readAt: timestamp, unreadCount: z.number() }),
};

/** As much as a push message has room for beside title and body. */
const maxDataCharacters = 2_000;

/** What the page needs to lead to what a notification is about. */
const notificationData = z.record(z.string().max(64), z.unknown()).refine((data) => {
  try {
    return JSON.stringify(data).length <= maxDataCharacters;
  } catch {
    // Nested deeper than the stack goes.
    return false;
  }
}, `must be at most ${maxDataCharacters} characters of JSON`);

export const createNotificationBody = z
  .strictObject({
    userIds: z.array(userId).min(1).max(1_000).optional(),
    topic: topic.optional(),
    type: notificationType,
    title: plainText(1, 200),
    body: plainText(1, 2_000).optional(),
    data: notificationData.optional(),
    priority: notificationPriority.default('normal'),
  })
  .refine(({ userIds, topic: subject }) => (userIds === undefined) !== (subject === undefined), {
    message: 'must name userIds or topic, one of them',
    path: ['userIds'],
  });
export type CreateNotificationBody = z.infer<typeof createNotificationBody>;

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 22:00');
const timeZone = z
  .string()
  .max(64)
  .refine((name) => {
    try {
      return Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
    } catch {
      return false;
    }
  }, 'must be a time zone such as Europe/Berlin');

/** How a user wants to be told what happens while they are away. */
export const notificationSettings = z.object({
  push: z.boolean(),
  email: z.boolean(),
  /** Where to; null: the address in the token, if it has one. */
  emailAddress: z.email().max(254).nullable(),
  /** Whether push and e-mail may show what a message says. */
  showContent: z.boolean(),
  /** Between these times only what is urgent is pushed or mailed; the rest waits for their end. */
  quietHours: z.object({ from: clock, to: clock, timeZone }).nullable(),
});
export type NotificationSettings = z.infer<typeof notificationSettings>;
export const updateNotificationSettingsBody = notificationSettings.partial().strict();

/** A PushSubscription as browsers make it. */
export const pushSubscriptionBody = z.strictObject({
  endpoint: z.url({ protocol: /^https$/ }).max(2_000),
  expirationTime: z.number().nullish(),
  keys: z.strictObject({ p256dh: z.string().min(1).max(200), auth: z.string().min(1).max(100) }),
});
export type PushSubscriptionBody = z.infer<typeof pushSubscriptionBody>;

/** What a service worker gets; one message replaces another of the same tag. */
export interface PushMessage {
  /** A notification's type; or `call.incoming` while it rings, and `call.over` when it does no more. */
  readonly type: string;
  readonly tag: string;
  /** Null: nothing is stored. */
  readonly notificationId: string | null;
  readonly priority: NotificationPriority;
  readonly title: string;
  readonly body: string | null;
  readonly data: Readonly<Record<string, unknown>>;
  /** Where the page shows it, a path. */
  readonly path: string;
  readonly createdAt: string;
  /** After this it is worth nothing. */
  readonly expiresAt: string;
}
