import { useEffect, useState } from 'react';
import { useWords } from '../i18n';
import { InboxLink } from '../inbox/InboxLink';
import { setLanguage, setTheme, useTheme } from '../prefs';
import { Link, useLocation } from '../router';
import { useSession } from '../subscriptions';
import { Icon, type IconName } from './Icon';
import { SearchBox } from './SearchBox';

export function Header() {
  const { t } = useWords();
  const location = useLocation();
  const [searching, setSearching] = useState(false);
  const [here, setHere] = useState(location);
  // Going anywhere closes the search that the phone opens over the header.
  if (here !== location) {
    setHere(location);
    setSearching(false);
  }
  return (
    <header className={searching ? 'header searching' : 'header'}>
      <a className="skip-link" href="#main">
        {t.nav.skip}
      </a>
      <Link className="logo" to="/" aria-label="AniHub">
        <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
          <rect width="32" height="32" rx="9" className="logo-box" />
          <path d="M11 8.5v15l12-7.5z" className="logo-play" />
        </svg>
        <span className="logo-word">AniHub</span>
      </Link>
      <nav className="nav" aria-label={t.nav.main}>
        <NavLinks />
      </nav>
      <SearchBox onLeave={() => setSearching(false)} autoFocus={searching} />
      <div className="header-tools">
        <button
          type="button"
          className="icon-button search-toggle"
          aria-expanded={searching}
          aria-label={searching ? t.search.close : t.search.open}
          onClick={() => setSearching(!searching)}
        >
          <Icon name={searching ? 'close' : 'search'} />
        </button>
        <InboxLink />
        <LanguageButton />
        <ThemeButton />
        <AccountLink />
      </div>
    </header>
  );
}

/** The same places for a thumb, at the bottom of a phone. */
export function TabBar() {
  const { t } = useWords();
  const { path } = useLocation();
  const signedIn = useSession().status === 'user';
  return (
    <nav className="tabbar" aria-label={t.nav.main}>
      <NavLinks />
      <Link to={signedIn ? '/profile' : '/sign-in'} aria-current={isAccount(path) ? 'page' : undefined}>
        <Icon name="user" size={22} />
        <span>{signedIn ? t.nav.profile : t.nav.signIn}</span>
      </Link>
    </nav>
  );
}

function isAccount(path: string): boolean {
  return path === '/profile' || path === '/sign-in' || path === '/sign-up';
}

function NavLinks() {
  const { t } = useWords();
  const { path } = useLocation();
  const places: [string, IconName, string][] = [
    ['/', 'home', t.nav.home],
    ['/catalogue', 'grid', t.nav.catalogue],
    ['/schedule', 'calendar', t.nav.schedule],
    ['/lists', 'list', t.nav.lists],
  ];
  return places.map(([to, icon, label]) => (
    <Link key={to} to={to} aria-current={path === to ? 'page' : undefined}>
      <Icon name={icon} size={22} />
      <span>{label}</span>
    </Link>
  ));
}

function LanguageButton() {
  const { lang, t } = useWords();
  const other = lang === 'ru' ? 'en' : 'ru';
  return (
    <button
      type="button"
      className="icon-button text"
      lang={other}
      title={t.language.switch}
      onClick={() => setLanguage(other)}
    >
      <span aria-hidden="true">{other.toUpperCase()}</span>
      <span className="sr-only">{t.language.switch}</span>
    </button>
  );
}

function ThemeButton() {
  const { t } = useWords();
  const light = useTheme() === 'light';
  const label = light ? t.theme.toDark : t.theme.toLight;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => setTheme(light ? 'dark' : 'light')}
    >
      <Icon name={light ? 'moon' : 'sun'} />
    </button>
  );
}

function AccountLink() {
  const { t } = useWords();
  const session = useSession();
  if (session.status !== 'user') {
    return (
      <Link className="button primary account-link" to="/sign-in" data-waiting={session.status === 'loading'}>
        {t.nav.signIn}
      </Link>
    );
  }
  const name = session.user.name || session.user.login;
  return (
    <Link className="avatar account-link" to="/profile" aria-label={`${t.nav.profile}: ${name}`} title={name}>
      <span aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>
    </Link>
  );
}

/** Names the page in the tab and to screen readers. */
export function usePageTitle(title: string | null | undefined) {
  useEffect(() => {
    if (title) document.title = `${title} · AniHub`;
  }, [title]);
}
