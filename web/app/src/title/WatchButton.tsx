import type { Episode, Title } from '../api/types';
import { clock } from '../format';
import { fill, useWords } from '../i18n';
import { resumePoint, useProgress } from '../progress/book';
import { Icon } from '../ui/Icon';
import { episodeAfter, hasVideo, sortedEpisodes } from './episodes';

/** Starts where the viewer is: the episode begun, the one after it, or the first. */
export function WatchButton({ title, play }: { title: Title; play: (episode: Episode) => void }) {
  const { t } = useWords();
  const begun = useProgress()[title.id];
  const episodes = sortedEpisodes(title);
  const first = episodes.find(hasVideo);
  if (!first) return null;

  let label = t.title.watch;
  let episode = first;
  if (begun) {
    const seconds = resumePoint(title.id, begun.episode);
    const over = begun.episodes[begun.episode]?.watched && seconds === 0;
    const last = episodes.find(({ ordinal }) => ordinal === begun.episode);
    episode = (over ? episodeAfter(episodes, begun.episode) : last) ?? first;
    const n = episode.ordinal;
    label =
      seconds > 0 && episode === last
        ? fill(t.title.resume, { n, time: clock(seconds) })
        : fill(t.title.watchFrom, { n });
  }

  return (
    <button type="button" className="button primary large" onClick={() => play(episode)}>
      <Icon name="play" />
      {label}
    </button>
  );
}
