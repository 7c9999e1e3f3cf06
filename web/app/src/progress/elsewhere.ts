import type { Progress } from '../../../sdk/anihub.js';
import type { Continue, EpisodeProgress, TitleProgress } from '../api/schema.gen';
import { patchQuery, refetchShown } from '../query';
import { continueKey } from './sync';

// What the viewer does on other devices, as the server tells it. It goes into the
// answers that were asked for, and from there the way that these go.

const places = 'me:progress:';

export function placesKey(titleId: number): string {
  return places + titleId;
}

/** Something was watched: here, which is no news, or on another device. */
export function tellProgress({ data }: Progress): void {
  const { title_id, episodes } = data;
  if (title_id === null) {
    missedProgress();
    return;
  }
  patchQuery<TitleProgress>(placesKey(title_id), (known) => ({
    ...known,
    data: withTold(known.data, episodes),
  }));
  let follows = false;
  patchQuery<Continue[]>(continueKey, (known) => {
    const next = goneOn(known.data, title_id, episodes);
    follows = next !== null;
    return next ? { ...known, data: next } : known;
  });
  if (!follows) refetchShown((key) => key === continueKey);
}

/** Nobody knows what was watched meanwhile: what is shown of it is asked for again. */
export function missedProgress(): void {
  refetchShown((key) => key === continueKey || key.startsWith(places));
}

/** Of what an answer and a message say about an episode, the later holds. */
export function withTold(known: TitleProgress, told: EpisodeProgress[]): TitleProgress {
  const episodes = new Map(known.episodes.map((one) => [one.episode, one]));
  for (const one of told) {
    const before = episodes.get(one.episode);
    if (!before || before.updated_at <= one.updated_at) episodes.set(one.episode, one);
  }
  return { ...known, episodes: [...episodes.values()] };
}

/**
 * The row of what to go on with after a message: the same episode, further on. Null when
 * only the server knows what comes next, as after the end of an episode.
 */
export function goneOn(row: Continue[], titleId: number, told: EpisodeProgress[]): Continue[] | null {
  const entry = row.find(({ title_id }) => title_id === titleId);
  const [latest, ...others] = told;
  if (!entry || !latest || others.length > 0) return null;
  if (latest.watched || latest.episode !== entry.episode.ordinal) return null;
  if (latest.updated_at < entry.updated_at) return row;
  const moved = { ...entry, seconds: latest.seconds, updated_at: latest.updated_at };
  return [moved, ...row.filter((other) => other !== entry)];
}
