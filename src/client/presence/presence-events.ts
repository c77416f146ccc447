import type { Contact, Presence as PresenceInfo, SettableStatus } from '../../protocol/presence.ts';
import type { ParleyError } from '../parley-error.ts';

/** Everybody's presence as it is now. Never changed: each change makes a new one. */
export interface PresenceView {
  /** One's own; undefined until the server has told. */
  readonly own: PresenceInfo | undefined;
  /** Of those who are watched, by user id. */
  readonly presences: ReadonlyMap<string, PresenceInfo>;
}

/** What presence tells. */
export interface PresenceEvents {
  changed: PresenceView;
  /** These users stand otherwise than before. */
  presencesChanged: { presences: readonly PresenceInfo[] };
  /** Some could not be watched; the others are. */
  error: { error: ParleyError };
}

/** What one says besides the status. */
export interface SetPresenceOptions {
  /** Empty or left out: no note. */
  readonly note?: string;
  /** When status and note end by themselves, ISO 8601 with an offset. */
  readonly until?: string;
}

/** Which contacts to read. */
export interface ContactsQuery {
  /** Part of a name or id. */
  readonly query?: string;
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

/** A page of contacts. */
export interface ContactsPage {
  readonly contacts: readonly Contact[];
  /** Null: there are no more. */
  readonly cursor: string | null;
}

export type { Contact, PresenceInfo, SettableStatus };
