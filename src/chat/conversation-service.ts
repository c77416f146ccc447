import { v7 as uuidv7 } from 'uuid';
import type { z } from 'zod';
import { assertWholeToken } from '../auth/access.ts';
import { audit } from '../db/audit-log.ts';
import { decodeCursor, encodeCursor } from '../db/cursor.ts';
import type { Database, Transaction } from '../db/database.ts';
import type { Notifier } from '../notifier.ts';
import type {
  Conversation,
  directConversationBody,
  groupConversationBody,
  Member,
  MemberRole,
  updateConversationBody,
} from '../protocol/chat.ts';
import { AppError } from '../protocol/errors.ts';
import type { Reply, RequestPayload } from '../protocol/index.ts';
import type { AcquaintanceService } from '../users/acquaintance-service.ts';
import * as store from './conversation-store.ts';
import { type ConversationViews, toMember } from './conversation-view.ts';
import { assertGroup, assertMayRead, assertRole, type Chatter, getMembership } from './membership.ts';
import type { MessageService } from './message-service.ts';

/** A muted conversation without an end is muted until then. */
const forEver = new Date('9999-12-31T00:00:00.000Z');

export type ConversationService = ReturnType<typeof createConversationService>;

/** Rules of conversations: who may begin one, and what each member may do with it. Members are dealt with in `member-service.ts`. */
export function createConversationService(parts: {
  db: Database;
  notifier: Notifier;
  views: ConversationViews;
  messages: MessageService;
  assertMayReach: AcquaintanceService['assertMayReach'];
  assertMayUseAsAvatar: (userId: string, attachmentId: string) => Promise<void>;
}) {
  const { db, notifier, views, messages, assertMayReach, assertMayUseAsAvatar } = parts;

  /** A conversation as one of its members sees it. Errors: `chat.conversation_not_found`. */
  async function viewFor(actor: Chatter, conversationId: string): Promise<Conversation> {
    return await view(await getMembership(db.sql, conversationId, actor));
  }

  async function view(membership: store.Membership): Promise<Conversation> {
    const [conversation] = await views.toConversations(db.sql, [membership]);
    if (!conversation) throw new Error('one membership makes one conversation');
    return conversation;
  }

  /** Tells each of some members how the conversation is to them. */
  async function tell(name: 'chat:conversationAdded' | 'chat:conversationUpdated', conversationId: string, userIds?: readonly string[]) {
    const memberships = await store.listMembershipsOf(db.sql, conversationId, userIds);
    for (const [index, conversation] of (await views.toConversations(db.sql, memberships)).entries()) {
      notifier.notify({ to: { userIds: [memberships[index]?.member.userId ?? ''], conversationId } }, name, { conversation });
    }
  }

  async function assertInAppointment(actor: Chatter, appointmentId: string | undefined): Promise<void> {
    if (appointmentId === undefined || actor.role === 'admin' || actor.role === 'service') return;
    if (!(await store.isInAppointment(db.sql, appointmentId, actor.userId))) throw new AppError('appointment.not_found');
  }

  async function changeOwn(
    actor: Chatter,
    conversationId: string,
    changes: Parameters<typeof store.updateMember>[3],
  ): Promise<Conversation> {
    await getMembership(db.sql, conversationId, actor);
    await store.updateMember(db.sql, conversationId, actor.userId, changes);
    await tell('chat:conversationUpdated', conversationId, [actor.userId]);
    return await viewFor(actor, conversationId);
  }

  /** The conversation of two users (and of an appointment), made on first use; two at once make one. */
  async function ensureDirect(tx: Transaction, actor: Chatter, otherId: string, appointmentId: string | undefined) {
    const directKey = JSON.stringify([...[actor.userId, otherId].sort(), appointmentId ?? null]);
    const made = await store.insertConversation(tx, {
      conversationId: uuidv7(),
      type: 'direct',
      directKey,
      appointmentId: appointmentId ?? null,
      createdBy: actor.userId,
    });
    if (!made) {
      const row = await store.findByDirectKey(tx, directKey);
      if (!row) throw new Error('a direct conversation is there or was made');
      return { row, isNew: false };
    }
    const members = [actor.userId, otherId].map((userId) => ({ userId, role: 'member' as const }));
    await store.insertMembers(tx, made.conversationId, members);
    const details = { type: 'direct', memberIds: [otherId] };
    await audit(tx, { actor, action: 'conversation.created', subject: made.conversationId, details });
    return { row: made, isNew: true };
  }

  return {
    tell,
    assertInAppointment,
    ensureDirect,

    /**
     * Answers the conversation of two users (and of an appointment), made on first use; two at once make one.
     * Errors: `auth.forbidden` for oneself, strangers and nobody; `appointment.not_found`.
     */
    async openDirect(
      actor: Chatter,
      body: z.infer<typeof directConversationBody>,
    ): Promise<{ conversation: Conversation; isNew: boolean }> {
      const { userId: otherId, appointmentId, initialMessage } = body;
      assertWholeToken(actor);
      if (otherId === actor.userId) throw new AppError('auth.forbidden');
      await assertInAppointment(actor, appointmentId);
      await assertMayReach(actor, [otherId]);
      if (initialMessage !== undefined) messages.assertContent(initialMessage, true);
      const { row, isNew } = await db.transaction((tx) => ensureDirect(tx, actor, otherId, appointmentId));
      if (isNew) await tell('chat:conversationAdded', row.conversationId);
      if (initialMessage !== undefined) {
        await messages.send(actor, { conversationId: row.conversationId, clientId: uuidv7(), type: 'text', content: initialMessage });
      }
      return { conversation: await viewFor(actor, row.conversationId), isNew };
    },

    /** Makes a group with oneself as its owner. Errors: `auth.forbidden` for a member whom one may not meet, `appointment.not_found`. */
    async createGroup(actor: Chatter, body: z.infer<typeof groupConversationBody>): Promise<Conversation> {
      assertWholeToken(actor);
      const { name, appointmentId } = body;
      const memberIds = [...new Set(body.memberIds)].filter((userId) => userId !== actor.userId);
      await assertInAppointment(actor, appointmentId);
      await assertMayReach(actor, memberIds);
      const conversationId = uuidv7();
      await db.transaction(async (tx) => {
        await store.insertConversation(tx, {
          conversationId,
          type: 'group',
          name,
          appointmentId: appointmentId ?? null,
          createdBy: actor.userId,
        });
        const members = memberIds.map((userId) => ({ userId, role: 'member' as MemberRole }));
        await store.insertMembers(tx, conversationId, [{ userId: actor.userId, role: 'owner' }, ...members]);
        await audit(tx, { actor, action: 'conversation.created', subject: conversationId, details: { type: 'group', memberIds } });
      });
      await tell('chat:conversationAdded', conversationId);
      return await viewFor(actor, conversationId);
    },

    /** One's conversations, the one that was active last first. */
    async list(actor: Chatter, request: RequestPayload<'chat:conversations'>): Promise<Reply<'chat:conversations'>> {
      assertWholeToken(actor);
      const { status, type, limit } = request;
      const { userId } = actor;
      const before = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
      const memberships = await store.listMemberships(db.sql, {
        userId,
        status,
        type,
        before: before && { at: before.at, conversationId: before.id },
        limit: limit + 1,
      });
      const page = memberships.slice(0, limit);
      const last = page.at(-1)?.conversation;
      return {
        conversations: await views.toConversations(db.sql, page),
        cursor: memberships.length > limit && last ? encodeCursor({ at: last.lastActivityAt, id: last.conversationId }) : null,
      };
    },

    /** One conversation, for those who may read it. Errors: `chat.conversation_not_found`. */
    async get(actor: Chatter, conversationId: string): Promise<Conversation> {
      await assertMayRead(db.sql, actor, conversationId);
      const membership = await store.findMembership(db.sql, conversationId, actor.userId);
      return await view(membership ?? (await store.visitOf(db.sql, conversationId, actor.userId)));
    },

    stats(actor: Chatter) {
      assertWholeToken(actor);
      return store.countConversations(db.sql, actor.userId);
    },

    /** The members, for those who may read the conversation. Errors: `chat.conversation_not_found`. */
    async members(actor: Chatter, conversationId: string): Promise<Member[]> {
      await assertMayRead(db.sql, actor, conversationId);
      return (await store.listMembers(db.sql, [conversationId])).map(toMember);
    },

    /** Renames a group or gives it a picture; for its owner and admins. Errors: `auth.forbidden`, `chat.direct_conversation`, `chat.conversation_closed`. */
    async update(actor: Chatter, conversationId: string, body: z.infer<typeof updateConversationBody>): Promise<Conversation> {
      const membership = await getMembership(db.sql, conversationId, actor);
      assertGroup(membership);
      assertRole(membership, 'admin');
      if (membership.conversation.closedAt) throw new AppError('chat.conversation_closed');
      if (body.avatarId) await assertMayUseAsAvatar(actor.userId, body.avatarId);
      const { name, avatarId } = body;
      const changes = { ...(name !== undefined && { name }), ...(avatarId !== undefined && { avatarId }) };
      if (Object.keys(changes).length === 0) return await view(membership);
      await db.transaction(async (tx) => {
        await store.updateConversation(tx, conversationId, changes);
        await audit(tx, { actor, action: 'conversation.updated', subject: conversationId, details: { fields: Object.keys(changes) } });
      });
      await tell('chat:conversationUpdated', conversationId);
      return await viewFor(actor, conversationId);
    },

    archive: (actor: Chatter, conversationId: string) => changeOwn(actor, conversationId, { archivedAt: new Date() }),
    unarchive: (actor: Chatter, conversationId: string) => changeOwn(actor, conversationId, { archivedAt: null }),
    /** Until a time, or until it is unmuted. */
    mute: (actor: Chatter, conversationId: string, until: string | undefined) =>
      changeOwn(actor, conversationId, { mutedUntil: until === undefined ? forEver : new Date(until) }),
    unmute: (actor: Chatter, conversationId: string) => changeOwn(actor, conversationId, { mutedUntil: null }),

    /** Ends a conversation for good: it can be read, but nothing more is said. For a group's owner and admins, for providers in a direct one. */
    async close(actor: Chatter, conversationId: string): Promise<Conversation> {
      const membership = await getMembership(db.sql, conversationId, actor);
      if (membership.conversation.type === 'group') assertRole(membership, 'admin');
      else if (actor.role === 'patient') throw new AppError('auth.forbidden');
      await db.transaction(async (tx) => {
        const row = await store.lockConversation(tx, conversationId);
        if (!row || row.closedAt) return;
        await store.updateConversation(tx, conversationId, { closedAt: new Date() });
        await audit(tx, { actor, action: 'conversation.closed', subject: conversationId });
      });
      await tell('chat:conversationUpdated', conversationId);
      return await viewFor(actor, conversationId);
    },

    /** The conversation that a room has from its making, with the host as its owner. Part of the transaction that makes the room. */
    async createForRoom(
      tx: Transaction,
      room: { roomId: string; name: string; hostId: string; appointmentId: string | null; guestIds: readonly string[] },
    ): Promise<string> {
      const { roomId, name, hostId, appointmentId, guestIds } = room;
      const conversationId = uuidv7();
      await store.insertConversation(tx, { conversationId, type: 'group', name, roomId, appointmentId, createdBy: hostId });
      const guests = guestIds.map((userId) => ({ userId, role: 'member' as MemberRole }));
      await store.insertMembers(tx, conversationId, [{ userId: hostId, role: 'owner' }, ...guests]);
      return conversationId;
    },

    /** Makes whoever enters a room a member of its own conversation; answers its id and whether they are new. A conversation that two have with one another takes nobody in. */
    async enterRoom(
      tx: Transaction,
      room: { roomId: string; conversationId: string | null },
      userId: string,
      role: MemberRole,
    ): Promise<{ conversationId: string; isNew: boolean }> {
      if (room.conversationId !== null) return { conversationId: room.conversationId, isNew: false };
      const row = await store.findByRoom(tx, room.roomId);
      if (!row) throw new Error('every room has a conversation');
      const added = await store.insertMembers(tx, row.conversationId, [{ userId, role }]);
      return { conversationId: row.conversationId, isNew: added.length > 0 };
    },

    /** Tells a newcomer of the conversation, and the others of the newcomer. */
    async tellEntered(conversationId: string, userId: string): Promise<void> {
      await tell('chat:conversationAdded', conversationId, [userId]);
      const members = await store.listMembers(db.sql, [conversationId]);
      const others = members.map((member) => member.userId).filter((memberId) => memberId !== userId);
      notifier.notify({ to: { userIds: others, conversationId } }, 'chat:membersChanged', {
        conversationId,
        members: members.map(toMember),
      });
    },
  };
}
