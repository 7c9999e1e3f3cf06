import { lazy, Suspense, useEffect } from 'react';
import type { Episode, Title } from '../api/types';
import { titlePath } from '../catalog';
import { clock, mainName, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { resumePoint, useProgress } from '../progress/book';
import { usePlaces } from '../progress/usePlaces';
import { navigate, useLocation } from '../router';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/States';
import { EpisodeList } from './EpisodeList';
import { episodeAfter, previewURL, sortedEpisodes } from './episodes';
import { resumeAt } from './resume';

const Player = lazy(() => import('../player/Player'));

interface WatchProps {
  title: Title;
  started: boolean;
  play: (episode: Episode) => void;
}

/** The player beside the list of episodes. Nothing of video is fetched before it is asked for. */
export function WatchSection({ title, started, play }: WatchProps) {
  const { t } = useWords();
  const query = new URLSearchParams(useLocation().search);
  const placesKnown = usePlaces(title);
  const episodes = sortedEpisodes(title);
  const asked = query.get('ep');
  const begun = useProgress()[title.id];
  const episode =
    episodes.find(({ ordinal }) => asked !== null && ordinal === Number(asked)) ??
    resumeAt(title, begun).episode;
  useKept(title.id, started && placesKnown && asked === null ? episode : undefined);
  if (!episode) {
    return (
      <section id="watch" className="watch empty">
        <Notice icon="calendar" title={t.title.noEpisodes} hint={t.title.noEpisodesHint} />
      </section>
    );
  }
  const next = episodeAfter(episodes, episode.ordinal);
  return (
    <section
      id="watch"
      className={episodes.length > 1 ? 'watch' : 'watch single'}
      aria-label={t.title.episodes}
    >
      {started && !placesKnown ? <div className="stage" /> : null}
      {started && placesKnown ? (
        <Suspense fallback={<div className="stage" />}>
          <Player title={title} episode={episode} next={next} open={play} />
        </Suspense>
      ) : null}
      {started ? null : <Cover title={title} episode={episode} play={() => play(episode)} />}
      {episodes.length > 1 ? (
        <EpisodeList title={title} episodes={episodes} current={episode.ordinal} open={play} />
      ) : null}
    </section>
  );
}

// Once it plays, the episode stays, wherever another device goes on.
function useKept(id: number, playing: Episode | undefined) {
  useEffect(() => {
    if (playing) navigate(titlePath(id, playing.ordinal), { replace: true });
  }, [id, playing]);
}

interface CoverProps {
  title: Title;
  episode: Episode;
  play: () => void;
}

function Cover({ title, episode, play }: CoverProps) {
  const { lang, t } = useWords();
  const preview = previewURL(episode);
  useProgress();
  const seconds = resumePoint(title.id, episode.ordinal);
  const art = preview ?? posterURL(title.poster, 'large');
  return (
    <button type="button" className="stage cover" onClick={play}>
      {art ? (
        <img
          className={preview ? 'cover-art' : 'cover-art blurred'}
          src={art}
          alt=""
          loading="lazy"
          referrerPolicy="no-referrer"
          onError={(event) => {
            event.currentTarget.hidden = true;
          }}
        />
      ) : null}
      <span className="cover-number" aria-hidden="true">
        {episode.ordinal}
      </span>
      <span className="cover-play">
        <Icon name="play" size={34} />
      </span>
      <span className="cover-text">
        <span className="sr-only">
          {t.player.play}: {mainName(lang, title.names)}.{' '}
        </span>
        <strong>{fill(t.live.episode, { n: episode.ordinal })}</strong>
        {episode.name ? <span>{episode.name}</span> : null}
        {seconds > 0 ? <span>{fill(t.player.resumed, { time: clock(seconds) })}</span> : null}
      </span>
    </button>
  );
}
