import type { Episode, Title } from '../api/types';
import { clock } from '../format';
import { fill, useWords } from '../i18n';
import { useProgress } from '../progress/book';
import { Icon } from '../ui/Icon';
import { hasVideo, sortedEpisodes } from './episodes';
import { resumeAt } from './resume';

/** Starts where the viewer is. */
export function WatchButton({ title, play }: { title: Title; play: (episode: Episode) => void }) {
  const { t } = useWords();
  const begun = useProgress()[title.id];
  const { episode, seconds } = resumeAt(title, begun);
  if (!episode || !sortedEpisodes(title).some(hasVideo)) return null;

  const n = episode.ordinal;
  let label = t.title.watch;
  if (seconds > 0) label = fill(t.title.resume, { n, time: clock(seconds) });
  else if (begun) label = fill(t.title.watchFrom, { n });

  return (
    <button type="button" className="button primary large" onClick={() => play(episode)}>
      <Icon name="play" />
      {label}
    </button>
  );
}
