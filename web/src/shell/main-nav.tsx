import type { ParleyClient } from '../../../src/client/index.ts';
import { useHasRecordings } from '../recordings/use-has-recordings.ts';
import { onLinkClick, type Route, routeOf, usePath } from '../router.ts';
import type { Identity } from '../sign-in/identity.ts';
import { strings } from '../strings.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

interface Place {
  readonly path: string;
  readonly pages: readonly Route['page'][];
  readonly icon: IconName;
  readonly label: string;
}

const places: readonly Place[] = [
  { path: '/', pages: ['home'], icon: 'home', label: strings.nav.home },
  { path: '/contacts', pages: ['contacts'], icon: 'people', label: strings.nav.contacts },
  { path: '/history', pages: ['history'], icon: 'clock', label: strings.nav.history },
];
const recordings: Place = { path: '/recordings', pages: ['recordings', 'recording'], icon: 'film', label: strings.nav.recordings };

/** The places one goes to; in the header on a desk, along the bottom on a phone. */
export function MainNav({ identity, client }: { identity: Identity; client: ParleyClient }) {
  const { page } = routeOf(usePath());
  const hasRecordings = useHasRecordings(client, identity);
  return (
    <nav className="main-nav" aria-label={strings.nav.label}>
      {(hasRecordings ? [...places, recordings] : places).map(({ path, pages, icon, label }) => (
        <a key={path} href={path} aria-current={pages.includes(page) ? 'page' : undefined} onClick={onLinkClick}>
          <Icon name={icon} size={20} />
          {label}
        </a>
      ))}
    </nav>
  );
}
