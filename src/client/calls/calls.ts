import type { Call, CallStats } from '../../protocol/call.ts';
import type { RequestInput } from '../../protocol/index.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import { type Rest, withQuery } from '../rest.ts';
import type { JoinOptions, Room } from '../room.ts';
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
import type { CallOutcome } from './call-table.ts';
import { CallTracker } from './call-tracker.ts';

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
  readonly #rooms: CallRooms;
  readonly #tracker: CallTracker;
  #view: CallsView | undefined;

  constructor({ connection, rest, joinRoom }: CallsOptions) {
    this.#connection = connection;
    this.#rest = rest;
    this.#rooms = new CallRooms({
      joinRoom,
      onChanged: () => this.#changed(),
      onLeft: (callId, outcome) => void this.#leave(callId, outcome, this.#isRinging(callId) ? 'call:cancel' : 'call:end'),
      onDeviceFailed: (callId, source, error) => this.#events.emit('deviceFailed', { callId, source, error }),
    });
    this.#tracker = new CallTracker({
      connection,
      events: this.#events,
      read: (callId) => this.get(callId),
      readNewest: async () => (await this.history({ limit: 10 })).calls,
      onOver: (callId) => this.#rooms.leave(callId),
      onGivenUp: (callId) => void this.cancel(callId),
      onChanged: () => this.#changed(),
    });
  }

  /** The calls as they are now; the same object until something changes. */
  get view(): CallsView {
    if (this.#view !== undefined) return this.#view;
    const { current, incoming, elsewhere, starting } = this.#tracker;
    this.#view = { current, incoming, elsewhere, starting, room: current && this.#rooms.roomOf(current.callId) };
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
    return this.#tracker.find(callId);
  }

  /**
   * Rings others. Resolves once the server has the call: `ringing`, `ended` with `busy`, or `connecting` where the other side was calling at the same
   * moment.
   *
   * @throws {ParleyError} `call.busy` while one is in a call, `auth.forbidden`, `user.not_found`, `protocol.invalid_payload`, `client.aborted`, `client.*`
   */
  async start(options: StartCallOptions): Promise<CallView> {
    this.#assertOpen();
    const { calleeIds, type, appointmentId, wait, signal } = options;
    if (signal?.aborted) throw new ParleyError('client.aborted');
    if (this.#tracker.starting !== undefined || this.#tracker.current !== undefined) throw new ParleyError('call.busy');
    this.#tracker.beginStart(options);
    const { call } = await this.#connection
      .request('call:initiate', {
        calleeIds: [...calleeIds],
        type,
        ...(appointmentId !== undefined && { appointmentId }),
        ...(wait !== undefined && { wait }),
      })
      .catch((thrown: unknown): never => {
        const error = ParleyError.from(thrown, 'internal');
        this.#tracker.endStart(error);
        throw error;
      });
    this.#tracker.endStart(call);
    if (signal?.aborted) {
      await this.hangUp(call.callId);
      throw new ParleyError('client.aborted');
    }
    const giveUp = (): void => {
      const { phase } = this.#tracker.get(call.callId);
      if (phase === 'calling' || phase === 'ringing') void this.hangUp(call.callId);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    return this.#tracker.get(call.callId);
  }

  /**
   * Takes a call that rings here; resolves when it is this device's.
   *
   * @throws {ParleyError} `call.busy` while one is in another call and `andEnd` is not set; `call.invalid_state` when it is over or another device was
   *   faster; `call.not_found`, `client.*`
   */
  async accept(callId: string, { andEnd = false }: AcceptCallOptions = {}): Promise<CallView> {
    this.#assertOpen();
    // One that a notification outside the page has told of may not have rung here yet.
    if (this.#tracker.find(callId) === undefined) this.#tracker.tell({ call: await this.get(callId) });
    const { phase } = this.#tracker.get(callId);
    if (phase !== 'incoming') throw new ParleyError('call.invalid_state', { details: { phase } });
    const { current } = this.#tracker;
    if (current !== undefined && !andEnd) throw new ParleyError('call.busy');
    // The answer to it need not be waited for: one socket keeps the order of what is said on it.
    if (current !== undefined) void this.hangUp(current.callId);
    this.#tracker.apply(callId, { type: 'acceptSent' });
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
    if (this.#tracker.find(callId)?.phase === 'incoming') return this.decline(callId, reason);
    if (this.#isRinging(callId)) return this.cancel(callId);
    await this.#leave(callId, 'user_hangup', 'call:end', reason);
  }

  /** Rings one more user into the running call. Throws `call.invalid_state`, `call.busy`, `auth.forbidden`, `client.*`. */
  async invite(callId: string, userId: string): Promise<void> {
    this.#tracker.tell(await this.#connection.request('call:invite', { callId, userId }));
  }

  /** Asks the others whether the voice call may become a video call; the answer comes as `videoAnswered`. */
  async requestVideo(callId: string): Promise<void> {
    const { call } = await this.#connection.request('call:requestVideo', { callId });
    this.#tracker.tell({ call });
    if (call.type === 'voice') this.#tracker.setVideoRequest(callId, this.#connection.userId);
  }

  /** Answers somebody's wish for video; consent makes it a video call. The app then publishes its own camera, or not. */
  async answerVideo(callId: string, accepted: boolean): Promise<void> {
    const { call } = await this.#connection.request('call:answerVideo', { callId, accepted });
    this.#tracker.setVideoRequest(callId, undefined);
    this.#tracker.tell({ call });
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
    const { current } = this.#tracker;
    const { phase } = this.#tracker.get(callId);
    if (phase === 'ended' || phase === 'incoming' || phase === 'accepting')
      throw new ParleyError('call.invalid_state', { details: { phase } });
    if (current !== undefined && current.callId !== callId) throw new ParleyError('call.busy');
    this.#tracker.apply(callId, { type: 'takenHere' });
    return this.#rooms.join(this.#tracker.get(callId), options);
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
    this.#tracker.close();
    this.#events.clear();
  }

  async #sendAccept(callId: string): Promise<CallView> {
    let sends = this.#connection.isConnected ? 1 : 0;
    const off = this.#connection.on('stateChanged', ({ status }) => {
      if (status === 'connected') sends++;
    });
    try {
      const { call } = await this.#connection.request('call:accept', { callId }, { waits: true });
      this.#tracker.apply(callId, { type: 'acceptAnswered', call });
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'internal');
      const call = error.code === 'client.closed' ? undefined : await this.get(callId).catch(() => undefined);
      // The answer to the first try was lost, and the second one came too late for a call that we have already.
      const isOurs = sends > 1 && call?.answeredBy === this.#connection.userId && call?.endedAt === null;
      if (call !== undefined && isOurs) this.#tracker.apply(callId, { type: 'acceptAnswered', call });
      else {
        this.#tracker.apply(callId, error.code === 'call.not_found' ? { type: 'lost' } : { type: 'acceptRefused', call });
        throw error;
      }
    } finally {
      off();
    }
    return this.#tracker.get(callId);
  }

  async #leave(callId: string, outcome: CallOutcome, name: 'call:decline' | 'call:cancel' | 'call:end', reason?: string): Promise<void> {
    this.#assertOpen();
    try {
      await this.#tracker.leave(callId, { type: 'left', outcome }, () => this.#sayLeft(callId, name, reason));
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'internal');
      // It was over already, or the client is.
      const isDone = error.code === 'call.invalid_state' || error.code === 'call.not_found' || error.code === 'client.closed';
      if (!isDone) this.#events.emit('error', { error });
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

  /** Whether it is one's own, and nobody has taken it yet. */
  #isRinging(callId: string): boolean {
    const view = this.#tracker.find(callId);
    return view?.isOutgoing === true && (view.call.status === 'initiated' || view.call.status === 'ringing');
  }

  #assertOpen(): void {
    if (this.#tracker.isClosed) throw new ParleyError('client.closed');
  }

  #changed(): void {
    this.#view = undefined;
    if (!this.#tracker.isClosed) this.#events.emit('changed', this.view);
  }
}
