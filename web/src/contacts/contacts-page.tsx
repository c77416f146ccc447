import { useEffect, useId, useMemo, useState, useSyncExternalStore } from 'react';
import type { Contact } from '../../../src/client/index.ts';
import { useCallDesk } from '../calls/calls-context.tsx';
import { openMessages } from '../calls/open-messages.ts';
import { errorText } from '../error-text.ts';
import { useClient } from '../shell/client-context.tsx';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useTabTitle } from '../ui/use-tab-title.ts';
import { ContactRow } from './contact-row.tsx';
import { listContacts } from './list-contacts.ts';

const searchAfterMs = 200;

/** Whom one may reach: how they stand, and three ways to reach them. */
export function ContactsPage({ identity }: { identity: Identity }) {
  const client = useClient();
  const { placed, place, view } = useCallDesk();
  const [query, setQuery] = useState('');
  const [isOpening, setOpening] = useState(false);
  const [clickProblem, setClickProblem] = useState<string>();
  const { contacts, problem } = useContacts(query);
  const id = useId();
  const words = strings.contacts;
  useTabTitle(words.title);

  function openConversation({ userId }: Contact) {
    setOpening(true);
    setClickProblem(undefined);
    openMessages(client, [userId]).catch((error: unknown) => {
      setOpening(false);
      setClickProblem(errorText(error));
    });
  }

  const isBusy = isOpening || placed !== undefined || view.current !== undefined;
  return (
    <div className="page">
      <PageHeader identity={identity} />
      <main className="listing">
        <h1>{words.title}</h1>
        <div className="field search-field">
          <label className="unseen" htmlFor={id}>
            {words.search}
          </label>
          <Icon name="search" size={20} />
          <input
            id={id}
            type="search"
            autoComplete="off"
            placeholder={words.search}
            value={query}
            onChange={({ target }) => setQuery(target.value)}
          />
        </div>
        {(clickProblem ?? problem) !== undefined && <Notice tone="bad">{clickProblem ?? problem}</Notice>}
        {contacts === undefined && problem === undefined && <p className="soft">{strings.loading}</p>}
        {contacts?.length === 0 && <p className="soft empty">{query.trim() === '' ? words.none : words.noneFound(query.trim())}</p>}
        {contacts !== undefined && contacts.length > 0 && (
          <ul className="room-list" aria-label={words.list}>
            {contacts.map((contact) => (
              <ContactRow
                key={contact.userId}
                contact={contact}
                isBusy={isBusy}
                onMessage={openConversation}
                onCall={({ userId, displayName }, type) => place({ calleeIds: [userId], type, name: displayName })}
              />
            ))}
          </ul>
        )}
        <p className="unseen" role="status">
          {contacts === undefined ? '' : words.shown(contacts.length)}
        </p>
      </main>
    </div>
  );
}

/** The contacts that fit, their presence kept current. */
function useContacts(query: string): { contacts: readonly Contact[] | undefined; problem: string | undefined } {
  const client = useClient();
  const { presence } = client;
  const { presences } = useSyncExternalStore(presence.subscribe, () => presence.view);
  const [found, setFound] = useState<readonly Contact[]>();
  const [problem, setProblem] = useState<string>();
  const [look, setLook] = useState(0);
  const trimmed = query.trim();

  // Somebody may have become reachable while one was elsewhere.
  useEffect(() => {
    const onFocus = () => setLook((count) => count + 1);
    window.addEventListener('focus', onFocus);
    return () => window.removeEventListener('focus', onFocus);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each look asks anew.
  useEffect(() => {
    let wanted = true;
    const timer = setTimeout(
      () => {
        listContacts(client, trimmed).then(
          (contacts) => {
            if (!wanted) return;
            setFound(contacts);
            setProblem(undefined);
          },
          (error: unknown) => wanted && setProblem(errorText(error)),
        );
      },
      trimmed === '' ? 0 : searchAfterMs,
    );
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [client, trimmed, look]);

  const userIds = useMemo(() => found?.map(({ userId }) => userId) ?? [], [found]);
  useEffect(() => (userIds.length === 0 ? undefined : presence.watch(userIds)), [presence, userIds]);

  const contacts = useMemo(
    () => found?.map((contact) => ({ ...contact, presence: presences.get(contact.userId) ?? contact.presence })),
    [found, presences],
  );
  return { contacts, problem };
}
