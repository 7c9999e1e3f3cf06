import '../styles/title.css';
import '../styles/watch.css';
import { useEffect, useState } from 'react';
import type { Episode } from '../api/types';
import { titleById, titlePath } from '../catalog';
import { mainName } from '../format';
import { useWords } from '../i18n';
import { useQuery } from '../query';
import { navigate, useLocation } from '../router';
import { usePageTitle } from '../ui/Header';
import { Failure, NotFound } from '../ui/States';
import { Franchise } from './Franchise';
import { Recommended } from './Recommended';
import { Team } from './Team';
import { TitleHead } from './TitleHead';
import { TitleSkeleton } from './TitleSkeleton';
import { WatchSection } from './WatchSection';

export default function TitlePage({ id }: { id: number }) {
  const { lang, t } = useWords();
  const { answer, error, retry } = useQuery(titleById(id));
  const title = answer?.data;
  const [started, play] = usePlaying(id, title !== undefined);
  usePageTitle(title ? mainName(lang, title.names) : null);

  if (!title && error?.status === 404) return <NotFound what={t.state.titleNotFound} />;
  if (!title && error) return <Failure error={error} retry={retry} />;
  if (!title) return <TitleSkeleton />;
  return (
    <article className="title">
      <TitleHead title={title} waiting={answer.subscribers ?? 0} play={play} />
      <WatchSection title={title} started={started} play={play} />
      <div className="title-more">
        <Franchise franchise={title.franchise} here={title.id} />
        <Team members={title.members ?? []} />
      </div>
      <Recommended id={title.id} />
    </article>
  );
}

/** Whether the player is open. A link may say `play=1`; a reload does not play again. */
function usePlaying(id: number, loaded: boolean) {
  const query = new URLSearchParams(useLocation().search);
  const asked = query.get('play') === '1';
  const episode = query.get('ep');
  const [started, setStarted] = useState(asked);

  useEffect(() => {
    if (!asked || !loaded) return;
    setStarted(true);
    navigate(titlePath(id, episode === null ? null : Number(episode)), { replace: true });
    showPlayer();
  }, [asked, loaded, id, episode]);

  function play(next: Episode) {
    setStarted(true);
    navigate(titlePath(id, next.ordinal), { replace: true });
    showPlayer();
  }
  return [started, play] as const;
}

function showPlayer() {
  document.getElementById('watch')?.scrollIntoView({ block: 'start' });
}
