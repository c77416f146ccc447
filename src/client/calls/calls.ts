import type { Call, CallStats } from '../../protocol/call.ts';
import type { NoticeName, NoticePayload, RequestInput } from '../../protocol/index.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import { type Rest, withQuery } from '../rest.ts';
import type { JoinOptions, Room } from '../room.ts';
import { type BookChange, CallBook } from './call-book.ts';
import type {
  AcceptCallOptions,
  CallHistoryPage,
  CallHistoryQuery,
  CallsEvents,
  CallsView,
  CallView,
  JoinCallOptions,
  StartCallOptions,
} from './call-events.ts';
import { CallRooms } from './call-rooms.ts';
import type { CallEvent, CallOutcome } from './call-table.ts';
import { SilenceWatch } from './silence-watch.ts';

/** What calls need of their client. */
export interface CallsOptions {
  readonly connection: Connection;
  readonly rest: Rest;
  joinRoom(roomId: string, options: JoinOptions): Promise<Room>;
}

/** Ringing others and being rung. Made by `client.calls`; ends with `client.close()`. */
export class Calls {
  readonly #connection: Connection;
  readonly #rest: Rest;
  readonly #events = new Emitter<CallsEvents>();
  readonly #book = new CallBook();
  readonly #rooms: CallRooms;
  readonly #silence: SilenceWatch;
  readonly #off: Unsubscribe[] = [];
  /** Calls that the user has left, and the server has not confirmed yet. */
  readonly #leaving = new Set<string>();
  /** Calls from somebody whom one is just calling. */
  readonly #held = new Set<string>();
  #starting: CallsView['starting'];
  /** A call whose answer was lost: the server may have begun it, and the user was told that it has failed. */
  #unsure: { readonly calleeIds: string; readonly untilMs: number } | undefined;
  #view: CallsView | undefined;
  #isClosed = false;

  constructor({ connection, rest, joinRoom }: CallsOptions) {
    this.#connection = connection;
    this.#rest = rest;
    this.#rooms = new CallRooms({
      joinRoom,
      onChanged: () => this.#changed(),
      onLeft: (callId) => void this.hangUp(callId),
      onDeviceFailed: (callId, source, error) => this.#events.emit('deviceFailed', { callId, source, error }),
    });
    this.#silence = new SilenceWatch((callId) => void this.#ask(callId, true));
    this.#listen();
  }

  /** The calls as they are now; the same object until something changes. */
  get view(): CallsView {
    if (this.#view !== undefined) return this.#view;
    const { running, current } = this.#book;
    this.#view = {
      current,
      incoming: running.filter((call) => call.phase === 'incoming' && !this.#isBeingCalled(call)),
      elsewhere: running.filter(({ phase }) => phase === 'elsewhere'),
      starting: this.#starting,
      room: current && this.#rooms.roomOf(current.callId),
    };
    return this.#view;
  }

  /** Calls `listener` after each change of `view`. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof CallsEvents>(event: E, listener: (payload: CallsEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** A call that was heard of, running or over. */
  find(callId: string): CallView | undefined {
    return this.#book.find(callId);
  }

  /**
   * Rings others. Resolves once the server has the call: `ringing`, `ended` with `busy`, or `connecting` where the other side was calling at the same
   * moment.
   *
   * @throws {ParleyError} `call.busy` while one is in a call, `auth.forbidden`, `user.not_found`, `protocol.invalid_payload`, `client.aborted`, `client.*`
   */
  async start({ calleeIds, type, appointmentId, wait, signal }: StartCallOptions): Promise<CallView> {
    this.#assertOpen();
    if (signal?.aborted) throw new ParleyError('client.aborted');
    if (this.#starting !== undefined || this.#book.current !== undefined) throw new ParleyError('call.busy');
    this.#starting = { calleeIds: [...calleeIds], type };
    this.#changed();
    try {
      const { call } = await this.#connection.request('call:initiate', {
        calleeIds: [...calleeIds],
        type,
        ...(appointmentId !== undefined && { appointmentId }),
        ...(wait !== undefined && { wait }),
      });
      this.#starting = undefined;
      const view = this.#apply(call.callId, { type: 'startAnswered', call }) ?? this.#get(call.callId);
      if (signal?.aborted) {
        await this.hangUp(call.callId);
        throw new ParleyError('client.aborted');
      }
      signal?.addEventListener('abort', () => void this.hangUp(call.callId), { once: true });
      return view;
    } catch (error) {
      const isUnsure = error instanceof ParleyError && (error.code === 'client.disconnected' || error.code === 'client.timeout');
      if (isUnsure) this.#unsure = { calleeIds: [...calleeIds].sort().join(' '), untilMs: Date.now() + unsureMs };
      throw error;
    } finally {
      this.#starting = undefined;
      this.#changed();
      this.#releaseHeld();
    }
  }

  /**
   * Takes a call that rings here; resolves when it is this device's.
   *
   * @throws {ParleyError} `call.busy` while one is in another call and `andEnd` is not set; `call.invalid_state` when it is over or another device was
   *   faster; `call.not_found`, `client.*`
   */
  async accept(callId: string, { andEnd = false }: AcceptCallOptions = {}): Promise<CallView> {
    this.#assertOpen();
    const { phase } = this.#get(callId);
    if (phase !== 'incoming') throw new ParleyError('call.invalid_state', { details: { phase } });
    const { current } = this.#book;
    if (current !== undefined && !andEnd) throw new ParleyError('call.busy');
    // The answer to it need not be waited for: one socket keeps the order of what is said on it.
    if (current !== undefined) void this.hangUp(current.callId);
    this.#apply(callId, { type: 'acceptSent' });
    return this.#sendAccept(callId);
  }

  /** Turns a call down on all of one's devices. It stops ringing here at once, whatever the connection. */
  async decline(callId: string, reason?: string): Promise<void> {
    await this.#leave(callId, 'callee_declined', 'call:decline', reason);
  }

  /** Takes back a call that one has started and nobody has taken yet. */
  async cancel(callId: string): Promise<void> {
    await this.#leave(callId, 'caller_cancelled', 'call:cancel');
  }

  /** Ends one's part in a call, whatever its phase: declines, cancels or hangs up. It is over here at once, and its room is left. */
  async hangUp(callId: string, reason?: string): Promise<void> {
    const view = this.#book.find(callId);
    if (view?.phase === 'incoming') return this.decline(callId, reason);
    if (view?.isOutgoing && (view.call.status === 'initiated' || view.call.status === 'ringing')) return this.cancel(callId);
    await this.#leave(callId, 'user_hangup', 'call:end', reason);
  }

  /** Rings one more user into the running call. Throws `call.invalid_state`, `call.busy`, `auth.forbidden`, `client.*`. */
  async invite(callId: string, userId: string): Promise<void> {
    this.#tell(await this.#connection.request('call:invite', { callId, userId }));
  }

  /** Asks the others whether the voice call may become a video call; the answer comes as `videoAnswered`. */
  async requestVideo(callId: string): Promise<void> {
    const { call } = await this.#connection.request('call:requestVideo', { callId });
    this.#tell({ call });
    if (call.type === 'voice') this.#show(this.#book.setVideoRequest(callId, this.#connection.userId));
  }

  /** Answers somebody's wish for video; consent makes it a video call. The app then publishes its own camera, or not. */
  async answerVideo(callId: string, accepted: boolean): Promise<void> {
    const { call } = await this.#connection.request('call:answerVideo', { callId, accepted });
    this.#show(this.#book.setVideoRequest(callId, undefined));
    this.#tell({ call });
  }

  /** Sends a signal of up to 64 KiB to somebody in the call, past the media server. */
  async signal(callId: string, recipientId: string, signalType: RequestInput<'call:signal'>['signalType'], signal: unknown): Promise<void> {
    await this.#connection.request('call:signal', { callId, recipientId, signalType, signal });
  }

  /**
   * Enters the room of a call and publishes a microphone, and in a video call a camera. A caller may do so while it rings. A call of another device
   * is taken over. The room is left when the call is over; whoever leaves the room hangs up.
   *
   * @throws {ParleyError} as `client.joinRoom()`; `call.not_found`, `call.invalid_state` for calls that are over, ring here, or have no room
   */
  async join(callId: string, options: JoinCallOptions = {}): Promise<Room> {
    this.#assertOpen();
    const { current } = this.#book;
    const { phase } = this.#get(callId);
    if (phase === 'ended' || phase === 'incoming' || phase === 'accepting')
      throw new ParleyError('call.invalid_state', { details: { phase } });
    if (current !== undefined && current.callId !== callId) throw new ParleyError('call.busy');
    this.#apply(callId, { type: 'takenHere' });
    return this.#rooms.join(this.#get(callId), options);
  }

  /** A page of one's past and running calls, newest first. Throws `protocol.invalid_payload`, `client.*`. */
  history(query: CallHistoryQuery = {}): Promise<CallHistoryPage> {
    return this.#rest.json<CallHistoryPage>('GET', withQuery('/calls', { ...query }));
  }

  /** The same as a CSV file. */
  historyCsv(query: CallHistoryQuery = {}): Promise<Blob> {
    return this.#rest.blob(withQuery('/calls', { ...query, format: 'csv' }));
  }

  /** Counts of one's calls over whole days up to now, such as `30d`. */
  stats(period = '30d'): Promise<CallStats> {
    return this.#rest.json<CallStats>('GET', withQuery('/calls/stats', { period }));
  }

  /** A call as the server has it. Throws `call.not_found`, `client.*`. */
  async get(callId: string): Promise<Call> {
    return this.#rest.json<Call>('GET', `/calls/${encodeURIComponent(callId)}`);
  }

  /** Ends; the client calls it. */
  close(): void {
    this.#isClosed = true;
    for (const off of this.#off.splice(0)) off();
    this.#silence.close();
    this.#events.clear();
  }

  #listen(): void {
    const on = <N extends NoticeName>(name: N, listener: (payload: NoticePayload<N>) => void): void => {
      this.#off.push(this.#connection.onNotice(name, listener));
    };
    on('call:incoming', ({ call }) => this.#onIncoming(call));
    on('call:answeredElsewhere', ({ call }) => this.#apply(call.callId, { type: 'answeredElsewhere', call }));
    for (const name of toldBy) on(name, (told) => this.#tell(told));
    on('call:videoRequested', ({ call, userId }) => {
      this.#tell({ call });
      this.#show(this.#book.setVideoRequest(call.callId, userId));
      const view = this.#book.find(call.callId);
      if (view !== undefined && userId !== this.#connection.userId) this.#events.emit('videoRequested', { call: view, userId });
    });
    on('call:videoAnswered', ({ call, userId, accepted }) => {
      this.#show(this.#book.setVideoRequest(call.callId, undefined));
      this.#tell({ call });
      const view = this.#book.find(call.callId);
      if (view !== undefined) this.#events.emit('videoAnswered', { call: view, userId, accepted });
    });
    on('call:signal', (signal) => this.#events.emit('signal', signal));
    this.#off.push(
      this.#connection.on('ready', () => void this.#catchUp()),
      this.#connection.on('resync', () => void this.#catchUp()),
      this.#connection.on('stateChanged', ({ status }) => {
        if (status === 'failed') for (const { callId } of this.#book.running) this.#apply(callId, { type: 'lost' });
      }),
    );
    if (this.#connection.isConnected) void this.#catchUp();
  }

  #onIncoming(call: Call): void {
    // Told again while our "no" is still on its way.
    if (this.#leaving.has(call.callId)) return;
    this.#book.forgetOver(call.callId);
    this.#apply(call.callId, { type: 'rang', call });
  }

  async #sendAccept(callId: string): Promise<CallView> {
    let sends = this.#connection.isConnected ? 1 : 0;
    const off = this.#connection.on('stateChanged', ({ status }) => {
      if (status === 'connected') sends++;
    });
    try {
      const { call } = await this.#connection.request('call:accept', { callId }, { waits: true });
      this.#apply(callId, { type: 'acceptAnswered', call });
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'internal');
      const call = error.code === 'client.closed' ? undefined : await this.get(callId).catch(() => undefined);
      // The answer to the first try was lost, and the second one came too late for a call that we have already.
      const isOurs = sends > 1 && call?.answeredBy === this.#connection.userId && call?.endedAt === null;
      if (call !== undefined && isOurs) this.#apply(callId, { type: 'acceptAnswered', call });
      else {
        this.#apply(callId, error.code === 'call.not_found' ? { type: 'lost' } : { type: 'acceptRefused', call });
        throw error;
      }
    } finally {
      off();
    }
    return this.#get(callId);
  }

  async #leave(callId: string, outcome: CallOutcome, name: 'call:decline' | 'call:cancel' | 'call:end', reason?: string): Promise<void> {
    this.#assertOpen();
    if (this.#book.find(callId)?.phase === 'ended') return;
    this.#leaving.add(callId);
    this.#apply(callId, { type: 'left', outcome });
    try {
      await this.#sayLeft(callId, name, reason);
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'internal');
      // It was over already, or the client is.
      const isDone = error.code === 'call.invalid_state' || error.code === 'call.not_found' || error.code === 'client.closed';
      if (!isDone) this.#events.emit('error', { error });
    } finally {
      this.#leaving.delete(callId);
    }
  }

  async #sayLeft(callId: string, name: 'call:decline' | 'call:cancel' | 'call:end', reason: string | undefined): Promise<void> {
    const waits = { waits: true };
    const because = { callId, ...(reason !== undefined && { reason }) };
    if (name !== 'call:cancel') return void (await this.#connection.request(name, because, waits));
    try {
      await this.#connection.request(name, { callId }, waits);
    } catch (error) {
      // Somebody has taken it in the same moment.
      if (!(error instanceof ParleyError) || error.code !== 'call.invalid_state') throw error;
      await this.#connection.request('call:end', { callId }, waits);
    }
  }

  /** What has happened unheard: those that run, and those that ring or that one is in without this page knowing. */
  async #catchUp(): Promise<void> {
    const { calls } = await this.history({ limit: 10 }).catch(() => ({ calls: [] as readonly Call[] }));
    if (this.#isClosed) return;
    const told = new Set(calls.map(({ callId }) => callId));
    for (const call of calls) {
      const isNews = call.endedAt === null || this.#book.find(call.callId) !== undefined;
      if (isNews && !this.#leaving.has(call.callId)) this.#tell({ call });
    }
    await Promise.all(this.#book.running.map(({ callId }) => (told.has(callId) ? undefined : this.#ask(callId, false))));
  }

  async #ask(callId: string, isOverdue: boolean): Promise<void> {
    try {
      const call = await this.get(callId);
      if (this.#isClosed) return;
      this.#tell({ call });
      this.#watch(callId);
    } catch (error) {
      const isGone = error instanceof ParleyError && error.code === 'call.not_found';
      if (!this.#isClosed && (isGone || isOverdue)) this.#apply(callId, { type: 'lost' });
    }
  }

  #tell({ call }: { call: Call }): void {
    this.#apply(call.callId, { type: 'told', call });
  }

  #apply(callId: string, event: CallEvent): CallView | undefined {
    if (this.#isClosed) return undefined;
    const change = this.#book.apply(callId, this.#connection.userId ?? '', event);
    this.#show(change, event.type === 'startAnswered');
    return change?.view;
  }

  #show(change: BookChange | undefined, isStart = false): void {
    if (change === undefined || this.#isClosed) return;
    const { view: call, before } = change;
    if (call.phase === 'ended') this.#rooms.leave(call.callId);
    this.#watch(call.callId);
    this.#changed();
    if (before === 'unknown' && this.#wasGivenUp(call)) return void this.cancel(call.callId);
    if (call.phase === 'ended') {
      if (before !== 'unknown' || isStart) this.#events.emit('ended', { call });
      if (isMissed(call)) this.#events.emit('missed', { call });
    } else if (call.phase !== 'incoming' || before === 'incoming' || before === 'accepting') this.#events.emit('updated', { call });
    else if (this.#isBeingCalled(call)) this.#held.add(call.callId);
    else this.#events.emit('incoming', { call });
  }

  /** Our own call is answered: what rang meanwhile and did not become one with it rings now. */
  #releaseHeld(): void {
    for (const callId of this.#held) {
      const call = this.#book.find(callId);
      if (call?.phase === 'incoming') this.#events.emit('incoming', { call });
    }
    this.#held.clear();
  }

  /** Both call each other at once: until our own call is answered theirs does not ring here, since the two become one. */
  #isBeingCalled({ call, isOutgoing }: CallView): boolean {
    return !isOutgoing && this.#starting?.calleeIds.includes(call.callerId) === true;
  }

  #wasGivenUp({ phase, isOutgoing, call }: CallView): boolean {
    const isRinging = call.status === 'initiated' || call.status === 'ringing';
    if (phase !== 'elsewhere' || !isOutgoing || !isRinging || this.#unsure === undefined) return false;
    return this.#unsure.calleeIds === [...call.calleeIds].sort().join(' ') && Date.now() < this.#unsure.untilMs;
  }

  #watch(callId: string): void {
    const phase = this.#book.find(callId)?.phase;
    if (phase === undefined || phase === 'ended' || phase === 'connected' || phase === 'elsewhere') this.#silence.forget(callId);
    else this.#silence.heard(callId);
  }

  #get(callId: string): CallView {
    const view = this.#book.find(callId);
    if (view === undefined) throw new ParleyError('call.not_found');
    return view;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ParleyError('client.closed');
  }

  #changed(): void {
    this.#view = undefined;
    if (!this.#isClosed) this.#events.emit('changed', this.view);
  }
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

/** Whether somebody has called in vain. */
function isMissed({ isOutgoing, outcome }: CallView): boolean {
  return !isOutgoing && (outcome === 'missed' || outcome === 'caller_cancelled' || outcome === 'busy');
}
