import { z } from 'zod';
import type { ConversationService } from '../../chat/conversation-service.ts';
import type { MemberService } from '../../chat/member-service.ts';
import type { MessageService } from '../../chat/message-service.ts';
import type { ReceiptService } from '../../chat/receipt-service.ts';
import {
  addMembersBody,
  conversation,
  conversationStats,
  directConversationBody,
  groupConversationBody,
  historyPayload,
  listConversationsPayload,
  member,
  message,
  messageStats,
  muteBody,
  sendBody,
  updateConversationBody,
  updateMemberBody,
} from '../../protocol/chat.ts';
import { userId, uuid } from '../../protocol/ids.ts';
import type { Authenticate } from '../authenticate.ts';
import type { HttpServer } from '../http-server.ts';

const base = '/api/v1/conversations';
const queryNumber = z.coerce.number().int();

/** `/conversations`. */
export function registerConversationRoutes(
  server: HttpServer,
  parts: {
    authenticate: Authenticate;
    conversations: ConversationService;
    members: MemberService;
    messages: MessageService;
    receipts: ReceiptService;
  },
): void {
  const { authenticate, conversations, members, messages, receipts } = parts;
  const tags = ['conversations'];
  const params = z.object({ conversationId: uuid });
  const memberParams = z.object({ conversationId: uuid, userId });
  const one = { tags, params, response: { 200: conversation } };
  const memberList = z.object({ members: z.array(member) });
  const nothing = { 204: z.null() };

  server.get(
    base,
    {
      schema: {
        tags,
        querystring: listConversationsPayload.extend({ limit: queryNumber.min(1).max(100).default(50) }),
        response: { 200: z.object({ conversations: z.array(conversation), cursor: z.string().nullable() }) },
      },
    },
    async (request) => conversations.list(await authenticate(request), request.query),
  );
  server.get(`${base}/stats`, { schema: { tags, response: { 200: conversationStats } } }, async (request) =>
    conversations.stats(await authenticate(request)),
  );
  server.post(
    `${base}/direct`,
    { schema: { tags, body: directConversationBody, response: { 200: conversation, 201: conversation } } },
    async (request, reply) => {
      const { conversation: opened, isNew } = await conversations.openDirect(await authenticate(request), request.body);
      return reply.status(isNew ? 201 : 200).send(opened);
    },
  );
  server.post(`${base}/group`, { schema: { tags, body: groupConversationBody, response: { 201: conversation } } }, async (request, reply) =>
    reply.status(201).send(await conversations.createGroup(await authenticate(request), request.body)),
  );
  server.get(`${base}/:conversationId`, { schema: one }, async (request) => {
    return conversations.get(await authenticate(request), request.params.conversationId);
  });
  server.patch(`${base}/:conversationId`, { schema: { ...one, body: updateConversationBody } }, async (request) =>
    conversations.update(await authenticate(request), request.params.conversationId, request.body),
  );
  server.put(`${base}/:conversationId/archive`, { schema: one }, async (request) =>
    conversations.archive(await authenticate(request), request.params.conversationId),
  );
  server.delete(`${base}/:conversationId/archive`, { schema: { tags, params, response: nothing } }, async (request, reply) => {
    await conversations.unarchive(await authenticate(request), request.params.conversationId);
    return reply.status(204).send(null);
  });
  server.put(`${base}/:conversationId/mute`, { schema: { ...one, body: muteBody.nullish() } }, async (request) =>
    conversations.mute(await authenticate(request), request.params.conversationId, request.body?.until),
  );
  server.delete(`${base}/:conversationId/mute`, { schema: { tags, params, response: nothing } }, async (request, reply) => {
    await conversations.unmute(await authenticate(request), request.params.conversationId);
    return reply.status(204).send(null);
  });
  server.put(`${base}/:conversationId/close`, { schema: one }, async (request) =>
    conversations.close(await authenticate(request), request.params.conversationId),
  );

  server.get(`${base}/:conversationId/members`, { schema: { tags, params, response: { 200: memberList } } }, async (request) => ({
    members: await conversations.members(await authenticate(request), request.params.conversationId),
  }));
  server.post(
    `${base}/:conversationId/members`,
    { schema: { tags, params, body: addMembersBody, response: { 201: memberList } } },
    async (request, reply) => {
      const all = await members.add(await authenticate(request), request.params.conversationId, request.body.userIds);
      return reply.status(201).send({ members: all });
    },
  );
  server.patch(
    `${base}/:conversationId/members/:userId`,
    { schema: { tags, params: memberParams, body: updateMemberBody, response: { 200: memberList } } },
    async (request) => {
      const { conversationId, userId: memberId } = request.params;
      return { members: await members.setRole(await authenticate(request), conversationId, memberId, request.body.role) };
    },
  );
  server.delete(
    `${base}/:conversationId/members/:userId`,
    { schema: { tags, params: memberParams, response: nothing } },
    async (request, reply) => {
      const { conversationId, userId: memberId } = request.params;
      await members.remove(await authenticate(request), conversationId, memberId);
      return reply.status(204).send(null);
    },
  );
  server.post(`${base}/:conversationId/leave`, { schema: { tags, params, response: nothing } }, async (request, reply) => {
    await members.leave(await authenticate(request), request.params.conversationId);
    return reply.status(204).send(null);
  });

  server.get(
    `${base}/:conversationId/messages`,
    {
      schema: {
        tags,
        params,
        querystring: historyPayload.omit({ conversationId: true }).extend({
          beforeSeq: queryNumber.positive().optional(),
          afterSeq: queryNumber.nonnegative().optional(),
          limit: queryNumber.min(1).max(100).default(50),
        }),
        response: { 200: z.object({ messages: z.array(message), hasMore: z.boolean() }) },
      },
    },
    async (request) => messages.history(await authenticate(request), { ...request.params, ...request.query }),
  );
  server.post(
    `${base}/:conversationId/messages`,
    { schema: { tags, params, body: sendBody, response: { 200: z.object({ message }), 201: z.object({ message }) } } },
    async (request, reply) => {
      const { message: sent, isNew } = await messages.send(await authenticate(request), { ...request.params, ...request.body });
      return reply.status(isNew ? 201 : 200).send({ message: sent });
    },
  );
  server.get(`${base}/:conversationId/messages/stats`, { schema: { tags, params, response: { 200: messageStats } } }, async (request) =>
    messages.stats(await authenticate(request), request.params.conversationId),
  );
  const seqBody = z.strictObject({ seq: z.int().nonnegative() });
  for (const name of ['delivered', 'read'] as const) {
    server.post(
      `${base}/:conversationId/${name}`,
      { schema: { tags, params, body: seqBody, response: nothing } },
      async (request, reply) => {
        await receipts[name](await authenticate(request), { ...request.params, ...request.body });
        return reply.status(204).send(null);
      },
    );
  }
}
