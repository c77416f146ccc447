import { stringify } from 'csv-stringify/sync';
import { validate as isUuid } from 'uuid';
import { assertWholeToken } from '../auth/access.ts';
import { audit } from '../db/audit-log.ts';
import type { Database } from '../db/database.ts';
import type { Call, CallStats, ListCallsQuery } from '../protocol/call.ts';
import { AppError } from '../protocol/errors.ts';
import type { CallActor } from './call-actor.ts';
import * as store from './call-store.ts';
import { toCall } from './call-view.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** Rows of one CSV document. */
const maxCsvRows = 10_000;
const csvColumns = [
  'callId',
  'type',
  'status',
  'endReason',
  'reason',
  'callerId',
  'calleeIds',
  'answeredBy',
  'endedBy',
  'appointmentId',
  'initiatedAt',
  'ringingAt',
  'acceptedAt',
  'connectedAt',
  'endedAt',
  'durationSeconds',
  'setupMs',
] as const satisfies readonly (keyof Call)[];

export type CallHistory = ReturnType<typeof createCallHistory>;

/** Past and present calls of a user: lists, one by one, in numbers, and what their conversation says of them. */
export function createCallHistory({ db }: { db: Database }) {
  /** Whose calls are asked for. An admin's reading of somebody else's is written down. Errors: `auth.forbidden`. */
  async function filterFor(actor: CallActor, { userId = actor.userId, type, status, from, to }: ListCallsQuery): Promise<store.CallFilter> {
    assertWholeToken(actor);
    if (userId !== actor.userId) {
      if (actor.role !== 'admin') throw new AppError('auth.forbidden');
      await audit(db.sql, { actor, action: 'call.read_by_staff', subject: userId });
    }
    const [since, until] = [from, to].map((time) => (time === undefined ? undefined : new Date(time)));
    return { userId, type, status, from: since, to: until };
  }

  return {
    /** A page of one's calls, newest first; `from` is included, `to` is not. Errors: `auth.forbidden` for somebody else's, unless an admin asks. */
    async list(actor: CallActor, query: ListCallsQuery): Promise<{ calls: Call[]; page: number; limit: number; total: number }> {
      const { page, limit } = query;
      const filter = await filterFor(actor, query);
      const [records, total] = await Promise.all([
        store.listCalls(db.sql, filter, { offset: (page - 1) * limit, limit }),
        store.countCalls(db.sql, filter),
      ]);
      return { calls: records.map(toCall), page, limit, total };
    },

    /** One's calls as CSV (RFC 4180), up to 10,000 rows; what a spreadsheet would take for a formula is escaped. */
    async csv(actor: CallActor, query: ListCallsQuery): Promise<string> {
      const records = await store.listCalls(db.sql, await filterFor(actor, query), { offset: 0, limit: maxCsvRows });
      const rows = records.map(toCall).map((call) => ({ ...call, calleeIds: call.calleeIds.join(' ') }));
      return stringify(rows, { header: true, columns: [...csvColumns], record_delimiter: 'windows', escape_formulas: true });
    },

    /** One call, for its parties, and admins, whose reading is written down. Errors: `call.not_found`. */
    async get(actor: CallActor, callId: string): Promise<Call> {
      assertWholeToken(actor);
      const call = isUuid(callId) ? await store.findCall(db.sql, callId) : undefined;
      const isParty = call?.parties.some(({ userId }) => userId === actor.userId) ?? false;
      if (!call || (!isParty && actor.role !== 'admin')) throw new AppError('call.not_found');
      if (!isParty) await audit(db.sql, { actor, action: 'call.read_by_staff', subject: callId });
      return toCall(call);
    },

    /** One's calls of the last days that are over, in numbers. */
    async stats(actor: CallActor, days: number): Promise<CallStats> {
      assertWholeToken(actor);
      const { durationSeconds, setupSeconds, ...counts } = await store.summarise(db.sql, actor.userId, new Date(Date.now() - days * dayMs));
      return {
        ...counts,
        averageDurationSeconds: Math.round(durationSeconds ?? 0),
        averageSetupMs: setupSeconds === null ? null : Math.round(setupSeconds * 1000),
      };
    },
  };
}
