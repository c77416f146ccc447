/** Puts one receipt on the wire. */
export type SendReceipt = (kind: ReceiptKind, conversationId: string, seq: number) => Promise<unknown>;

export type ReceiptKind = 'delivered' | 'read';

/** Receipts of this time go out together. */
const batchMs = 200;

interface Receipt {
  readonly kind: ReceiptKind;
  readonly conversationId: string;
  readonly seq: number;
}

/** Tells the server up to where messages have arrived and were read: the highest seq alone, a few times a second at most, and again after a lost connection. */
export class ReceiptSender {
  readonly #send: SendReceipt;
  readonly #isConnected: () => boolean;
  readonly #pending = new Map<string, Receipt>();
  readonly #sentSeqs = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(send: SendReceipt, isConnected: () => boolean) {
    this.#send = send;
    this.#isConnected = isConnected;
  }

  /** Everything up to `seq` has arrived or was read; what was said before already is not said again. */
  acknowledge(kind: ReceiptKind, conversationId: string, seq: number): void {
    if (this.#isClosed || seq <= 0 || seq <= this.#reached(kind, conversationId)) return;
    this.#pending.set(keyOf(kind, conversationId), { kind, conversationId, seq });
    // Whoever has read something has it.
    if (kind === 'read' && (this.#pending.get(keyOf('delivered', conversationId))?.seq ?? 0) <= seq) {
      this.#pending.delete(keyOf('delivered', conversationId));
    }
    this.#schedule();
  }

  /** The server knows of this already. */
  known(kind: ReceiptKind, conversationId: string, seq: number): void {
    const key = keyOf(kind, conversationId);
    this.#sentSeqs.set(key, Math.max(seq, this.#sentSeqs.get(key) ?? 0));
    if ((this.#pending.get(key)?.seq ?? Infinity) <= seq) this.#pending.delete(key);
  }

  /** The connection is there: sends what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || !this.#isConnected()) return;
    const receipts = [...this.#pending.values()];
    this.#pending.clear();
    for (const receipt of receipts) void this.#sendOne(receipt);
  }

  /** Ends; no timer is left. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#pending.clear();
  }

  async #sendOne({ kind, conversationId, seq }: Receipt): Promise<void> {
    const key = keyOf(kind, conversationId);
    const before = this.#sentSeqs.get(key) ?? 0;
    this.#sentSeqs.set(key, Math.max(before, seq));
    try {
      await this.#send(kind, conversationId, seq);
    } catch {
      // Said again with the next receipt, or when the connection is back.
      if (this.#sentSeqs.get(key) === seq) this.#sentSeqs.set(key, before);
      if (!this.#isClosed && seq > this.#reached(kind, conversationId)) this.#pending.set(key, { kind, conversationId, seq });
    }
  }

  #reached(kind: ReceiptKind, conversationId: string): number {
    const of = (one: ReceiptKind): number =>
      Math.max(this.#sentSeqs.get(keyOf(one, conversationId)) ?? 0, this.#pending.get(keyOf(one, conversationId))?.seq ?? 0);
    return kind === 'read' ? of('read') : Math.max(of('delivered'), of('read'));
  }

  #schedule(): void {
    if (this.#timer !== undefined || !this.#isConnected()) return;
    this.#timer = setTimeout(() => this.flush(), batchMs);
  }
}

function keyOf(kind: ReceiptKind, conversationId: string): string {
  return `${kind} ${conversationId}`;
}
