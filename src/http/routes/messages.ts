import { z } from 'zod';
import type { MessageService } from '../../chat/message-service.ts';
import type { SearchService } from '../../chat/search-service.ts';
import { editBody, emoji, message, messageReceipts, searchPayload, searchReply } from '../../protocol/chat.ts';
import { uuid } from '../../protocol/ids.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

const base = '/api/v1/messages';

/** `/messages`. */
export function registerMessageRoutes(
  server: HttpServer,
  { authenticate, messages, search }: { authenticate: Authenticate; messages: MessageService; search: SearchService },
): void {
  const tags = ['messages'];
  const params = z.object({ messageId: uuid });
  const reactionParams = z.object({ messageId: uuid, emoji });
  const one = z.object({ message });

  server.get(
    `${base}/search`,
    {
      schema: {
        tags,
        querystring: searchPayload
          .omit({ query: true })
          .extend({ q: searchPayload.shape.query, limit: z.coerce.number().int().min(1).max(100).default(20) }),
        response: { 200: searchReply },
      },
    },
    async (request) => {
      const { q: query, ...rest } = request.query;
      return search.search(await authenticate(request), { query, ...rest });
    },
  );
  server.get(`${base}/:messageId`, { schema: { tags, params, response: { 200: one } } }, async (request) => ({
    message: await messages.get(await authenticate(request), request.params.messageId),
  }));
  server.patch(`${base}/:messageId`, { schema: { tags, params, body: editBody, response: { 200: one } } }, async (request) =>
    messages.edit(await authenticate(request), { ...request.params, ...request.body }),
  );
  server.delete(
    `${base}/:messageId`,
    {
      schema: {
        tags,
        params,
        querystring: z.strictObject({ forEveryone: z.enum(['true', 'false']).default('false') }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await messages.remove(await authenticate(request), { ...request.params, forEveryone: request.query.forEveryone === 'true' });
      return reply.status(204).send(null);
    },
  );
  server.put(`${base}/:messageId/reactions/:emoji`, { schema: { tags, params: reactionParams, response: { 200: one } } }, async (request) =>
    messages.react(await authenticate(request), request.params),
  );
  server.delete(
    `${base}/:messageId/reactions/:emoji`,
    { schema: { tags, params: reactionParams, response: { 204: z.null() } } },
    async (request, reply) => {
      await messages.unreact(await authenticate(request), request.params);
      return reply.status(204).send(null);
    },
  );
  server.get(`${base}/:messageId/receipts`, { schema: { tags, params, response: { 200: messageReceipts } } }, async (request) =>
    messages.receipts(await authenticate(request), request.params.messageId),
  );
}
