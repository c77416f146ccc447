import type { CallType } from '../../../src/protocol/call.ts';
import type { Contact } from '../../../src/protocol/presence.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { PresenceDot } from '../ui/presence-mark.tsx';
import { relativeTime } from '../ui/relative-time.ts';

interface ContactRowProps {
  contact: Contact;
  /** Something is being started: no second click. */
  isBusy: boolean;
  onMessage: (contact: Contact) => void;
  onCall: (contact: Contact, type: CallType) => void;
}

/** One person: who, how they stand, and the three ways to reach them. */
export function ContactRow({ contact, isBusy, onMessage, onCall }: ContactRowProps) {
  const { displayName: name, presence, role } = contact;
  return (
    <li className="contact-row">
      <span className="avatar-with-presence">
        <Avatar name={name} />
        <PresenceDot status={presence.status} />
      </span>
      <div className="room-row-text">
        <span className="contact-name">{name}</span>
        <span className="room-row-meta">
          <span>{strings.presence[presence.status]}</span>
          {presence.status === 'offline' && presence.lastSeenAt !== null && (
            <span>{strings.lastSeen(relativeTime(new Date(presence.lastSeenAt)))}</span>
          )}
          <span className="contact-role">{strings.roles[role]}</span>
        </span>
        {presence.note !== null && presence.note !== '' && <span className="contact-note">{presence.note}</span>}
      </div>
      <div className="contact-actions">
        <RowButton icon="chat" label={strings.contacts.messageTo(name)} isDisabled={isBusy} onClick={() => onMessage(contact)} />
        <RowButton icon="phone" label={strings.calls.voiceCallTo(name)} isDisabled={isBusy} onClick={() => onCall(contact, 'voice')} />
        <RowButton icon="camera" label={strings.calls.videoCallTo(name)} isDisabled={isBusy} onClick={() => onCall(contact, 'video')} />
      </div>
    </li>
  );
}

interface RowButtonProps {
  icon: 'chat' | 'phone' | 'camera';
  label: string;
  isDisabled: boolean;
  onClick: () => void;
}

function RowButton({ icon, label, isDisabled, onClick }: RowButtonProps) {
  return (
    <button type="button" className="button quiet compact square" aria-label={label} title={label} disabled={isDisabled} onClick={onClick}>
      <Icon name={icon} size={22} />
    </button>
  );
}
