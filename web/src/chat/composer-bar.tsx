import { type ClipboardEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { useChatContext } from './chat-context.ts';
import type { PendingFile } from './composer-state.ts';

const maxHeightPx = 160;

/** The field to write in, with what the next message answers and the files that go with it. */
export function ComposerBar({ field }: { field: RefObject<HTMLTextAreaElement | null> }) {
  const { composer, conversation, userId } = useChatContext();
  const view = useSyncExternalStore(composer.subscribe, () => composer.view);
  const picker = useRef<HTMLInputElement>(null);
  const words = strings.chat;

  // biome-ignore lint/correctness/useExhaustiveDependencies: the field grows with its text.
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight + 2, maxHeightPx)}px`;
  }, [view.text, field]);

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const isTouch = window.matchMedia('(pointer: coarse)').matches;
    if (event.key === 'Enter' && !event.shiftKey && !isTouch) {
      event.preventDefault();
      composer.submit();
    } else if (event.key === 'Escape' && (view.editing !== undefined || view.replyTo !== undefined)) {
      event.preventDefault();
      event.stopPropagation();
      composer.cancel();
    } else if (event.key === 'ArrowUp' && view.text === '' && view.editing === undefined) {
      const last = conversation.view.messages.findLast(
        (message) => message.state === 'sent' && message.senderId === userId && message.type === 'text' && message.deletedAt === undefined,
      );
      if (last?.state !== 'sent') return;
      event.preventDefault();
      composer.edit(last);
    }
  }

  function onPaste(event: ClipboardEvent) {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    composer.attach(event.clipboardData.files);
  }

  const isUploading = view.files.some(({ attachment, problem }) => attachment === undefined && problem === undefined);
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        composer.submit();
        field.current?.focus();
      }}
    >
      <Subject />
      {view.files.length > 0 && (
        <ul className="pending-files">
          {view.files.map((file) => (
            <PendingFileChip key={file.key} file={file} onRemove={() => composer.detach(file.key)} />
          ))}
        </ul>
      )}
      {view.problem !== undefined && (
        <p className="composer-problem" role="alert">
          {view.problem}
        </p>
      )}
      <div className="composer-row">
        <button
          type="button"
          className="button quiet square"
          aria-label={words.attach}
          title={words.attach}
          disabled={view.editing !== undefined}
          onClick={() => picker.current?.click()}
        >
          <Icon name="attach" size={22} />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          tabIndex={-1}
          aria-label={words.attach}
          onChange={(event) => {
            composer.attach(event.target.files ?? []);
            event.target.value = '';
            field.current?.focus();
          }}
        />
        <textarea
          ref={field}
          rows={1}
          maxLength={10_000}
          aria-label={words.message}
          placeholder={words.placeholder}
          value={view.text}
          onChange={(event) => composer.setText(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={() => conversation.typing(false)}
        />
        <button
          type="submit"
          className="button primary square"
          aria-label={view.editing === undefined ? words.send : words.save}
          title={isUploading ? words.filesLoading : view.editing === undefined ? words.send : words.save}
          disabled={!view.maySend}
        >
          <Icon name={view.editing === undefined ? 'send' : 'check'} size={22} />
        </button>
      </div>
    </form>
  );
}

/** What the next message answers, or that one is being edited. */
function Subject() {
  const { composer, nameOf, brief } = useChatContext();
  const { replyTo, editing } = useSyncExternalStore(composer.subscribe, () => composer.view);
  const subject = editing ?? replyTo;
  if (subject === undefined) return null;
  return (
    <div className="composer-subject">
      <Icon name={editing === undefined ? 'reply' : 'edit'} size={18} />
      <span className="composer-subject-text">
        <strong>{editing === undefined ? strings.chat.replyingTo(nameOf(subject.senderId)) : strings.chat.editing}</strong>
        <span>{brief(subject)}</span>
      </span>
      <button
        type="button"
        className="button quiet compact square"
        aria-label={strings.chat.cancel}
        title={strings.chat.cancel}
        onClick={() => composer.cancel()}
      >
        <Icon name="close" size={18} />
      </button>
    </div>
  );
}

function PendingFileChip({ file, onRemove }: { file: PendingFile; onRemove: () => void }) {
  const percent = Math.round(file.progress * 100);
  const remove = strings.chat.removeFile(file.name);
  return (
    <li className={file.problem === undefined ? 'pending-file' : 'pending-file bad'}>
      <Icon name="file" size={20} />
      <span className="file-name">
        <span title={file.name}>{file.name}</span>
        {file.problem !== undefined && <small role="alert">{file.problem}</small>}
        {file.problem === undefined && file.attachment !== undefined && <small>{strings.chat.bytes(file.bytes)}</small>}
        {file.problem === undefined && file.attachment === undefined && (
          <progress max={100} value={percent} aria-label={strings.chat.uploading(percent)} />
        )}
      </span>
      <button type="button" className="button quiet compact square" aria-label={remove} title={remove} onClick={onRemove}>
        <Icon name="close" size={18} />
      </button>
    </li>
  );
}
