import type { DevicesHere } from './live-presence.ts';
import { awayAtMs, type Device, deviceKind } from './presence-status.ts';

/** How long a device is shown after its socket has gone: whoever comes back within it was never away. */
const lingerMs = 2_000;
/** How often it is looked for devices that have become away or are gone. */
const lookMs = 250;

interface Entry {
  readonly sessionId: string;
  readonly userId: string;
  kind: Device['kind'];
  status: Device['status'];
  sinceMs: number;
  /** When it becomes away; undefined while it has never given a sign of its user. */
  awayAtMs: number | undefined;
  /** When its socket went; undefined while it has one. */
  lostAtMs: number | undefined;
  /** Shown no more, but its session may still come back. */
  isGone: boolean;
}

/** The devices of this server: its users' sessions. Each change is told by `onChanged`, at once; by `onSeen` when a user has just been there. */
export class OwnDevices implements DevicesHere {
  readonly #entries = new Map<string, Entry>();
  readonly #ofUser = new Map<string, Set<Entry>>();
  readonly #onChanged: (userId: string) => void;
  readonly #onSeen: (userId: string, at: Date) => void;
  readonly #timer: NodeJS.Timeout;

  constructor({ onChanged, onSeen }: { onChanged: (userId: string) => void; onSeen: (userId: string, at: Date) => void }) {
    this.#onChanged = onChanged;
    this.#onSeen = onSeen;
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  get userIds(): string[] {
    return [...this.#ofUser.keys()];
  }

  devicesOf(userId: string): Device[] {
    return [...(this.#ofUser.get(userId) ?? [])].map(({ sessionId, kind, status, sinceMs, lostAtMs }) => ({
      sessionId,
      kind,
      status,
      sinceMs,
      isLost: lostAtMs !== undefined,
    }));
  }

  /** A session has begun. */
  opened(sessionId: string, userId: string): void {
    if (this.#entries.has(sessionId)) return;
    const entry: Entry = {
      sessionId,
      userId,
      kind: 'unknown',
      status: 'online',
      sinceMs: Date.now(),
      awayAtMs: undefined,
      lostAtMs: undefined,
      isGone: false,
    };
    this.#entries.set(sessionId, entry);
    // Known even when this server does not live to see them go.
    this.#onSeen(userId, new Date(entry.sinceMs));
    this.#show(entry);
  }

  /** A session's socket is gone. */
  lost(sessionId: string): void {
    const entry = this.#entries.get(sessionId);
    if (!entry || entry.lostAtMs !== undefined) return;
    entry.lostAtMs = Date.now();
    // Should it be the last one, this is written when it is shown no more.
    this.#onSeen(entry.userId, new Date(entry.lostAtMs));
    this.#onChanged(entry.userId);
  }

  /** A session has a socket again. */
  resumed(sessionId: string): void {
    const entry = this.#entries.get(sessionId);
    if (!entry) return;
    entry.lostAtMs = undefined;
    this.#show(entry);
  }

  /** A session has ended; with `atOnce` nobody waits for its user to come back. */
  closed(sessionId: string, { atOnce }: { atOnce: boolean }): void {
    const entry = this.#entries.get(sessionId);
    if (!entry) return;
    this.lost(sessionId);
    this.#entries.delete(sessionId);
    if (atOnce) this.#hide(entry);
  }

  /** A sign of the user; `idleSeconds` ago they last did something. */
  heard(sessionId: string, { kind, idleSeconds }: { kind: string | undefined; idleSeconds: number }): void {
    const entry = this.#entries.get(sessionId);
    if (!entry) return;
    const heardAtMs = Date.now();
    const before = { ...entry };
    if (kind !== undefined) entry.kind = deviceKind(kind);
    entry.awayAtMs = awayAtMs({ heardAtMs, idleSeconds });
    entry.status = entry.awayAtMs <= heardAtMs ? 'away' : 'online';
    if (entry.status !== before.status) entry.sinceMs = entry.status === 'away' ? entry.awayAtMs : heardAtMs - idleSeconds * 1000;
    if (entry.status !== before.status || entry.kind !== before.kind) this.#onChanged(entry.userId);
  }

  /** Forgets everything without telling; idempotent. */
  close(): void {
    clearInterval(this.#timer);
    this.#entries.clear();
    this.#ofUser.clear();
  }

  #show(entry: Entry): void {
    entry.isGone = false;
    const ofUser = this.#ofUser.get(entry.userId) ?? new Set();
    ofUser.add(entry);
    this.#ofUser.set(entry.userId, ofUser);
    this.#onChanged(entry.userId);
  }

  #hide(entry: Entry): void {
    if (entry.isGone) return;
    entry.isGone = true;
    const ofUser = this.#ofUser.get(entry.userId);
    ofUser?.delete(entry);
    if (ofUser?.size === 0) this.#ofUser.delete(entry.userId);
    this.#onChanged(entry.userId);
  }

  #look(): void {
    const nowMs = Date.now();
    for (const entries of [...this.#ofUser.values()]) {
      for (const entry of [...entries]) {
        if (entry.lostAtMs !== undefined && nowMs - entry.lostAtMs >= lingerMs) this.#hide(entry);
        else if (entry.status === 'online' && entry.awayAtMs !== undefined && entry.awayAtMs <= nowMs) {
          entry.status = 'away';
          entry.sinceMs = entry.awayAtMs;
          this.#onChanged(entry.userId);
        }
      }
    }
  }
}
