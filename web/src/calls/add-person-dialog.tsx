import { useState } from 'react';
import type { Contact } from '../../../src/protocol/presence.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { PresenceWord } from '../ui/presence-mark.tsx';

interface AddPersonDialogProps {
  /** Whom one can reach and who is not in the call; undefined while they are asked for. */
  contacts: readonly Contact[] | undefined;
  onAdd: (contact: Contact) => void;
  onClose: () => void;
}

/** Chooses one more person for the running call. */
export function AddPersonDialog({ contacts, onAdd, onClose }: AddPersonDialogProps) {
  const [query, setQuery] = useState('');
  const words = strings.calls.inCall;
  const shown = contacts?.filter(({ displayName }) => displayName.toLowerCase().includes(query.trim().toLowerCase()));
  return (
    <Dialog title={words.addTitle} onClose={onClose}>
      <div className="add-person">
        <div className="field">
          <input
            type="search"
            aria-label={strings.contacts.search}
            placeholder={strings.contacts.searchPlaceholder}
            value={query}
            onChange={({ target }) => setQuery(target.value)}
          />
        </div>
        {shown === undefined && <p className="soft">{strings.loading}</p>}
        {shown?.length === 0 && <p className="soft">{query.trim() === '' ? words.addNobody : strings.contacts.noneFound(query.trim())}</p>}
        <ul className="add-person-list">
          {shown?.map((contact) => (
            <li key={contact.userId}>
              <Avatar name={contact.displayName} />
              <div className="room-row-text">
                <span className="contact-name">{contact.displayName}</span>
                <span className="room-row-meta">
                  <PresenceWord status={contact.presence.status} />
                </span>
              </div>
              <button
                type="button"
                className="button compact"
                aria-label={words.add(contact.displayName)}
                title={words.add(contact.displayName)}
                onClick={() => onAdd(contact)}
              >
                <Icon name="personPlus" size={20} />
              </button>
            </li>
          ))}
        </ul>
      </div>
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {strings.close}
        </button>
      </div>
    </Dialog>
  );
}
