import type { Message, SendPayload } from '../../protocol/chat.ts';
import { ParleyError } from '../parley-error.ts';
import { fateOf, inOrder, nextOf, type OutboxEntry } from './outbox-plan.ts';
import type { OutboxStore } from './outbox-store.ts';

/** What an outbox needs. */
export interface OutboxOptions {
  readonly store: OutboxStore;
  /** Puts one message on the wire. Rejects with a {@link ParleyError}. */
  readonly send: (payload: SendPayload) => Promise<Message>;
  readonly isConnected: () => boolean;
  /** A message was taken up, on this page or before a reload, or is tried again. */
  readonly onQueued: (entry: OutboxEntry) => void;
  /** The server has stored it. */
  readonly onSent: (entry: OutboxEntry, message: Message) => void;
  /** The server will never take it; it waits for {@link Outbox.retry} or {@link Outbox.discard}. */
  readonly onRefused: (entry: OutboxEntry, error: ParleyError) => void;
  /** It is gone without having been sent here. */
  readonly onDropped: (entry: OutboxEntry) => void;
}

/**
 * Messages on their way to the server. In each conversation one goes after the other, in the order in which they were written; a message that
 * is refused steps aside. The same `clientId` makes a message once, however often it is sent: after a lost answer, a reload, from two tabs.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #entries = new Map<string, OutboxEntry>();
  /** Those that the store has; the store may then be asked whether another tab has sent them. */
  readonly #kept = new Set<string>();
  readonly #sending = new Set<string>();
  readonly #waits = new Map<ReturnType<typeof setTimeout>, () => void>();
  #lastOrder = 0;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Messages that are not sent, in order. */
  get entries(): readonly OutboxEntry[] {
    return inOrder(this.#entries.values());
  }

  /** Takes up what an earlier page has left behind. */
  async load(userId: string): Promise<void> {
    const left = await this.#options.store.load(userId);
    if (this.#isClosed) return;
    for (const entry of inOrder(left)) {
      if (this.#entries.has(entry.clientId)) continue;
      this.#kept.add(entry.clientId);
      this.#take(entry);
    }
    this.flush();
  }

  /** Takes a message; it is shown at once and sent as soon as it can be. */
  async add(entry: Omit<OutboxEntry, 'order'>): Promise<void> {
    const ordered = { ...entry, order: this.#nextOrder() };
    this.#take(ordered);
    await this.#keep(ordered);
    void this.#drain(entry.conversationId);
  }

  /** Sends a refused message again, after those that were written since. */
  async retry(clientId: string): Promise<void> {
    const entry = this.#entries.get(clientId);
    if (entry?.refusal === undefined) return;
    const { refusal: _, ...rest } = entry;
    const again = { ...rest, order: this.#nextOrder() };
    this.#take(again);
    await this.#keep(again);
    void this.#drain(entry.conversationId);
  }

  /** Forgets a message that was not sent. */
  async discard(clientId: string): Promise<void> {
    const entry = this.#entries.get(clientId);
    if (entry === undefined) return;
    this.#options.onDropped(entry);
    await this.#forget(entry);
  }

  /** The server has this message, as a notice or the history shows. */
  confirm(clientId: string): void {
    const entry = this.#entries.get(clientId);
    if (entry !== undefined) void this.#forget(entry);
  }

  /** The connection is there: sends what waits. */
  flush(): void {
    for (const conversationId of new Set([...this.#entries.values()].map((entry) => entry.conversationId)))
      void this.#drain(conversationId);
  }

  /** Ends; what is not sent stays in the store. No timer is left. */
  close(): void {
    this.#isClosed = true;
    for (const [timer, wake] of this.#waits) {
      clearTimeout(timer);
      wake();
    }
    this.#waits.clear();
    this.#options.store.close();
  }

  #take(entry: OutboxEntry): void {
    this.#entries.set(entry.clientId, entry);
    this.#lastOrder = Math.max(this.#lastOrder, entry.order);
    this.#options.onQueued(entry);
  }

  async #keep(entry: OutboxEntry): Promise<void> {
    if (await this.#options.store.put(entry)) this.#kept.add(entry.clientId);
  }

  async #forget(entry: OutboxEntry): Promise<void> {
    this.#entries.delete(entry.clientId);
    this.#kept.delete(entry.clientId);
    await this.#options.store.delete(entry);
  }

  /** Sends a conversation's messages one after the other; once at a time. */
  async #drain(conversationId: string): Promise<void> {
    if (this.#sending.has(conversationId)) return;
    this.#sending.add(conversationId);
    let attempts = 0;
    while (!this.#isClosed && this.#options.isConnected()) {
      const entry = nextOf(this.#entries.values(), conversationId);
      if (entry === undefined) break;
      const outcome = await this.#sendOne(entry, attempts + 1);
      if (outcome === 'stop') break;
      attempts = outcome === 'again' ? attempts + 1 : 0;
    }
    this.#sending.delete(conversationId);
  }

  async #sendOne(entry: OutboxEntry, attempts: number): Promise<'done' | 'again' | 'stop'> {
    if (this.#kept.has(entry.clientId) && !(await this.#options.store.has(entry))) {
      // Another tab has sent it or thrown it away; if it was sent, the message itself comes with the history.
      if (this.#entries.delete(entry.clientId)) this.#options.onDropped(entry);
      return 'done';
    }
    if (this.#isClosed) return 'stop';
    try {
      const message = await this.#options.send(entry.payload);
      this.#options.onSent(entry, message);
      await this.#forget(entry);
      return 'done';
    } catch (thrown) {
      if (this.#isClosed || !this.#entries.has(entry.clientId)) return 'done';
      return await this.#onFailed(entry, ParleyError.from(thrown, 'internal'), attempts);
    }
  }

  async #onFailed(entry: OutboxEntry, error: ParleyError, attempts: number): Promise<'done' | 'again' | 'stop'> {
    const fate = fateOf(error, attempts);
    switch (fate.type) {
      case 'again':
        await this.#wait(fate.afterMs);
        // Being asked to slow down says nothing about this message.
        return error.code === 'protocol.rate_limited' ? 'done' : 'again';
      case 'whenConnected':
      case 'stay':
        return 'stop';
      case 'giveUp': {
        const refused: OutboxEntry = { ...entry, refusal: { code: error.code, message: error.message } };
        this.#entries.set(entry.clientId, refused);
        this.#options.onRefused(refused, error);
        await this.#keep(refused);
        return 'done';
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waits.delete(timer);
        resolve();
      }, ms);
      this.#waits.set(timer, resolve);
    });
  }

  #nextOrder(): number {
    return Math.max(Date.now(), this.#lastOrder + 1);
  }
}
