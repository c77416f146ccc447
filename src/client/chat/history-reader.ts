import type { Reply } from '../../protocol/index.ts';
import { ParleyError } from '../parley-error.ts';
import { rangeAt } from './seq-ranges.ts';
import { type HistoryQuery, hasNewer, hasOlder, missing, shownRange, type Timeline, type TimelineAction } from './timeline.ts';

const pageLimit = 50;
/** After a lost connection what is shown is read again in larger pages. */
const refreshLimit = 100;
/** Wait before a failed catching up is tried again, unless the server says otherwise. */
const retryMs = 2000;
/** A jump back shows that many messages before the one that was looked for. */
const jumpContext = 20;

/** What reading a history needs. */
export interface HistoryReaderOptions {
  readonly read: (page: { beforeSeq?: number; afterSeq?: number; limit: number }) => Promise<Reply<'chat:history'>>;
  readonly isConnected: () => boolean;
  readonly timeline: () => Timeline;
  readonly apply: (action: TimelineAction) => void;
  /** There is something to show. */
  readonly onLoaded: () => void;
  /** The server will not show this conversation. */
  readonly onRefused: (error: ParleyError) => void;
}

/** Reads the history of one conversation, a page at a time, and closes the gaps at its end by itself. */
export class HistoryReader {
  readonly #options: HistoryReaderOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #older: Promise<void> | undefined;
  #newer: Promise<void> | undefined;
  #isCatchingUp = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: HistoryReaderOptions) {
    this.#options = options;
  }

  /** Asked twice before the page is there, it reads one. */
  loadOlder(): Promise<void> {
    this.#older ??= this.#inTurn(async () => {
      const range = shownRange(this.#timeline);
      if (range !== undefined && hasOlder(this.#timeline)) await this.#ask({ kind: 'before', seq: range.from });
    }).finally(() => {
      this.#older = undefined;
    });
    return this.#older;
  }

  /** As {@link HistoryReader.loadOlder}. */
  loadNewer(): Promise<void> {
    this.#newer ??= this.#inTurn(async () => {
      const range = shownRange(this.#timeline);
      if (range !== undefined && hasNewer(this.#timeline)) await this.#ask({ kind: 'after', seq: range.to });
    }).finally(() => {
      this.#newer = undefined;
    });
    return this.#newer;
  }

  async jumpTo(seq: number): Promise<void> {
    await this.#inTurn(async () => {
      if (rangeAt(this.#timeline.covered, seq) === undefined || !this.#timeline.messages.has(seq)) {
        await this.#ask({ kind: 'before', seq: seq + 1 }, jumpContext);
        await this.#ask({ kind: 'after', seq }, pageLimit - jumpContext);
      }
      this.#options.apply({ type: 'focused', seq });
    });
  }

  async jumpToLatest(): Promise<void> {
    await this.#inTurn(async () => {
      const { lastSeq, covered } = this.#timeline;
      const last = rangeAt(covered, lastSeq);
      // What came in while one read elsewhere may stand there alone.
      if (last === undefined || (last.from > 1 && last.to - last.from < pageLimit)) await this.#ask({ kind: 'latest' });
      this.#options.apply({ type: 'focused', seq: this.#timeline.lastSeq });
    });
  }

  /** Reads the first page, or what was missed while there was no connection: new messages, then changes of those that are shown. */
  async reconnect(): Promise<void> {
    await this.#untilDone(async () => {
      if (this.#timeline.focus === undefined) {
        await this.#ask({ kind: 'latest' });
      } else {
        this.#options.apply({ type: 'reconnected' });
        await this.#readOn();
        await this.#readAgain();
      }
      this.#options.onLoaded();
    });
  }

  /** Asks for what is missing before the end, if anything is. */
  fillGap(): void {
    if (this.#isCatchingUp || this.#isClosed || this.#retryTimer !== undefined || missing(this.#timeline) === undefined) return;
    void this.#untilDone(async () => {
      for (let query = missing(this.#timeline); query !== undefined; query = missing(this.#timeline)) await this.#ask(query);
    });
  }

  /** No timer is left. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
  }

  get #timeline(): Timeline {
    return this.#options.timeline();
  }

  /** Later messages, page by page, until there are no more. */
  async #readOn(): Promise<void> {
    const { followsEnd } = this.#timeline;
    for (let hasMore = followsEnd; hasMore; ) {
      hasMore = await this.#ask({ kind: 'after', seq: shownRange(this.#timeline)?.to ?? 0 }, refreshLimit);
    }
  }

  /** What was shown before, from its end: edits, deletions and reactions leave no message behind. */
  async #readAgain(): Promise<void> {
    const range = shownRange(this.#timeline);
    if (range === undefined) return;
    for (let end = range.to; end >= range.from; end -= refreshLimit) await this.#ask({ kind: 'before', seq: end + 1 }, refreshLimit);
  }

  /** Answers whether there is more. */
  async #ask(query: HistoryQuery, limit = pageLimit): Promise<boolean> {
    const knownSeq = this.#timeline.lastSeq;
    this.#options.apply({ type: 'asked' });
    try {
      const cursor = query.kind === 'before' ? { beforeSeq: query.seq } : query.kind === 'after' ? { afterSeq: query.seq } : {};
      const { messages, hasMore } = await this.#options.read({ ...cursor, limit });
      if (this.#isClosed) return false;
      this.#options.apply({ type: 'page', query, messages, hasMore, knownSeq });
      return hasMore;
    } catch (error) {
      this.#options.apply({ type: 'askFailed' });
      throw error;
    }
  }

  /** Runs `work` until it succeeds; a lost connection ends it, for the next one begins it anew. */
  async #untilDone(work: () => Promise<void>): Promise<void> {
    this.#isCatchingUp = true;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    try {
      await this.#inTurn(work);
      this.#isCatchingUp = false;
      // What has come in meanwhile may have left a gap.
      this.fillGap();
    } catch (thrown) {
      this.#isCatchingUp = false;
      const error = ParleyError.from(thrown, 'internal');
      if (this.#isClosed) return;
      if (isFinal(error)) this.#options.onRefused(error);
      else if (this.#options.isConnected()) this.#retry(work, error);
    }
  }

  #retry(work: () => Promise<void>, { details }: ParleyError): void {
    const retryAfterMs = details?.['retryAfterMs'];
    this.#retryTimer = setTimeout(() => void this.#untilDone(work), typeof retryAfterMs === 'number' ? retryAfterMs : retryMs);
  }

  /** One at a time: each page is applied before the next is asked for. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(() => {
      if (this.#isClosed) throw new ParleyError('client.closed');
      return work();
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }
}

function isFinal({ code }: ParleyError): boolean {
  return code.startsWith('chat.') || code === 'auth.forbidden' || code === 'protocol.invalid_payload';
}
