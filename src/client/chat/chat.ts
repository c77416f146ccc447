import type { Conversation, Message } from '../../protocol/chat.ts';
import type { NoticeName, NoticePayload, Reply, RequestInput } from '../../protocol/index.ts';
import type { Connection } from '../connection.ts';
import { Emitter, type Unsubscribe } from '../emitter.ts';
import { ParleyError } from '../parley-error.ts';
import type { Rest } from '../rest.ts';
import { tokenSubject } from '../token.ts';
import { ChatConversation } from './chat-conversation.ts';
import type { ChatEvents, ChatView } from './chat-events.ts';
import {
  type BookChange,
  type ConversationBook,
  sortedConversations,
  totalUnread,
  withChangedMessage,
  withConversation,
  withDeletedMessage,
  withMessage,
  withoutConversation,
  withRead,
} from './conversation-book.ts';
import { Outbox } from './outbox.ts';
import { createOutboxStore } from './outbox-store.ts';
import { type ReceiptKind, ReceiptSender } from './receipt-sender.ts';

/** Conversations whose counts are unsure are asked for together, so long after the first. */
const refreshMs = 100;

/** Conversations, messages and files of the signed-in user. Made by `client.chat`; ends with `client.close()`. */
export class Chat {
  readonly #connection: Connection;
  readonly #rest: Rest;
  readonly #outbox: Outbox;
  readonly #receipts: ReceiptSender;
  readonly #events = new Emitter<ChatEvents>();
  readonly #open = new Map<string, ChatConversation>();
  readonly #unsure = new Set<string>();
  readonly #off: Unsubscribe[] = [];
  #book: ConversationBook = new Map();
  #userId = '';
  #listStatus: ChatView['status'] = 'idle';
  #cursor: string | null = null;
  #view: ChatView | undefined;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor({ connection, rest }: { connection: Connection; rest: Rest }) {
    this.#connection = connection;
    const isConnected = (): boolean => connection.isConnected;
    this.#rest = rest;
    this.#receipts = new ReceiptSender(
      (kind, conversationId, seq) => connection.request(`chat:${kind}`, { conversationId, seq }),
      isConnected,
    );
    this.#outbox = new Outbox({
      store: createOutboxStore(),
      isConnected,
      send: async (payload) => (await connection.request('chat:send', payload)).message,
      onQueued: (entry) => this.#open.get(entry.conversationId)?.onQueued(entry),
      onDropped: ({ conversationId, clientId }) => this.#open.get(conversationId)?.onDropped(clientId),
      onSent: (_entry, message) => {
        this.#onMessage(message);
        this.#events.emit('messageSent', { message });
      },
      onRefused: ({ conversationId, clientId }, error) => {
        this.#open.get(conversationId)?.onRefused(clientId, error);
        this.#events.emit('messageRefused', { conversationId, clientId, error });
      },
    });
    this.#listen();
    if (connection.isConnected) this.#onReady();
    else void this.#identifyByToken();
  }

  /** The conversations as they are now; the same object until something changes. */
  get view(): ChatView {
    this.#view ??= {
      status: this.#listStatus,
      conversations: sortedConversations(this.#book).filter(({ status }) => status === 'active'),
      hasMore: this.#cursor !== null,
      unreadCount: totalUnread(this.#book),
    };
    return this.#view;
  }

  /** Calls `listener` after each change of `view`. Bound, as React's `useSyncExternalStore` takes it. */
  readonly subscribe = (listener: () => void): Unsubscribe => this.#events.on('changed', () => listener());

  /** Listens until the answered function is called. */
  on<E extends keyof ChatEvents>(event: E, listener: (payload: ChatEvents[E]) => void): Unsubscribe {
    return this.#events.on(event, listener);
  }

  /** Reads the first conversations, and from then on keeps them current; called again it reads the next ones. Throws `client.*`. */
  async loadConversations(): Promise<void> {
    if (this.#listStatus === 'loading' || (this.#listStatus === 'ready' && this.#cursor === null)) return;
    const isFirst = this.#listStatus === 'idle';
    if (isFirst) this.#listStatus = 'loading';
    try {
      await this.#readConversations(isFirst ? null : this.#cursor);
    } catch (error) {
      if (isFirst) this.#listStatus = 'idle';
      throw error;
    }
  }

  /** A conversation with its messages; the same object for the same id until {@link Chat.leave} or `client.close()`. */
  open(conversationId: string): ChatConversation {
    const known = this.#open.get(conversationId);
    if (known !== undefined) return known;
    if (this.#isClosed) throw new ParleyError('client.closed');
    const conversation = new ChatConversation({
      conversationId,
      userId: this.#userId,
      connection: this.#connection,
      rest: this.#rest,
      outbox: this.#outbox,
      info: () => this.#book.get(conversationId),
      onArrived: (seq) => this.#receipts.acknowledge('delivered', conversationId, seq),
      onRead: (seq, unreadAfter) => {
        this.#receipts.acknowledge('read', conversationId, seq);
        this.#change(withRead(this.#book, conversationId, seq, unreadAfter));
      },
      onError: (error) => this.#events.emit('error', { error }),
    });
    this.#open.set(conversationId, conversation);
    if (!this.#book.has(conversationId) && this.#connection.isConnected) void this.#refresh(conversationId);
    return conversation;
  }

  /** Keeps a conversation's messages no longer; its place in the list stays. */
  leave(conversationId: string): void {
    this.#open.get(conversationId)?.close();
    this.#open.delete(conversationId);
  }

  /** The conversation with one other, made when there is none. Throws `auth.forbidden`, `user.not_found`, `client.*`. */
  async openDirect(userId: string, options: { appointmentId?: string; initialMessage?: string } = {}): Promise<ChatConversation> {
    return this.#opened(await this.#rest.json<Conversation>('POST', '/conversations/direct', { userId, ...options }));
  }

  /** Makes a group. Throws `auth.forbidden`, `user.not_found`, `client.*`. */
  async createGroup(group: { name: string; memberIds: string[]; appointmentId?: string }): Promise<ChatConversation> {
    return this.#opened(await this.#rest.json<Conversation>('POST', '/conversations/group', group));
  }

  /** Searches the conversations that one is in, accents and case aside. Throws `protocol.invalid_payload`, `client.*`. */
  search(query: RequestInput<'chat:search'>): Promise<Reply<'chat:search'>> {
    return this.#connection.request('chat:search', query);
  }

  /** A stored file, or the small picture of an image. Throws the server's code, `client.disconnected`, `client.aborted`. */
  readAttachment(attachmentId: string, { thumbnail = false, signal }: { thumbnail?: boolean; signal?: AbortSignal } = {}): Promise<Blob> {
    return this.#rest.blob(`/attachments/${attachmentId}/${thumbnail ? 'thumbnail' : 'content'}`, signal);
  }

  /** Ends; the client calls it. What is not sent stays on this device. */
  close(): void {
    this.#isClosed = true;
    for (const off of this.#off.splice(0)) off();
    // They stay what they were, for whoever still shows them.
    for (const conversation of this.#open.values()) conversation.close();
    clearTimeout(this.#refreshTimer);
    this.#outbox.close();
    this.#receipts.close();
    this.#events.clear();
  }

  #listen(): void {
    const on = <N extends NoticeName>(name: N, listener: (payload: NoticePayload<N>) => void): void => {
      this.#off.push(this.#connection.onNotice(name, listener));
    };
    this.#off.push(this.#connection.on('ready', () => this.#onReady()));
    on('session:resync', () => this.#onReady());
    on('chat:message', ({ message }) => this.#onMessage(message));
    on('chat:messageEdited', ({ message }) => {
      this.#change({ book: withChangedMessage(this.#book, message), unsure: [] });
      this.#open.get(message.conversationId)?.onEdited(message);
    });
    on('chat:messageDeleted', (deleted) => {
      this.#change(withDeletedMessage(this.#book, deleted));
      this.#open.get(deleted.conversationId)?.onDeleted(deleted);
    });
    on('chat:reactionsChanged', ({ conversationId, messageId, reactions }) =>
      this.#open.get(conversationId)?.onReactions(messageId, reactions),
    );
    on('chat:delivered', (receipt) => this.#onReceipt('delivered', receipt));
    on('chat:read', (receipt) => this.#onReceipt('read', receipt));
    on('chat:typing', ({ conversationId, userId, typing }) => this.#open.get(conversationId)?.onTyping(userId, typing));
    on('chat:conversationAdded', ({ conversation }) => {
      this.#change(withConversation(this.#book, conversation));
      this.#events.emit('conversationAdded', { conversation });
    });
    on('chat:conversationUpdated', ({ conversation }) => this.#change(withConversation(this.#book, conversation)));
    on('chat:conversationRemoved', ({ conversationId }) => this.#onRemoved(conversationId));
    on('chat:membersChanged', ({ conversationId, members }) => this.#open.get(conversationId)?.onMembers(members));
  }

  #onReady(): void {
    this.#identify(this.#connection.userId ?? '');
    this.#outbox.flush();
    this.#receipts.flush();
    for (const conversation of this.#open.values()) conversation.onConnected();
    // Counts may have changed unheard.
    if (this.#listStatus === 'ready') this.#readConversations(null).catch(() => undefined);
    this.#refreshSoon([...this.#open.keys()]);
  }

  /** Before there is a connection the token says who one is, so that what waits in the outbox can be shown. */
  async #identifyByToken(): Promise<void> {
    const token = await this.#connection.token(false).catch(() => '');
    if (!this.#isClosed && this.#userId === '') this.#identify(tokenSubject(token) ?? '');
  }

  #identify(userId: string): void {
    if (userId === '' || userId === this.#userId) return;
    this.#userId = userId;
    for (const conversation of this.#open.values()) conversation.onIdentified(userId);
    void this.#outbox.load(userId);
  }

  #onMessage(message: Message): void {
    const { conversationId, senderId, clientId, seq, type } = message;
    const isOwn = senderId === this.#userId;
    const isNew = seq > (this.#book.get(conversationId)?.lastSeq ?? 0);
    if (isOwn) this.#outbox.confirm(clientId);
    this.#change(withMessage(this.#book, message, this.#userId));
    const conversation = this.#open.get(conversationId);
    if (conversation !== undefined) conversation.onMessage(message);
    else if (!isOwn) this.#receipts.acknowledge('delivered', conversationId, seq);
    if (isNew && !isOwn && type !== 'system') this.#events.emit('messageReceived', { message });
  }

  #onReceipt(kind: ReceiptKind, { conversationId, userId, seq }: NoticePayload<'chat:read'>): void {
    this.#open.get(conversationId)?.onReceipt(kind, userId, seq);
    if (userId !== this.#userId) return;
    this.#receipts.known(kind, conversationId, seq);
    if (kind === 'read') this.#change(withRead(this.#book, conversationId, seq));
  }

  #onRemoved(conversationId: string): void {
    this.#open.get(conversationId)?.fail(new ParleyError('chat.conversation_not_found'));
    this.#change({ book: withoutConversation(this.#book, conversationId), unsure: [] });
    this.#events.emit('conversationRemoved', { conversationId });
  }

  #opened(conversation: Conversation): ChatConversation {
    this.#change(withConversation(this.#book, conversation));
    return this.open(conversation.conversationId);
  }

  async #readConversations(cursor: string | null): Promise<void> {
    const page = await this.#connection.request('chat:conversations', { status: 'active', ...(cursor !== null && { cursor }) });
    if (this.#isClosed) return;
    this.#listStatus = 'ready';
    this.#cursor = page.cursor;
    for (const conversation of page.conversations) this.#onTold(conversation);
    this.#changed();
  }

  /** Those that nobody looks at have arrived all the same: the list shows them. */
  #onTold(conversation: Conversation): void {
    const { conversationId, deliveredSeq, readSeq, lastSeq, unreadCount } = conversation;
    this.#receipts.known('delivered', conversationId, deliveredSeq);
    this.#receipts.known('read', conversationId, readSeq);
    this.#change(withConversation(this.#book, conversation));
    if (unreadCount > 0 && !this.#open.has(conversationId)) this.#receipts.acknowledge('delivered', conversationId, lastSeq);
  }

  #change({ book, unsure }: BookChange): void {
    if (unsure.length > 0) this.#refreshSoon(unsure);
    if (book === this.#book) return;
    const before = this.#book;
    this.#book = book;
    for (const [conversationId, conversation] of this.#open) {
      if (book.get(conversationId) !== before.get(conversationId)) conversation.onInfo();
    }
    this.#changed();
  }

  #changed(): void {
    this.#view = undefined;
    this.#events.emit('changed', this.view);
  }

  #refreshSoon(conversationIds: readonly string[]): void {
    for (const conversationId of conversationIds) this.#unsure.add(conversationId);
    if (this.#refreshTimer !== undefined || this.#isClosed || this.#unsure.size === 0) return;
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = undefined;
      const ids = [...this.#unsure];
      this.#unsure.clear();
      for (const conversationId of ids) void this.#refresh(conversationId);
    }, refreshMs);
  }

  async #refresh(conversationId: string): Promise<void> {
    try {
      const conversation = await this.#rest.json<Conversation>('GET', `/conversations/${conversationId}`);
      if (!this.#isClosed) this.#onTold(conversation);
    } catch (thrown) {
      const error = ParleyError.from(thrown, 'internal');
      if (this.#isClosed || error.code === 'client.disconnected') return;
      if (error.code === 'chat.conversation_not_found') this.#onRemoved(conversationId);
      else this.#events.emit('error', { error });
    }
  }
}
