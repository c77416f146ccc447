import { z } from 'zod';
import type { CallHistory } from '../../calls/call-history.ts';
import type { CallService } from '../../calls/call-service.ts';
import { call, callPage, callStats, callStatus, endCallBody, initiatePayload, listCallsQuery, period } from '../../protocol/call.ts';
import { namedId, uuid } from '../../protocol/ids.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

/** `/calls`. */
export function registerCallRoutes(
  server: HttpServer,
  { authenticate, calls, history }: { authenticate: Authenticate; calls: CallService; history: CallHistory },
): void {
  const tags = ['calls'];
  const params = z.object({ callId: namedId });
  const reply = z.object({ call });

  server.post(
    '/api/v1/calls',
    {
      schema: {
        tags,
        body: initiatePayload,
        response: { 201: z.object({ callId: uuid, roomId: uuid.nullable(), status: callStatus, call }) },
      },
    },
    async (request, answer) => answer.status(201).send(await calls.initiate(await authenticate(request), request.body)),
  );

  for (const action of ['accept', 'decline', 'cancel', 'end'] as const) {
    server.post(
      `/api/v1/calls/:callId/${action}`,
      { schema: { tags, params, body: endCallBody.nullish(), response: { 200: reply } } },
      async (request) => ({
        call:
          action === 'accept'
            ? await calls.accept(await authenticate(request), request.params.callId)
            : await calls[action](await authenticate(request), request.params.callId, request.body?.reason),
      }),
    );
  }

  server.get(
    '/api/v1/calls',
    { schema: { tags, querystring: listCallsQuery, response: { 200: z.union([callPage, z.string()]) } } },
    async (request, answer) => {
      const caller = await authenticate(request);
      if (request.query.format === 'json') return await history.list(caller, request.query);
      const document = await history.csv(caller, request.query);
      return answer
        .type('text/csv; charset=utf-8')
        .header('Content-Disposition', 'attachment; filename="calls.csv"')
        .serializer(String)
        .send(document);
    },
  );

  server.get(
    '/api/v1/calls/stats',
    { schema: { tags, querystring: z.strictObject({ period: period.default(30) }), response: { 200: callStats } } },
    async (request) => history.stats(await authenticate(request), request.query.period),
  );

  server.get('/api/v1/calls/:callId', { schema: { tags, params, response: { 200: call } } }, async (request) =>
    history.get(await authenticate(request), request.params.callId),
  );
}
