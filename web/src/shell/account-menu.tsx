import { useState, useSyncExternalStore } from 'react';
import { errorText } from '../error-text.ts';
import { type OwnStatus, OwnStatusForm } from '../presence/own-status.tsx';
import { onLinkClick } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { signOut } from '../sign-in/session.ts';
import { strings } from '../strings.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { PopoverButton } from '../ui/popover-button.tsx';
import { PresenceDot } from '../ui/presence-mark.tsx';
import { useClient } from './client-context.tsx';

/** Who one is and how one stands; opens what one can say of that, the settings and the way out. */
export function AccountMenu({ identity }: { identity: Identity }) {
  const { presence } = useClient();
  const { own } = useSyncExternalStore(presence.subscribe, () => presence.view);
  const [problem, setProblem] = useState<string>();
  const status = own?.status ?? 'online';
  const words = strings.account;

  async function set({ status: wanted, note, until }: OwnStatus): Promise<void> {
    setProblem(undefined);
    try {
      await presence.set(wanted, { note, ...(until !== undefined && { until }) });
    } catch (error) {
      setProblem(errorText(error));
      throw error;
    }
  }

  return (
    <PopoverButton
      className="account-button"
      label={words.menu(identity.name, strings.presence[status])}
      face={
        <>
          <span className="avatar-with-presence">
            <Avatar name={identity.name} />
            <PresenceDot status={status} />
          </span>
          <span className="who-name">{identity.name}</span>
        </>
      }
    >
      {(close) => (
        <div className="account-menu">
          <div>
            <h2>{identity.name}</h2>
            <p className="soft small">{strings.roles[identity.role]}</p>
          </div>
          {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
          <OwnStatusForm key={own?.note ?? ''} status={status} note={own?.note ?? ''} onSet={set} />
          <div className="account-menu-foot">
            <a
              className="menu-item"
              href="/settings"
              onClick={(event) => {
                close();
                onLinkClick(event);
              }}
            >
              <Icon name="devices" size={20} />
              {words.settings}
            </a>
            <button type="button" className="menu-item" onClick={() => signOut()}>
              <Icon name="signOut" size={20} />
              {words.signOut}
            </button>
          </div>
        </div>
      )}
    </PopoverButton>
  );
}
