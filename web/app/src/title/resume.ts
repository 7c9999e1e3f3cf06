import type { Episode, Title } from '../api/types';
import { resumePoint, type TitleProgress } from '../progress/book';
import { episodeAfter, hasVideo, sortedEpisodes } from './episodes';

/** Where the viewer is: the episode begun, the one after it, or the first that has video. */
export function resumeAt(
  title: Title,
  begun: TitleProgress | undefined,
): { episode?: Episode; seconds: number } {
  const episodes = sortedEpisodes(title);
  const first = episodes.find(hasVideo) ?? episodes[0];
  const last = episodes.find(({ ordinal }) => ordinal === begun?.episode);
  if (!begun || !last) return { episode: first, seconds: 0 };
  const seconds = resumePoint(title.id, last.ordinal);
  if (seconds > 0 || !begun.episodes[last.ordinal]?.watched) return { episode: last, seconds };
  return { episode: episodeAfter(episodes, last.ordinal) ?? first, seconds: 0 };
}
