import type { EpisodeData } from '../../../sdk/anihub.js';
import type { Envelope, Names, PosterSet, ShortTitle } from '../api/types';

/** The names in an event: a plain string, or, in an inbox, one per language. */
export function eventNames(title: string | { ru?: string | null; en?: string | null } | null): Names {
  if (title && typeof title === 'object')
    return { ru: title.ru ?? null, en: title.en ?? null, alternative: null };
  return { ru: title, en: null, alternative: null };
}

export function eventPoster(poster: string | null): PosterSet {
  return { small: poster, medium: poster, large: poster };
}

/** Stands for a title of which nothing but this is known. */
export function unknownTitle(id: number, names: Names, poster: PosterSet): ShortTitle {
  return {
    id,
    code: '',
    names,
    description: null,
    type: null,
    status: 'ongoing',
    genres: [],
    year: null,
    season: null,
    weekday: null,
    age_rating: null,
    episodes: { total: null, current: 0 },
    poster,
    rating: null,
    popularity: 0,
    fresh_at: null,
    updated_at: null,
    blocked: false,
    expected: null,
  };
}

function drawn(event: EpisodeData): ShortTitle {
  return unknownTitle(event.title_id, eventNames(event.title), eventPoster(event.poster));
}

/** Puts the title of a new episode at the head of the row, once. */
export function withNewEpisode(row: Envelope<ShortTitle[]>, event: EpisodeData): Envelope<ShortTitle[]> {
  const known = row.data.find((title) => title.id === event.title_id) ?? drawn(event);
  const ordinal = Number(event.episode);
  const title: ShortTitle = {
    ...known,
    episodes: {
      total: known.episodes.total,
      current: Math.max(known.episodes.current, ordinal),
    },
    latest_episode: { ordinal, name: event.episode_name ?? null },
    fresh_at: String(event.timestamp ?? ''),
  };
  const others = row.data.filter((entry) => entry.id !== title.id);
  return { ...row, data: [title, ...others].slice(0, Math.max(row.data.length, 12)) };
}
