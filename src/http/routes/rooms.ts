import { z } from 'zod';
import { namedId, uuid } from '../../protocol/ids.ts';
import {
  createdRoom,
  createRoomBody,
  device,
  iceServer,
  participant,
  roomDetails,
  roomStatus,
  updateRoomBody,
} from '../../protocol/room.ts';
import type { RoomService } from '../../rooms/room-service.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

/** `/rooms`. */
export function registerRoomRoutes(server: HttpServer, { authenticate, rooms }: { authenticate: Authenticate; rooms: RoomService }): void {
  const tags = ['rooms'];
  const params = z.object({ roomId: namedId });

  server.post('/api/v1/rooms', { schema: { tags, body: createRoomBody, response: { 201: createdRoom } } }, async (request, reply) => {
    const room = await rooms.create(await authenticate(request), request.body);
    return reply.status(201).send(room);
  });

  server.get(
    '/api/v1/rooms',
    {
      schema: {
        tags,
        querystring: z.object({ cursor: uuid.optional(), limit: z.coerce.number().int().min(1).max(100).default(20) }),
        response: { 200: z.object({ rooms: z.array(roomDetails), cursor: uuid.nullable() }) },
      },
    },
    async (request) => rooms.list(await authenticate(request), request.query),
  );

  server.get('/api/v1/rooms/:roomId', { schema: { tags, params, response: { 200: roomDetails } } }, async (request) =>
    rooms.get(await authenticate(request), request.params.roomId),
  );

  server.patch(
    '/api/v1/rooms/:roomId',
    { schema: { tags, params, body: updateRoomBody, response: { 200: roomDetails } } },
    async (request) => rooms.update(await authenticate(request), request.params.roomId, request.body),
  );

  server.get(
    '/api/v1/rooms/:roomId/token',
    {
      schema: {
        tags,
        params,
        response: { 200: z.object({ accessToken: z.string(), joinUrl: z.string(), iceServers: z.array(iceServer) }) },
      },
    },
    async (request) => rooms.issueToken(await authenticate(request), request.params.roomId),
  );

  server.post(
    '/api/v1/rooms/:roomId/join',
    {
      schema: {
        tags,
        params,
        body: z.strictObject({ device: device.optional() }).nullish(),
        response: { 200: z.object({ participants: z.array(participant), status: roomStatus }) },
      },
    },
    async (request) => rooms.prepareJoin(await authenticate(request), request.params.roomId),
  );

  server.put(
    '/api/v1/rooms/:roomId/end',
    {
      schema: {
        tags,
        params,
        response: {
          200: z.object({ durationSeconds: z.number(), recording: z.object({ available: z.boolean(), url: z.string().optional() }) }),
        },
      },
    },
    async (request) => rooms.endByRequest(await authenticate(request), request.params.roomId),
  );
}
