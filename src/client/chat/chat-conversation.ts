import type { Attachment, Conversation, Member, Message, Reaction } from '../../protocol/chat.ts';
import type { Reply } from '../../protocol/index.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import type { Rest, SendFormOptions } from '../rest.ts';
import {
  type ConversationStatus,
  type ConversationView,
  type OutgoingContent,
  type SentMessage,
  toEntry,
  toOutgoing,
} from './conversation-view.ts';
import { HistoryReader } from './history-reader.ts';
import { statusOf, withReceipt } from './message-status.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxEntry } from './outbox-plan.ts';
import type { ReceiptKind } from './receipt-sender.ts';
import {
  afterAction,
  emptyTimeline,
  hasNewer,
  hasOlder,
  shownMessages,
  shownRange,
  type Timeline,
  type TimelineAction,
} from './timeline.ts';
import { TypingSender, TypingWatch } from './typing.ts';

/** What a conversation needs of the chat. */
export interface ConversationOptions {
  readonly conversationId: string;
  readonly userId: string;
  readonly connection: Connection;
  readonly rest: Rest;
  readonly outbox: Outbox;
  /** What the chat knows of it. */
  readonly info: () => Conversation | undefined;
  /** Everything up to `seq` has arrived. */
  readonly onArrived: (seq: number) => void;
  /** The user has read up to `seq`; `unreadAfter` when what is left can be counted. */
  readonly onRead: (seq: number, unreadAfter: number | undefined) => void;
  readonly onError: (error: ParleyError) => void;
}

/** A conversation that is open: its messages, kept up to date until it is closed. */
export class ChatConversation {
  readonly conversationId: string;
  readonly #options: ConversationOptions;
  readonly #events = new Emitter<{ changed: undefined }>();
  readonly #typingSender: TypingSender;
  readonly #typingWatch = new TypingWatch(() => this.#changed());
  readonly #history: HistoryReader;
  #timeline: Timeline;
  #status: ConversationStatus = 'loading';
  #error: ParleyError | undefined;
  readonly #sent = new WeakMap<Message, SentMessage>();
  readonly #met = new Set<string>();
  #members: readonly Member[] = [];
  #view: ConversationView | undefined;
  #isTelling = false;
  #isClosed = false;

  /** Made by `chat.open()`. */
  constructor(options: ConversationOptions) {
    const { conversationId, userId, connection, outbox } = options;
    this.conversationId = conversationId;
    this.#options = options;
    this.#timeline = emptyTimeline(userId);
    this.#typingSender = new TypingSender((typing) => {
      if (connection.isConnected) connection.request('chat:typing', { conversationId, typing }).catch(() => undefined);
    });
    this.#history = new HistoryReader({
      read: (page) => connection.request('chat:history', { conversationId, ...page }),
      isConnected: () => connection.isConnected,
      timeline: () => this.#timeline,
      apply: (action) => this.#apply(action),
      onLoaded: () => this.#setStatus('ready'),
      onRefused: (error) => this.fail(error),
    });
    for (const entry of outbox.entries) if (entry.conversationId === conversationId) this.onQueued(entry);
    this.onConnected();
  }

  /** The conversation as it is now; the same object until something changes. */
  get view(): ConversationView {
    this.#view ??= this.#makeView();
    return this.#view;
  }

  /** Calls `listener` after each change of `view`, several changes at once being one. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', listener);

  /** Reads the messages before those that are shown. Throws the server's code and `client.*`. */
  loadOlder(): Promise<void> {
    return this.#history.loadOlder();
  }

  /** Reads the messages after those that are shown, after a jump back. Throws as {@link ChatConversation.loadOlder}. */
  loadNewer(): Promise<void> {
    return this.#history.loadNewer();
  }

  /** Shows the messages around one of them, whether it is loaded or not. Throws as {@link ChatConversation.loadOlder}. */
  jumpTo(seq: number): Promise<void> {
    return this.#history.jumpTo(seq);
  }

  /** Shows the latest messages again. Throws as {@link ChatConversation.loadOlder}. */
  jumpToLatest(): Promise<void> {
    return this.#history.jumpToLatest();
  }

  /**
   * Sends a message; it is in `view.messages` at once, and on its way for as long as it takes: through lost connections and, where the browser
   * can store it, a reload. Answers its `clientId`.
   *
   * @throws {ParleyError} `client.disconnected` before the token has told who one is; `client.closed`
   */
  send(outgoing: OutgoingContent): string {
    if (this.#isClosed) throw new ParleyError('client.closed');
    if (this.#timeline.userId === '') throw new ParleyError('client.disconnected');
    const clientId = crypto.randomUUID();
    this.#typingSender.stopped();
    if (!this.#timeline.followsEnd) this.jumpToLatest().catch(() => undefined);
    void this.#options.outbox.add(toEntry(this.#timeline.userId, this.conversationId, clientId, outgoing));
    return clientId;
  }

  /** Sends a refused message again. */
  retry(clientId: string): void {
    void this.#options.outbox.retry(clientId);
  }

  /** Forgets a message that is not sent. */
  discard(clientId: string): void {
    void this.#options.outbox.discard(clientId);
  }

  /** Changes what one's own message says. Throws `chat.too_late`, `auth.forbidden`, `chat.message_not_found`, `client.*`. */
  async edit(messageId: string, content: string): Promise<void> {
    this.#edited(await this.#options.connection.request('chat:edit', { messageId, content }));
  }

  /** Deletes a message from one's own view, or destroys one's own for everyone. Throws as {@link ChatConversation.edit}. */
  async delete(messageId: string, { forEveryone }: { forEveryone: boolean }): Promise<void> {
    const { message } = await this.#options.connection.request('chat:delete', { messageId, forEveryone });
    this.onDeleted({ messageId, seq: message.seq, forEveryone });
  }

  /** Throws as {@link ChatConversation.edit}. */
  async react(messageId: string, emoji: string): Promise<void> {
    this.#edited(await this.#options.connection.request('chat:react', { messageId, emoji }));
  }

  /** Takes a reaction away. Throws as {@link ChatConversation.edit}. */
  async unreact(messageId: string, emoji: string): Promise<void> {
    this.#edited(await this.#options.connection.request('chat:unreact', { messageId, emoji }));
  }

  /** Says that the user has seen everything up to `seq`, by default all that is shown. */
  markRead(seq = shownRange(this.#timeline)?.to ?? 0): void {
    const { userId, lastSeq } = this.#timeline;
    const readSeq = this.#options.info()?.readSeq;
    if (readSeq === undefined) return;
    const others = shownMessages(this.#timeline).filter(({ senderId, type }) => senderId !== userId && type !== 'system');
    if (!others.some((message) => readSeq < message.seq && message.seq <= seq)) return;
    const reachesEnd = (shownRange(this.#timeline)?.to ?? 0) >= lastSeq;
    this.#options.onRead(seq, reachesEnd ? others.filter((message) => message.seq > seq).length : undefined);
  }

  /** To be called at each key press, and with `false` when the text is cleared or its field left. */
  typing(isTyping = true): void {
    if (isTyping) this.#typingSender.typed();
    else this.#typingSender.stopped();
  }

  /** Stores a file for this conversation; send it with `send({ attachments })`. Throws the server's code, `client.disconnected`, `client.aborted`. */
  upload(file: File, options: SendFormOptions = {}): Promise<Attachment> {
    const form = new FormData();
    form.set('access', 'conversation');
    form.set('conversationId', this.conversationId);
    // Last: the server reads what the file is for before it stores it.
    form.set('file', file, file.name);
    return this.#options.rest.sendForm<Attachment>('/attachments', form, options);
  }

  /** A session is ready: reads what was missed. */
  onConnected(): void {
    if (this.#isClosed || !this.#options.connection.isConnected) return;
    this.#typingWatch.clear();
    this.#typingSender.forget();
    void this.#history.reconnect();
    void this.#loadMembers();
  }

  /** Who one is, once that is known. */
  onIdentified(userId: string): void {
    this.#timeline = { ...this.#timeline, userId };
    this.#changed();
  }

  /** What the chat knows of the conversation has changed. */
  onInfo(): void {
    this.#apply({ type: 'heardOf', seq: this.#options.info()?.lastSeq ?? 0 });
    this.#changed();
  }

  onMessage(message: Message): void {
    this.#typingWatch.set(message.senderId, false);
    this.#apply({ type: 'message', message });
    this.#meet(message.senderId);
  }

  onEdited(message: Message): void {
    this.#apply({ type: 'edited', message });
  }

  onDeleted(deleted: { messageId: string; seq: number; forEveryone: boolean }): void {
    this.#apply({ type: 'deleted', ...deleted, at: new Date().toISOString() });
  }

  onReactions(messageId: string, reactions: Reaction[]): void {
    this.#apply({ type: 'reactions', messageId, reactions });
  }

  onReceipt(kind: ReceiptKind, userId: string, seq: number): void {
    this.onMembers(withReceipt(this.#members, kind, userId, seq));
  }

  onTyping(userId: string, typing: boolean): void {
    if (userId !== this.#timeline.userId) this.#typingWatch.set(userId, typing);
  }

  onMembers(members: readonly Member[]): void {
    if (members === this.#members) return;
    this.#members = members;
    this.#changed();
  }

  onQueued(entry: OutboxEntry): void {
    const error = entry.refusal && new ParleyError(entry.refusal.code, { message: entry.refusal.message });
    this.#apply({ type: 'queued', message: toOutgoing(entry, error) });
  }

  onRefused(clientId: string, error: ParleyError): void {
    this.#apply({ type: 'failed', clientId, error });
  }

  onDropped(clientId: string): void {
    this.#apply({ type: 'dropped', clientId });
  }

  /** The server shows it no longer. */
  fail(error: ParleyError): void {
    this.#error = error;
    this.#setStatus('failed');
  }

  /** Lets go of it: no timer or listener is left. */
  close(): void {
    this.#isClosed = true;
    this.#history.close();
    this.#typingSender.forget();
    this.#typingWatch.clear();
    this.#events.clear();
  }

  #edited({ message }: Reply<'chat:edit'>): void {
    this.onEdited(message);
  }

  /** Somebody who writes for the first time may not have had a name before. */
  #meet(senderId: string): void {
    const member = this.#members.find(({ userId }) => userId === senderId);
    if (this.#met.has(senderId) || (member !== undefined && member.displayName !== senderId)) return;
    this.#met.add(senderId);
    void this.#loadMembers();
  }

  async #loadMembers(): Promise<void> {
    try {
      const { members } = await this.#options.rest.json<{ members: Member[] }>('GET', `/conversations/${this.conversationId}/members`);
      if (this.#isClosed) return;
      // Receipts only rise; some may have come while the answer was on its way.
      const known = new Map(this.#members.map((member) => [member.userId, member]));
      this.onMembers(
        members.map((member) => ({
          ...member,
          deliveredSeq: Math.max(member.deliveredSeq, known.get(member.userId)?.deliveredSeq ?? 0),
          readSeq: Math.max(member.readSeq, known.get(member.userId)?.readSeq ?? 0),
        })),
      );
    } catch (error) {
      if (!this.#isClosed) this.#options.onError(ParleyError.from(error, 'internal'));
    }
  }

  #apply(action: TimelineAction): void {
    const before = this.#timeline;
    const timeline = afterAction(before, action);
    if (timeline === before || this.#isClosed) return;
    this.#timeline = timeline;
    for (const { clientId } of before.outgoing) {
      if (!timeline.outgoing.some((one) => one.clientId === clientId)) this.#options.outbox.confirm(clientId);
    }
    this.#tellArrived();
    this.#history.fillGap();
    this.#changed();
  }

  /** What stands at the end without a gap has arrived. */
  #tellArrived(): void {
    const { followsEnd, userId, messages, lastSeq } = this.#timeline;
    const to = shownRange(this.#timeline)?.to;
    if (!followsEnd || to === undefined || to < lastSeq) return;
    const last = messages.get(to);
    if (last !== undefined && last.senderId !== userId) this.#options.onArrived(to);
  }

  #setStatus(status: ConversationStatus): void {
    if (status === 'ready') this.#error = undefined;
    this.#status = status;
    this.#changed();
  }

  #changed(): void {
    this.#view = undefined;
    if (this.#isTelling || this.#isClosed) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      this.#events.emit('changed', undefined);
    });
  }

  /** The same object for as long as nothing about it has changed. */
  #toSent(message: Message): SentMessage {
    const status = statusOf(message, this.#members);
    const known = this.#sent.get(message);
    if (known?.status === status) return known;
    const sent: SentMessage = { ...message, state: 'sent', status };
    this.#sent.set(message, sent);
    return sent;
  }

  #makeView(): ConversationView {
    const timeline = this.#timeline;
    const info = this.#options.info();
    const sent = shownMessages(timeline).map((message) => this.#toSent(message));
    return {
      conversationId: this.conversationId,
      userId: timeline.userId,
      // Without its counts it cannot be told what is new.
      status: this.#status === 'ready' && info === undefined ? 'loading' : this.#status,
      error: this.#error,
      info,
      members: this.#members,
      messages: timeline.followsEnd ? [...sent, ...timeline.outgoing] : sent,
      hasOlder: hasOlder(timeline),
      hasNewer: !timeline.followsEnd && hasNewer(timeline),
      unreadCount: info?.unreadCount ?? 0,
      readSeq: info?.readSeq ?? 0,
      typingUserIds: this.#typingWatch.userIds,
    };
  }
}
