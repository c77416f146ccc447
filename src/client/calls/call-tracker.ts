import type { Call } from '../../protocol/call.ts';
import type { NoticeName, NoticePayload } from '../../protocol/index.ts';
import type { Connection } from '../connection.ts';
import type { Emitter, Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import { type BookChange, CallBook } from './call-book.ts';
import type { CallsEvents, CallsView, CallView, StartCallOptions } from './call-events.ts';
import type { CallEvent } from './call-table.ts';
import { SilenceWatch } from './silence-watch.ts';

/** What following calls needs. */
export interface CallTrackerOptions {
  readonly connection: Connection;
  readonly events: Emitter<CallsEvents>;
  /** A call as the server has it now. */
  read(callId: string): Promise<Call>;
  /** One's newest calls. */
  readNewest(): Promise<readonly Call[]>;
  /** Before anybody is told. */
  onOver(callId: string): void;
  /** It has begun although the user was told that it failed. */
  onGivenUp(callId: string): void;
  onChanged(): void;
}

/** As long as a call that was given up may still turn out to have begun, milliseconds. */
const unsureMs = 60_000;

/** Notices that tell how a call stands, and nothing else. */
const toldBy = [
  'call:ringing',
  'call:accepted',
  'call:declined',
  'call:busy',
  'call:connected',
  'call:ended',
  'call:missed',
  'call:failed',
  'call:updated',
] as const;

/** Follows every call: by notices, by asking after a lost connection, and by what the user does. Tells each change once. */
export class CallTracker {
  readonly #options: CallTrackerOptions;
  readonly #book = new CallBook();
  readonly #silence = new SilenceWatch((callId) => void this.#ask(callId, true));
  readonly #off: Unsubscribe[] = [];
  /** Calls that the user has left, and the server has not confirmed yet. */
  readonly #leaving = new Set<string>();
  /** Calls from somebody whom one is just calling. */
  readonly #held = new Set<string>();
  #starting: CallsView['starting'];
  /** A call whose answer was lost: the server may have begun it, and the user was told that it has failed. */
  #unsure: { readonly calleeIds: string; readonly untilMs: number } | undefined;
  #isClosed = false;

  constructor(options: CallTrackerOptions) {
    this.#options = options;
    this.#listen();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get starting(): CallsView['starting'] {
    return this.#starting;
  }

  /** The call of this device. */
  get current(): CallView | undefined {
    const { current } = this.#book;
    return current && this.#isBeingCalled(current) ? undefined : current;
  }

  /** What rings here. */
  get incoming(): readonly CallView[] {
    return this.#book.running.filter((call) => call.phase === 'incoming' && !this.#isBeingCalled(call));
  }

  get elsewhere(): readonly CallView[] {
    return this.#book.running.filter((call) => call.phase === 'elsewhere' && !this.#isStarting(call));
  }

  find(callId: string): CallView | undefined {
    return this.#book.find(callId);
  }

  /** @throws {ParleyError} `call.not_found` */
  get(callId: string): CallView {
    const view = this.#book.find(callId);
    if (view === undefined) throw new ParleyError('call.not_found');
    return view;
  }

  /** Takes in what has happened to a call. */
  apply(callId: string, event: CallEvent): void {
    if (this.#isClosed) return;
    const userId = this.#options.connection.userId ?? '';
    this.#show(this.#book.apply(callId, userId, event), event.type === 'startAnswered');
  }

  /** The server's word on a call. */
  tell({ call }: { call: Call }): void {
    this.apply(call.callId, { type: 'told', call });
  }

  /** Somebody wishes video, or (undefined) nobody waits for it any more. */
  setVideoRequest(callId: string, userId: string | undefined): void {
    this.#show(this.#book.setVideoRequest(callId, userId));
  }

  /** The user starts a call; until it is answered those whom it rings do not ring here. */
  beginStart({ calleeIds, type }: StartCallOptions): void {
    this.#starting = { calleeIds: [...calleeIds], type };
    for (const call of this.#book.running) if (call.phase === 'incoming' && this.#isBeingCalled(call)) this.#hold(call.callId);
    this.#options.onChanged();
  }

  /** It was answered by a call, or has failed. */
  endStart(answer: Call | ParleyError): void {
    const { events, onChanged, onGivenUp } = this.#options;
    const { calleeIds = [] } = this.#starting ?? {};
    const answeredId = answer instanceof ParleyError ? undefined : answer.callId;
    for (const callId of this.#held) if (callId !== answeredId) this.apply(callId, { type: 'acceptRefused', call: undefined });
    this.#starting = undefined;
    if (answer instanceof ParleyError) {
      if (isUnsure(answer)) this.#unsure = { calleeIds: keyOf(calleeIds), untilMs: Date.now() + unsureMs };
      // It may be the reason of this failure.
      for (const call of this.elsewhere) if (this.#wasGivenUp(call)) onGivenUp(call.callId);
    } else {
      this.#unsure = undefined;
      const isOverAlready = this.#book.find(answer.callId)?.phase === 'ended';
      this.apply(answer.callId, { type: 'startAnswered', call: answer });
      if (isOverAlready) events.emit('ended', { call: this.get(answer.callId) });
    }
    onChanged();
    // What rang meanwhile and did not become one with ours rings now.
    for (const callId of this.#held) {
      const call = this.#book.find(callId);
      if (call?.phase === 'incoming') events.emit('incoming', { call });
    }
    this.#held.clear();
  }

  /** The user has left a call; until `say` is done it does not ring here again. Throws what `say` throws. */
  async leave(callId: string, event: Extract<CallEvent, { type: 'left' }>, say: () => Promise<unknown>): Promise<void> {
    if (this.#book.find(callId)?.phase === 'ended') return;
    this.#leaving.add(callId);
    this.apply(callId, event);
    try {
      await say();
    } finally {
      this.#leaving.delete(callId);
    }
  }

  /** Ends; no listener or timer is left. */
  close(): void {
    this.#isClosed = true;
    for (const off of this.#off.splice(0)) off();
    this.#silence.close();
  }

  #listen(): void {
    const { connection, events } = this.#options;
    const on = <N extends NoticeName>(name: N, listener: (payload: NoticePayload<N>) => void): void => {
      this.#off.push(connection.onNotice(name, listener));
    };
    on('call:incoming', ({ call }) => {
      // Told again while our "no" is still on its way.
      if (this.#leaving.has(call.callId)) return;
      this.#book.forgetOver(call.callId);
      this.apply(call.callId, { type: 'rang', call });
    });
    on('call:answeredElsewhere', ({ call }) => this.apply(call.callId, { type: 'answeredElsewhere', call }));
    for (const name of toldBy) on(name, (told) => this.tell(told));
    on('call:videoRequested', ({ call, userId }) => {
      this.tell({ call });
      this.setVideoRequest(call.callId, userId);
      const view = this.#book.find(call.callId);
      if (view !== undefined && userId !== connection.userId) events.emit('videoRequested', { call: view, userId });
    });
    on('call:videoAnswered', ({ call, userId, accepted }) => {
      this.setVideoRequest(call.callId, undefined);
      this.tell({ call });
      const view = this.#book.find(call.callId);
      if (view !== undefined) events.emit('videoAnswered', { call: view, userId, accepted });
    });
    on('session:resync', () => void this.#catchUp());
    on('call:signal', (signal) => events.emit('signal', signal));
    this.#off.push(
      connection.on('ready', () => void this.#catchUp()),
      connection.on('stateChanged', ({ status }) => {
        if (status === 'failed') for (const { callId } of this.#book.running) this.apply(callId, { type: 'lost' });
      }),
    );
    if (connection.isConnected) void this.#catchUp();
  }

  /** What has happened unheard: to those that run, and calls that ring or that one is in without this page knowing. */
  async #catchUp(): Promise<void> {
    const calls = await this.#options.readNewest().catch((): readonly Call[] => []);
    const isTold = new Set(calls.map(({ callId }) => callId));
    for (const call of calls) {
      const isNews = call.endedAt === null || this.#book.find(call.callId) !== undefined;
      if (isNews && !this.#leaving.has(call.callId)) this.tell({ call });
    }
    await Promise.all(this.#book.running.map(({ callId }) => (isTold.has(callId) ? undefined : this.#ask(callId, false))));
  }

  async #ask(callId: string, isOverdue: boolean): Promise<void> {
    try {
      this.tell({ call: await this.#options.read(callId) });
      this.#watch(callId);
    } catch (error) {
      const isGone = error instanceof ParleyError && error.code === 'call.not_found';
      // Otherwise the next connection asks again.
      if (isGone || isOverdue) this.apply(callId, { type: 'lost' });
    }
  }

  #show(change: BookChange | undefined, isStart = false): void {
    if (change === undefined || this.#isClosed) return;
    const { events, onOver, onChanged, onGivenUp } = this.#options;
    const { view: call, before } = change;
    if (call.phase === 'ended') onOver(call.callId);
    this.#watch(call.callId);
    onChanged();
    // The answer to our own start tells it all at once.
    if (this.#isStarting(call)) return;
    const isHeld = this.#isBeingCalled(call) && (call.phase === 'incoming' || call.phase === 'accepting');
    if (isHeld) return call.phase === 'incoming' && before !== 'accepting' ? this.#hold(call.callId) : undefined;
    if (before === 'unknown' && this.#wasGivenUp(call)) return onGivenUp(call.callId);
    if (call.phase === 'ended') {
      if (before !== 'unknown' || isStart) events.emit('ended', { call });
      if (isMissed(call)) events.emit('missed', { call });
    } else if (call.phase !== 'incoming' || before === 'incoming' || before === 'accepting') events.emit('updated', { call });
    else events.emit('incoming', { call });
  }

  /** Their call and ours become one: ours is an accept of theirs, and its answer alone says whether it was taken by this device. */
  #hold(callId: string): void {
    this.#held.add(callId);
    this.apply(callId, { type: 'acceptSent' });
  }

  /** Both call each other at once: until our own call is answered theirs does not ring here, since the two become one. */
  #isBeingCalled({ call, isOutgoing }: CallView): boolean {
    return !isOutgoing && this.#starting?.calleeIds.includes(call.callerId) === true;
  }

  /** Notices of a call may come before the answer to its start. */
  #isStarting({ call, isOutgoing }: CallView): boolean {
    return isOutgoing && this.#starting !== undefined && keyOf(call.calleeIds) === keyOf(this.#starting.calleeIds);
  }

  #wasGivenUp({ phase, isOutgoing, call }: CallView): boolean {
    const isRinging = call.status === 'initiated' || call.status === 'ringing';
    if (phase !== 'elsewhere' || !isOutgoing || !isRinging || this.#unsure === undefined) return false;
    return this.#unsure.calleeIds === keyOf(call.calleeIds) && Date.now() < this.#unsure.untilMs;
  }

  /** Calls that run of themselves may be silent for as long as they like. */
  #watch(callId: string): void {
    const phase = this.#book.find(callId)?.phase;
    const mayBeSilent = phase === undefined || phase === 'ended' || phase === 'connected' || phase === 'elsewhere';
    if (mayBeSilent || this.#isClosed) this.#silence.forget(callId);
    else this.#silence.heard(callId);
  }
}

function keyOf(calleeIds: readonly string[]): string {
  return [...new Set(calleeIds)].sort().join(' ');
}

/** Whether the server may have done what was asked all the same. */
function isUnsure({ code }: ParleyError): boolean {
  return code === 'client.disconnected' || code === 'client.timeout';
}

/** Whether somebody has called in vain. */
function isMissed({ isOutgoing, outcome }: CallView): boolean {
  return !isOutgoing && (outcome === 'missed' || outcome === 'caller_cancelled' || outcome === 'busy');
}
