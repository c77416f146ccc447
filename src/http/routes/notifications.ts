import { z } from 'zod';
import type { NotificationService } from '../../notifications/notification-service.ts';
import type { PushService } from '../../notifications/push-service.ts';
import type { SettingsService } from '../../notifications/settings-service.ts';
import { uuid } from '../../protocol/ids.ts';
import {
  createNotificationBody,
  listNotificationsPayload,
  notification,
  notificationPage,
  notificationSettings,
  pushSubscriptionBody,
  updateNotificationSettingsBody,
} from '../../protocol/notification.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

const base = '/api/v1/notifications';

/** `/notifications`. */
export function registerNotificationRoutes(
  server: HttpServer,
  parts: { authenticate: Authenticate; notifications: NotificationService; settings: SettingsService; push: PushService },
): void {
  const { authenticate, notifications, settings, push } = parts;
  const tags = ['notifications'];

  server.get(
    base,
    {
      schema: {
        tags,
        querystring: listNotificationsPayload.extend({
          unreadOnly: z.enum(['true', 'false']).default('false'),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: { 200: notificationPage },
      },
    },
    async (request) => {
      const { unreadOnly, ...rest } = request.query;
      return notifications.list(await authenticate(request), { ...rest, unreadOnly: unreadOnly === 'true' });
    },
  );
  server.post(
    base,
    { schema: { tags, body: createNotificationBody, response: { 201: z.object({ notificationIds: z.array(uuid) }) } } },
    async (request, reply) => reply.status(201).send(await notifications.post(await authenticate(request), request.body)),
  );
  server.put(`${base}/read`, { schema: { tags, response: { 200: z.object({ count: z.number() }) } } }, async (request) =>
    notifications.readAll(await authenticate(request)),
  );
  server.put(
    `${base}/:notificationId/read`,
    { schema: { tags, params: z.object({ notificationId: uuid }), response: { 200: notification } } },
    async (request) => notifications.read(await authenticate(request), request.params.notificationId),
  );

  server.get(`${base}/settings`, { schema: { tags, response: { 200: notificationSettings } } }, async (request) =>
    settings.get(await authenticate(request)),
  );
  server.patch(
    `${base}/settings`,
    { schema: { tags, body: updateNotificationSettingsBody, response: { 200: notificationSettings } } },
    async (request) => settings.update(await authenticate(request), request.body),
  );

  server.get(`${base}/push-key`, { schema: { tags, response: { 200: z.object({ publicKey: z.string() }) } } }, async (request) => {
    await authenticate(request);
    return { publicKey: push.publicKey };
  });
  server.post(
    `${base}/push-subscriptions`,
    { schema: { tags, body: pushSubscriptionBody, response: { 201: z.object({ subscriptionId: uuid }) } } },
    async (request, reply) => reply.status(201).send(await push.subscribe(await authenticate(request), request.body)),
  );
  server.delete(
    `${base}/push-subscriptions/:subscriptionId`,
    { schema: { tags, params: z.object({ subscriptionId: uuid }), response: { 204: z.null() } } },
    async (request, reply) => {
      await push.unsubscribe(await authenticate(request), request.params.subscriptionId);
      return reply.status(204).send(null);
    },
  );
}
