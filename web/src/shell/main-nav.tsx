import { onLinkClick, type Route, routeOf, usePath } from '../router.ts';
import { strings } from '../strings.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

const places: readonly { path: string; page: Route['page']; icon: IconName; label: string }[] = [
  { path: '/', page: 'home', icon: 'home', label: strings.nav.home },
  { path: '/contacts', page: 'contacts', icon: 'people', label: strings.nav.contacts },
  { path: '/history', page: 'history', icon: 'clock', label: strings.nav.history },
];

/** The places one goes to; in the header on a desk, along the bottom on a phone. */
export function MainNav() {
  const { page } = routeOf(usePath());
  return (
    <nav className="main-nav" aria-label={strings.nav.label}>
      {places.map((place) => (
        <a key={place.path} href={place.path} aria-current={page === place.page ? 'page' : undefined} onClick={onLinkClick}>
          <Icon name={place.icon} size={20} />
          {place.label}
        </a>
      ))}
    </nav>
  );
}
