import type { Episode, Title } from '../api/types';

/** By ordinal; the API's object has them in no promised order. */
export function sortedEpisodes(title: Title): Episode[] {
  return Object.values(title.player?.episodes ?? {}).sort((a, b) => a.ordinal - b.ordinal);
}

export function hasVideo(episode: Episode): boolean {
  return (episode.sources?.length ?? 0) > 0;
}

/** The episode after this one that can be played. */
export function episodeAfter(episodes: Episode[], ordinal: number): Episode | null {
  return episodes.find((episode) => episode.ordinal > ordinal && hasVideo(episode)) ?? null;
}

/** A frame of the episode, when the catalogue has one. */
export function previewURL(episode: Episode | null | undefined): string | null {
  return episode?.preview ?? null;
}
