import type { CallView } from './call-events.ts';
import { type CallEvent, isHere, type LocalCall, next, unknownCall } from './call-table.ts';

/** What a call has besides its own state. */
interface Entry {
  readonly local: LocalCall;
  readonly videoRequestedBy: string | undefined;
}

/** How many calls that are over are remembered, so that late words on them ring nobody again. */
const maxOver = 50;

/** What an event has changed. */
export interface BookChange {
  readonly before: LocalCall['phase'];
  readonly view: CallView;
}

/** Every call that was heard of, by id, with the views of those that are shown. */
export class CallBook {
  readonly #entries = new Map<string, Entry>();
  readonly #views = new WeakMap<Entry, CallView>();

  /** Those that are not over, the longest known first. */
  get running(): readonly CallView[] {
    return [...this.#entries.values()].flatMap((entry) => (entry.local.phase === 'ended' ? [] : (this.#viewOf(entry) ?? [])));
  }

  /** The call of this device. */
  get current(): CallView | undefined {
    return this.running.find(({ callId }) => this.#isHere(callId));
  }

  find(callId: string): CallView | undefined {
    const entry = this.#entries.get(callId);
    return entry && this.#viewOf(entry);
  }

  /** Takes an event in. Undefined: nothing is different. */
  apply(callId: string, userId: string, event: CallEvent): BookChange | undefined {
    const entry = this.#entries.get(callId) ?? { local: unknownCall(userId), videoRequestedBy: undefined };
    const local = next(entry.local, event);
    if (local === entry.local) return undefined;
    const isAsking = local.call?.type === 'voice' && local.phase !== 'ended';
    return this.#put(callId, { local, videoRequestedBy: isAsking ? entry.videoRequestedBy : undefined }, entry);
  }

  /** Somebody wishes video, or (undefined) nobody waits for it any more. */
  setVideoRequest(callId: string, userId: string | undefined): BookChange | undefined {
    const entry = this.#entries.get(callId);
    if (entry === undefined || entry.local.phase === 'ended' || entry.videoRequestedBy === userId) return undefined;
    return this.#put(callId, { ...entry, videoRequestedBy: userId }, entry);
  }

  /** Whoever left a call may be rung into it again: then it begins anew here. */
  forgetOver(callId: string): void {
    if (this.#entries.get(callId)?.local.phase === 'ended') this.#entries.delete(callId);
  }

  #put(callId: string, entry: Entry, before: Entry): BookChange | undefined {
    this.#entries.set(callId, entry);
    if (entry.local.phase === 'ended') this.#forgetOldest();
    const view = this.#viewOf(entry);
    return view && { before: before.local.phase, view };
  }

  #isHere(callId: string): boolean {
    const entry = this.#entries.get(callId);
    return entry !== undefined && isHere(entry.local);
  }

  #forgetOldest(): void {
    const over = [...this.#entries].filter(([, { local }]) => local.phase === 'ended');
    for (const [callId] of over.slice(0, Math.max(0, over.length - maxOver))) this.#entries.delete(callId);
  }

  #viewOf(entry: Entry): CallView | undefined {
    const { local, videoRequestedBy } = entry;
    const { phase, call, outcome, userId } = local;
    if (phase === 'unknown' || call === undefined) return undefined;
    let view = this.#views.get(entry);
    if (view === undefined) {
      view = { callId: call.callId, phase, isOutgoing: call.callerId === userId, call, outcome, videoRequestedBy };
      this.#views.set(entry, view);
    }
    return view;
  }
}
