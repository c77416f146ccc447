import { z } from 'zod';
import { userId } from '../../protocol/ids.ts';
import { contactPage, contactsQuery } from '../../protocol/presence.ts';
import { suspension, suspensionBody, updateUserBody, user } from '../../protocol/user.ts';
import type { ContactService } from '../../users/contact-service.ts';
import type { UserService } from '../../users/user-service.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

/** `/users`. */
export function registerUserRoutes(
  server: HttpServer,
  { authenticate, users, contacts }: { authenticate: Authenticate; users: UserService; contacts: ContactService },
): void {
  const tags = ['users'];
  const params = z.object({ userId });

  server.get('/api/v1/users/me', { schema: { tags, response: { 200: user } } }, async (request) => {
    const caller = await authenticate(request);
    return caller.user;
  });

  server.patch('/api/v1/users/me', { schema: { tags, body: updateUserBody, response: { 200: user } } }, async (request) =>
    users.update(await authenticate(request), request.body),
  );

  server.get('/api/v1/users/contacts', { schema: { tags, querystring: contactsQuery, response: { 200: contactPage } } }, async (request) =>
    contacts.list(await authenticate(request), request.query),
  );

  server.put(
    '/api/v1/users/:userId/suspension',
    { schema: { tags, params, body: suspensionBody.nullish(), response: { 200: suspension } } },
    async (request) => users.suspend(await authenticate(request), request.params.userId, request.body?.reason),
  );

  server.delete('/api/v1/users/:userId/suspension', { schema: { tags, params, response: { 204: z.null() } } }, async (request, reply) => {
    await users.unsuspend(await authenticate(request), request.params.userId);
    return reply.status(204).send(null);
  });
}
