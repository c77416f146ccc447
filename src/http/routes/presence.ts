import { z } from 'zod';
import type { PresenceService } from '../../presence/presence-service.ts';
import { userId } from '../../protocol/ids.ts';
import { presence as presenceShape, setPresencePayload } from '../../protocol/presence.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

/** Ids separated by commas, in one parameter or in several. */
const userIdsQuery = z
  .union([z.string(), z.array(z.string())])
  .transform((texts) => [texts].flat().flatMap((text) => text.split(',')))
  .pipe(z.array(userId).min(1).max(200));

/** `/presence`. */
export function registerPresenceRoutes(
  server: HttpServer,
  { authenticate, presence }: { authenticate: Authenticate; presence: PresenceService },
): void {
  const tags = ['presence'];
  const url = '/api/v1/presence';

  server.get(
    url,
    {
      schema: {
        tags,
        querystring: z.strictObject({ userIds: userIdsQuery }),
        response: { 200: z.object({ presences: z.array(presenceShape) }) },
      },
    },
    async (request) => ({ presences: await presence.get(await authenticate(request), request.query.userIds) }),
  );

  server.put(url, { schema: { tags, body: setPresencePayload, response: { 200: presenceShape } } }, async (request) =>
    presence.set(await authenticate(request), request.body),
  );
}
