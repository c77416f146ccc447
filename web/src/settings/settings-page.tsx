import { useEffect, useState } from 'react';
import type { NotificationSettings } from '../../../src/client/index.ts';
import type { Privacy } from '../../../src/protocol/user.ts';
import { getOwnUser, updateOwnUser } from '../api.ts';
import { errorText } from '../error-text.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { DeliverySettings } from './delivery-settings.tsx';
import { PushSetting } from './push-setting.tsx';
import { Setting } from './setting.tsx';

/** How one is told while away, and what others may see. Everything is kept as soon as it is changed. */
export function SettingsPage({ identity }: { identity: Identity }) {
  const { notifications } = useClient();
  const [delivery, setDelivery] = useState<NotificationSettings>();
  const [privacy, setPrivacy] = useState<Privacy>();
  const [problem, setProblem] = useState<string>();
  const [said, setSaid] = useState('');
  const words = strings.settings;
  useTabTitle(words.title);

  useEffect(() => {
    let wanted = true;
    const fail = (error: unknown) => wanted && setProblem(errorText(error));
    notifications.settings().then((settings) => wanted && setDelivery(settings), fail);
    getOwnUser(identity.token).then((user) => wanted && setPrivacy(user.privacy), fail);
    return () => {
      wanted = false;
    };
  }, [notifications, identity.token]);

  function keep<T>(answer: Promise<T>, show: (kept: T) => void): void {
    setProblem(undefined);
    setSaid('');
    answer.then(
      (kept) => {
        show(kept);
        setSaid(words.saved);
      },
      (error: unknown) => setProblem(errorText(error)),
    );
  }
  const keepDelivery = (change: Partial<NotificationSettings>) => keep(notifications.updateSettings(change), setDelivery);
  const keepPrivacy = (change: Partial<Privacy>) =>
    keep(updateOwnUser(identity.token, { privacy: change }), (user) => setPrivacy(user.privacy));

  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="listing settings-page">
        <div className="listing-head">
          <h1>{words.title}</h1>
          <span className="soft small" role="status">
            {said}
          </span>
        </div>
        {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
        {delivery === undefined && privacy === undefined && problem === undefined && <p className="soft">{strings.loading}</p>}
        {delivery !== undefined && (
          <section className="card" aria-labelledby="delivery-title">
            <h2 id="delivery-title">{words.delivery}</h2>
            <PushSetting isWanted={delivery.push} onChange={(push) => keepDelivery({ push })} onProblem={setProblem} />
            <DeliverySettings settings={delivery} onChange={keepDelivery} />
          </section>
        )}
        {privacy !== undefined && (
          <section className="card" aria-labelledby="privacy-title">
            <h2 id="privacy-title">{words.privacy}</h2>
            <Setting
              label={words.lastSeen}
              hint={words.lastSeenHint}
              isOn={privacy.showLastSeen}
              onChange={(showLastSeen) => keepPrivacy({ showLastSeen })}
            />
            <Setting
              label={words.readReceipts}
              isOn={privacy.showReadReceipts}
              onChange={(showReadReceipts) => keepPrivacy({ showReadReceipts })}
            />
            <Setting label={words.typing} isOn={privacy.showTyping} onChange={(showTyping) => keepPrivacy({ showTyping })} />
          </section>
        )}
      </main>
    </div>
  );
}
