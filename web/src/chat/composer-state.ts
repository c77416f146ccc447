import type { Attachment, ChatConversation, SentMessage } from '../../../src/client/index.ts';
import { errorCode, errorText } from '../error-text.ts';
import { strings } from '../strings.ts';
import { mentionedIn } from './text-parts.ts';

/** A file that is to go with the next message. */
export interface PendingFile {
  readonly key: string;
  readonly name: string;
  readonly bytes: number;
  /** 0 to 1. */
  readonly progress: number;
  readonly attachment: Attachment | undefined;
  /** Why it did not go up, in plain words. */
  readonly problem: string | undefined;
}

/** What is being written. Never changed: each change makes a new one. */
export interface ComposerView {
  readonly text: string;
  readonly replyTo: SentMessage | undefined;
  readonly editing: SentMessage | undefined;
  readonly files: readonly PendingFile[];
  readonly problem: string | undefined;
  readonly maySend: boolean;
}

/** The next message of one conversation; outlives the panel it is written in. */
export interface Composer {
  readonly view: ComposerView;
  subscribe(listener: () => void): () => void;
  setText(text: string): void;
  reply(message: SentMessage): void;
  edit(message: SentMessage): void;
  /** Gives up a reply or an edit. */
  cancel(): void;
  attach(files: Iterable<File>): void;
  detach(key: string): void;
  /** Sends or saves; answers whether there was anything to. */
  submit(): boolean;
}

const maxFiles = 10;
const composers = new WeakMap<ChatConversation, Composer>();

/** The composer of a conversation, the same each time. */
export function composerOf(conversation: ChatConversation): Composer {
  const composer = composers.get(conversation) ?? createComposer(conversation);
  composers.set(conversation, composer);
  return composer;
}

function createComposer(conversation: ChatConversation): Composer {
  const listeners = new Set<() => void>();
  const uploads = new Map<string, AbortController>();
  let nextKey = 0;
  let textBeforeEdit = '';
  let view: ComposerView = { text: '', replyTo: undefined, editing: undefined, files: [], problem: undefined, maySend: false };

  function change(next: Partial<ComposerView>): void {
    const merged = { ...view, ...next };
    const isComplete = merged.files.every(({ attachment }) => attachment !== undefined);
    view = { ...merged, maySend: isComplete && (merged.text.trim() !== '' || (merged.files.length > 0 && merged.editing === undefined)) };
    for (const listener of listeners) listener();
  }

  function changeFile(key: string, next: Partial<PendingFile>): void {
    change({ files: view.files.map((file) => (file.key === key ? { ...file, ...next } : file)) });
  }

  async function upload(key: string, file: File): Promise<void> {
    const abort = new AbortController();
    uploads.set(key, abort);
    try {
      const attachment = await conversation.upload(file, {
        signal: abort.signal,
        onProgress: (sentBytes, totalBytes) => changeFile(key, { progress: sentBytes / totalBytes }),
      });
      changeFile(key, { attachment, progress: 1 });
    } catch (error) {
      if (errorCode(error) !== 'client.aborted') changeFile(key, { problem: errorText(error) });
    } finally {
      uploads.delete(key);
    }
  }

  async function save(message: SentMessage, text: string): Promise<void> {
    try {
      await conversation.edit(message.messageId, text);
    } catch (error) {
      change({ problem: errorText(error) });
    }
  }

  return {
    get view() {
      return view;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setText(text) {
      conversation.typing(text !== '');
      change({ text, problem: undefined });
    },
    reply(message) {
      change({ replyTo: message, ...(view.editing !== undefined && { editing: undefined, text: textBeforeEdit }) });
    },
    edit(message) {
      if (view.editing === undefined) textBeforeEdit = view.text;
      change({ editing: message, replyTo: undefined, text: message.content ?? '' });
    },
    cancel() {
      change(view.editing === undefined ? { replyTo: undefined } : { editing: undefined, text: textBeforeEdit });
    },
    attach(files) {
      const wanted = [...files];
      const taken = wanted.slice(0, maxFiles - view.files.length);
      const added = taken.map((file) => {
        nextKey += 1;
        return { key: String(nextKey), file };
      });
      change({
        files: [
          ...view.files,
          ...added.map(({ key, file }) => ({
            key,
            name: file.name,
            bytes: file.size,
            progress: 0,
            attachment: undefined,
            problem: undefined,
          })),
        ],
        problem: taken.length < wanted.length ? strings.chat.tooManyFiles : undefined,
      });
      for (const { key, file } of added) void upload(key, file);
    },
    detach(key) {
      uploads.get(key)?.abort();
      change({ files: view.files.filter((file) => file.key !== key), problem: undefined });
    },
    submit() {
      if (!view.maySend) return false;
      const { text, replyTo, editing, files } = view;
      const content = text.trim();
      conversation.typing(false);
      if (editing !== undefined) {
        change({ editing: undefined, text: textBeforeEdit, problem: undefined });
        if (content !== editing.content) void save(editing, content);
        return true;
      }
      const attachments = files.flatMap(({ attachment }) => attachment ?? []);
      const mentions = mentionedIn(content, conversation.view.members).map(({ userId }) => userId);
      conversation.send({ content, attachments, mentions, ...(replyTo && { replyTo }) });
      change({ text: '', replyTo: undefined, files: [], problem: undefined });
      return true;
    },
  };
}
