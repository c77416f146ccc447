import { useRef, useState } from 'react';
import type { SentMessage } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { usePopover } from '../ui/use-popover.ts';
import { useChatContext } from './chat-context.ts';

const editableMs = 24 * 60 * 60_000;

/** What one may do with a message: a button that appears beside it, and a small menu. */
export function MessageActions({ message, isOwn }: { message: SentMessage; isOwn: boolean }) {
  const { conversation, composer, userId, nameOf, act, focusComposer } = useChatContext();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLFieldSetElement>(null);
  const [isOpen, setOpen, onKeyDown] = usePopover(button, menu);
  const [isAsking, setAsking] = useState(false);
  const words = strings.chat;
  const label = isOwn ? words.ownActions : words.actions(nameOf(message.senderId));
  const mayEdit = isOwn && message.type === 'text' && Date.now() - Date.parse(message.sentAt) < editableMs;

  function choose(action: () => void) {
    setOpen(false);
    action();
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        className="message-more"
        aria-expanded={isOpen}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="smile" size={18} />
        <Icon name="down" size={14} />
      </button>
      {isOpen && (
        <fieldset ref={menu} className="message-menu" aria-label={label} popover="manual" onKeyDown={onKeyDown}>
          <div className="message-emoji">
            {words.reactions.map(([emoji, meaning]) => {
              const isMine = message.reactions.some((reaction) => reaction.emoji === emoji && reaction.userIds.includes(userId));
              return (
                <button
                  key={emoji}
                  type="button"
                  aria-pressed={isMine}
                  aria-label={words.react(meaning)}
                  title={words.react(meaning)}
                  onClick={() =>
                    choose(() =>
                      act(isMine ? conversation.unreact(message.messageId, emoji) : conversation.react(message.messageId, emoji)),
                    )
                  }
                >
                  {emoji}
                </button>
              );
            })}
          </div>
          <Item
            icon="reply"
            label={words.reply}
            onClick={() =>
              choose(() => {
                composer.reply(message);
                focusComposer();
              })
            }
          />
          {message.content !== null && (
            <Item icon="copy" label={words.copy} onClick={() => choose(() => act(navigator.clipboard.writeText(message.content ?? '')))} />
          )}
          {mayEdit && (
            <Item
              icon="edit"
              label={words.edit}
              onClick={() =>
                choose(() => {
                  composer.edit(message);
                  focusComposer();
                })
              }
            />
          )}
          <Item
            icon="trash"
            label={words.deleteForMe}
            onClick={() => choose(() => act(conversation.delete(message.messageId, { forEveryone: false })))}
          />
          {isOwn && <Item icon="trash" label={words.deleteForEveryone} isDanger onClick={() => choose(() => setAsking(true))} />}
        </fieldset>
      )}
      {isAsking && (
        <ConfirmDialog
          title={words.deleteTitle}
          text={words.deleteText}
          confirm={words.deleteForEveryone}
          onConfirm={() => act(conversation.delete(message.messageId, { forEveryone: true }))}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

interface ItemProps {
  icon: IconName;
  label: string;
  isDanger?: boolean;
  onClick: () => void;
}

function Item({ icon, label, isDanger = false, onClick }: ItemProps) {
  return (
    <button type="button" className={isDanger ? 'message-menu-item danger-ink' : 'message-menu-item'} onClick={onClick}>
      <Icon name={icon} size={18} />
      {label}
    </button>
  );
}
