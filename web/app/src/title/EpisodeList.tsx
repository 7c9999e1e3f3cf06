import { useEffect, useRef, useState } from 'react';
import type { Episode, Title } from '../api/types';
import { clock } from '../format';
import { fill, useWords } from '../i18n';
import { type EpisodeProgress, useProgress } from '../progress/book';
import { Icon } from '../ui/Icon';
import { hasVideo } from './episodes';

interface ListProps {
  title: Title;
  episodes: Episode[];
  current: number;
  open: (episode: Episode) => void;
}

export function EpisodeList({ title, episodes, current, open }: ListProps) {
  const { t } = useWords();
  const [newestFirst, setNewestFirst] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const seen = useProgress()[title.id]?.episodes ?? {};
  const total = title.episodes?.total;

  // Episode 300 of a long series should not have to be looked for.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the current row or the order changes
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>('[aria-current]');
    if (row && list.current) list.current.scrollTop = row.offsetTop - list.current.clientHeight / 2;
  }, [current, newestFirst]);

  const shown = newestFirst ? [...episodes].reverse() : episodes;
  return (
    <div className="episodes">
      <div className="episodes-head">
        <h2>
          {t.title.episodes}{' '}
          <span className="episodes-count">
            {total ? fill(t.title.episodesOf, { current: episodes.length, total }) : episodes.length}
          </span>
        </h2>
        {episodes.length > 1 ? (
          <button type="button" className="button quiet small" onClick={() => setNewestFirst(!newestFirst)}>
            <Icon name="sort" size={16} />
            {newestFirst ? t.title.oldestFirst : t.title.newestFirst}
          </button>
        ) : null}
      </div>
      <ol className="episode-rows" ref={list}>
        {shown.map((episode) => (
          <li key={episode.id || episode.ordinal}>
            <EpisodeRow
              episode={episode}
              current={episode.ordinal === current}
              seen={seen[episode.ordinal]}
              open={() => open(episode)}
            />
          </li>
        ))}
      </ol>
    </div>
  );
}

interface RowProps {
  episode: Episode;
  current: boolean;
  seen: EpisodeProgress | undefined;
  open: () => void;
}

function EpisodeRow({ episode, current, seen, open }: RowProps) {
  const { t } = useWords();
  const length = seen?.duration || episode.duration || 0;
  const part = seen && length > 0 ? Math.min(1, seen.seconds / length) : 0;
  return (
    <button
      type="button"
      className={hasVideo(episode) ? 'episode' : 'episode absent'}
      aria-current={current ? 'true' : undefined}
      onClick={open}
    >
      <span className="episode-number">{episode.ordinal}</span>
      <span className="episode-name">{episode.name || fill(t.live.episode, { n: episode.ordinal })}</span>
      {seen?.watched ? (
        <span className="episode-seen">
          <Icon name="check" size={16} />
          <span className="sr-only">{t.title.watched}</span>
        </span>
      ) : episode.duration ? (
        <span className="episode-time">{clock(episode.duration)}</span>
      ) : null}
      {part > 0 && !seen?.watched ? <progress value={part} max={1} aria-hidden="true" /> : null}
    </button>
  );
}
