import { sql } from 'drizzle-orm';
import { bigserial, boolean, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Role } from '../protocol/ids.ts';
import type { LeaveReason, RoomEndReason, RoomStatus } from '../protocol/room.ts';
import type { Privacy } from '../protocol/user.ts';

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** What Parley keeps of the host application's users. */
export const users = pgTable('users', {
  userId: text('user_id').primaryKey(),
  /** From the token; the user's own choice goes before it. */
  tokenName: text('token_name').notNull(),
  chosenName: text('chosen_name'),
  role: text('role').$type<Role>().notNull(),
  locale: text('locale').notNull().default('en'),
  privacy: jsonb('privacy')
    .$type<Privacy>()
    .notNull()
    .default({ showLastSeen: true, showReadReceipts: true, showTyping: true }),
  suspendedAt: time('suspended_at'),
  createdAt: time('created_at').notNull().defaultNow(),
});

export const rooms = pgTable(
  'rooms',
  {
    roomId: uuid('room_id').primaryKey(),
    name: text('name').notNull(),
    notes: text('notes').notNull().default(''),
    hostId: text('host_id').notNull(),
    createdBy: text('created_by').notNull(),
    appointmentId: text('appointment_id'),
    /** Only the invited may enter; otherwise the room's address is the invitation. */
    invitedOnly: boolean('invited_only').notNull().default(false),
    lobby: boolean('lobby').notNull().default(false),
    locked: boolean('locked').notNull().default(false),
    maxParticipants: integer('max_participants').notNull(),
    status: text('status').$type<RoomStatus>().notNull().default('waiting'),
    endReason: text('end_reason').$type<RoomEndReason>(),
    scheduledAt: time('scheduled_at'),
    durationMinutes: integer('duration_minutes'),
    createdAt: time('created_at').notNull().defaultNow(),
    startedAt: time('started_at'),
    endedAt: time('ended_at'),
  },
  (table) => [
    index('rooms_host').on(table.hostId, table.roomId),
    index('rooms_created_by').on(table.createdBy, table.createdAt),
    index('rooms_running').on(table.startedAt).where(sql`status = 'in_progress'`),
  ],
);

export const roomGuests = pgTable(
  'room_guests',
  {
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    userId: text('user_id').notNull(),
  },
  (table) => [primaryKey({ columns: [table.roomId, table.userId] }), index('room_guests_user').on(table.userId, table.roomId)],
);

export const roomBans = pgTable(
  'room_bans',
  {
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    userId: text('user_id').notNull(),
    bannedBy: text('banned_by').notNull(),
    bannedAt: time('banned_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.roomId, table.userId] })],
);

/** Who was in a room, from when to when. */
export const roomParticipants = pgTable(
  'room_participants',
  {
    participantId: uuid('participant_id').primaryKey(),
    roomId: uuid('room_id')
      .notNull()
      .references(() => rooms.roomId),
    userId: text('user_id').notNull(),
    joinedAt: time('joined_at').notNull().defaultNow(),
    leftAt: time('left_at'),
    leaveReason: text('leave_reason').$type<LeaveReason>(),
  },
  (table) => [
    index('room_participants_room').on(table.roomId),
    index('room_participants_user').on(table.userId, table.roomId),
    index('room_participants_present').on(table.roomId).where(sql`left_at is null`),
  ],
);

/** Who did what. Append-only: the database refuses updates and deletions. */
export const auditLog = pgTable('audit_log', {
  seq: bigserial('seq', { mode: 'number' }).primaryKey(),
  at: time('at').notNull().default(sql`clock_timestamp()`),
  actorId: text('actor_id').notNull(),
  actorRole: text('actor_role').notNull(),
  action: text('action').notNull(),
  subject: text('subject'),
  address: text('address'),
  details: jsonb('details').$type<Record<string, unknown>>().notNull().default({}),
});
