import type { Acknowledgement } from '../protocol/define.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Reply, RequestInput, RequestName } from '../protocol/index.ts';
import { type ClientErrorCode, ParleyError } from './parley-error.ts';
import { afterReady, type WaitPolicy, waitPolicy } from './request-policy.ts';

/** How a request is to be sent. */
export interface RequestOptions<N extends RequestName> {
  /** Whether it waits for the connection to come back instead of failing; its own policy decides otherwise. */
  waits?: boolean;
  timeoutMs?: number;
  /** Called in the same tick in which the answer arrives, before any notice that follows it. */
  onReply?: (reply: Reply<N>) => void;
}

/** Puts one request on the wire. */
export type Send = <N extends RequestName>(
  name: N,
  payload: RequestInput<N>,
  acknowledge: (answer: Acknowledgement<Reply<N>>) => void,
) => void;

interface Entry {
  readonly policy: WaitPolicy;
  send(): void;
  /** Forgets what was sent; an answer that still arrives is ignored. */
  unsend(): void;
  reject(error: ParleyError): void;
}

/** Keeps account of the requests of one connection: those that were sent and those that wait. */
export class RequestBook {
  readonly #send: Send;
  readonly #timeoutMs: number;
  readonly #inFlight = new Set<Entry>();
  #waiting: Entry[] = [];

  constructor(send: Send, timeoutMs: number) {
    this.#send = send;
    this.#timeoutMs = timeoutMs;
  }

  /** How many requests have no answer yet. */
  get size(): number {
    return this.#inFlight.size + this.#waiting.length;
  }

  /**
   * Sends a request now, or when the connection is back.
   *
   * @throws {ParleyError} the server's code; `client.disconnected`, `client.timeout`, `client.closed`
   */
  request<N extends RequestName>(
    isConnected: boolean,
    name: N,
    payload: RequestInput<N>,
    options: RequestOptions<N> = {},
  ): Promise<Reply<N>> {
    const policy = waitPolicy(name, options.waits);
    if (!isConnected && policy === 'reject') return Promise.reject(new ParleyError('client.disconnected'));
    return new Promise<Reply<N>>((resolve, reject) => {
      const entry = this.#entry(policy, name, payload, options, resolve, reject);
      if (isConnected) entry.send();
      else this.#waiting.push(entry);
    });
  }

  /** The connection is lost: what may wait goes back into the queue, before what was queued later. */
  settleInFlight(): void {
    const lost = [...this.#inFlight];
    for (const entry of lost) entry.unsend();
    this.#waiting = [...lost.filter((entry) => entry.policy !== 'reject'), ...this.#waiting];
    for (const entry of lost) if (entry.policy === 'reject') entry.reject(new ParleyError('client.disconnected'));
  }

  /** The connection is back: sends what may be sent and rejects what has become meaningless. */
  ready(recovered: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) {
      const fate = afterReady(entry.policy, recovered);
      if (fate === 'send') entry.send();
      else if (fate === 'sendAfterRejoin') this.#waiting.push(entry);
      else entry.reject(new ParleyError('client.disconnected'));
    }
  }

  /** The room is joined again: sends what waited for that. */
  rejoined(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const entry of waiting) entry.send();
  }

  /** Nothing will be sent any more. */
  rejectAll(code: ErrorCode | ClientErrorCode): void {
    const all = [...this.#inFlight, ...this.#waiting];
    this.#waiting = [];
    for (const entry of all) {
      entry.unsend();
      entry.reject(new ParleyError(code));
    }
  }

  #entry<N extends RequestName>(
    policy: WaitPolicy,
    name: N,
    payload: RequestInput<N>,
    options: RequestOptions<N>,
    resolve: (reply: Reply<N>) => void,
    reject: (error: ParleyError) => void,
  ): Entry {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let sending = 0;
    const entry: Entry = {
      policy,
      send: () => {
        const mine = ++sending;
        this.#inFlight.add(entry);
        timer = setTimeout(() => {
          entry.unsend();
          reject(new ParleyError('client.timeout', { details: { request: name } }));
        }, options.timeoutMs ?? this.#timeoutMs);
        this.#send(name, payload, (answer) => {
          if (mine !== sending) return;
          entry.unsend();
          if (!answer.ok) return reject(ParleyError.fromWire(answer.error));
          options.onReply?.(answer.data);
          resolve(answer.data);
        });
      },
      unsend: () => {
        sending++;
        clearTimeout(timer);
        this.#inFlight.delete(entry);
      },
      reject,
    };
    return entry;
  }
}
