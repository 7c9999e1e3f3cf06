import { lazy, type ReactNode, Suspense, useEffect, useRef } from 'react';
import { HomePage } from './home/HomePage';
import { Toasts } from './live/Toasts';
import { useLocation } from './router';
import { forgetPersonal, rememberFollowed, useSession, useSubscriptions } from './subscriptions';
import TitlePage from './title/TitlePage';
import { CrashGuard } from './ui/CrashGuard';
import { Footer } from './ui/Footer';
import { Header, TabBar } from './ui/Header';
import { StaleBanner } from './ui/StaleBanner';
import { NotFound, PageLoading } from './ui/States';

// Home and title are what links point at; the rest comes when asked for.
const CataloguePage = lazy(() => import('./catalogue/CataloguePage'));
const SchedulePage = lazy(() => import('./schedule/SchedulePage'));
const InboxPage = lazy(() => import('./inbox/InboxPage'));
const ListsPage = lazy(() => import('./lists/ListsPage'));
const SignPage = lazy(() => import('./account/SignPage'));
const ProfilePage = lazy(() => import('./account/ProfilePage'));

function page(path: string): ReactNode {
  const title = path.match(/^\/title\/(\d+)\/?$/);
  if (title) return <TitlePage key={title[1]} id={Number(title[1])} />;
  switch (path.replace(/(.)\/$/, '$1')) {
    case '/':
      return <HomePage />;
    case '/catalogue':
      return <CataloguePage />;
    case '/schedule':
      return <SchedulePage />;
    case '/notifications':
      return <InboxPage />;
    case '/lists':
      return <ListsPage />;
    case '/sign-in':
      return <SignPage mode="in" key="in" />;
    case '/sign-up':
      return <SignPage mode="up" key="up" />;
    case '/profile':
      return <ProfilePage />;
    default:
      return <NotFound />;
  }
}

export function App() {
  const { path } = useLocation();
  const main = useFocusOnArrival(path);
  usePersonalData();
  return (
    <>
      <Header />
      <main id="main" ref={main} tabIndex={-1}>
        <StaleBanner />
        <CrashGuard key={path}>
          <Suspense fallback={<PageLoading />}>{page(path)}</Suspense>
        </CrashGuard>
      </main>
      <Footer />
      <TabBar />
      <Toasts />
    </>
  );
}

/** A reader of the screen is taken to the new page, not left on the link. */
function useFocusOnArrival(path: string) {
  const main = useRef<HTMLElement>(null);
  const arrivedAt = useRef(path);
  useEffect(() => {
    if (arrivedAt.current === path) return;
    arrivedAt.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}

function usePersonalData() {
  const followed = useSubscriptions().answer?.data;
  const { status } = useSession();
  useEffect(() => rememberFollowed(followed), [followed]);
  useEffect(() => {
    if (status === 'guest') forgetPersonal();
  }, [status]);
}
