import { useSyncExternalStore } from 'react';
import type { Names } from '../api/types';
import { keep, onForeignChange, recall, recallJSON } from '../memory';

// Where the viewer stopped, on this device. A guest has nothing else; for
// somebody signed in it is what the player goes by, online or not, and every
// entry is also put into the outbox.

export interface EpisodeProgress {
  seconds: number;
  duration: number;
  watched: boolean;
  /** When, in milliseconds; absent in books of before there were accounts. */
  at?: number;
  /** It came from another device. */
  elsewhere?: true;
}

export interface TitleProgress {
  id: number;
  names: Names;
  poster: string | null;
  /** The ordinal played last. */
  episode: number;
  at: number;
  episodes: Record<string, EpisodeProgress>;
}

type Book = Record<string, TitleProgress>;

/** What the server should hear of: a place, or that an episode was watched. */
export interface ProgressEdit {
  title_id: number;
  episode: number;
  at: number;
  seconds?: number;
  watched?: true;
}

const remembered = 60;
const editListeners = new Set<(edits: ProgressEdit[]) => void>();
const listeners = new Set<() => void>();
let book = recallJSON<Book>('progress', {});

onForeignChange('progress', () => {
  book = recallJSON<Book>('progress', {});
  notify();
});

function notify(): void {
  for (const listener of listeners) listener();
}

function write(next: Book): void {
  const newest = Object.values(next).sort((a, b) => b.at - a.at);
  book = Object.fromEntries(newest.slice(0, remembered).map((entry) => [entry.id, entry]));
  keep('progress', JSON.stringify(book));
  notify();
}

export type Moment = Pick<TitleProgress, 'id' | 'names' | 'poster' | 'episode'> & {
  seconds: number;
  duration: number;
};

/** Nobody watches credits to the last frame: nine tenths count as watched. */
export function isWatched(seconds: number, duration: number): boolean {
  return duration > 0 && seconds / duration >= 0.9;
}

export function saveProgress({ seconds, duration, ...title }: Moment, now = Date.now()): void {
  const before = book[title.id]?.episodes ?? {};
  const known = before[title.episode]?.watched === true;
  const watched = isWatched(seconds, duration) || known;
  const episodes = { ...before, [title.episode]: { seconds, duration, watched, at: now } };
  write({ ...book, [title.id]: { ...title, at: now, episodes } });
  const of = { title_id: title.id, episode: title.episode, at: now };
  tellEdits(
    watched && !known
      ? [
          { ...of, seconds },
          { ...of, watched },
        ]
      : [{ ...of, seconds }],
  );
}

/** Everything in the book as edits, with the times at which it was watched. */
export function bookEdits(): ProgressEdit[] {
  return Object.values(book).flatMap((title) =>
    Object.entries(title.episodes).flatMap(([episode, { seconds, watched, at = title.at }]) => {
      const of = { title_id: title.id, episode: Number(episode), at };
      return watched
        ? [
            { ...of, seconds },
            { ...of, watched: true as const },
          ]
        : [{ ...of, seconds }];
    }),
  );
}

/** Runs with every edit that is made here. */
export function onEdits(listener: (edits: ProgressEdit[]) => void): void {
  editListeners.add(listener);
}

function tellEdits(edits: ProgressEdit[]): void {
  for (const listener of editListeners) listener(edits);
}

/** What another device, by way of the server, knows of an episode. */
export interface RemoteEpisode {
  episode: number;
  seconds: number;
  watched: boolean;
  at: number;
  duration: number;
}

/** Takes over what is newer elsewhere; of what is older, only that it was watched. */
export function absorb(title: Pick<TitleProgress, 'id' | 'names' | 'poster'>, remote: RemoteEpisode[]): void {
  const before = book[title.id];
  const episodes = { ...before?.episodes };
  let latest = { at: before?.at ?? 0, episode: before?.episode ?? 0 };
  for (const { episode, seconds, watched, at, duration } of remote) {
    const known = episodes[episode];
    const newer = at > (known?.at ?? before?.at ?? 0) || !known;
    const next = {
      seconds,
      watched,
      at,
      duration: duration || known?.duration || 0,
      elsewhere: true as const,
    };
    if (newer) episodes[episode] = next;
    else episodes[episode] = { ...known, watched: known.watched || watched };
    if (at > latest.at) latest = { at, episode };
  }
  if (latest.at === 0) return;
  write({ ...book, [title.id]: { ...title, ...latest, episodes } });
}

/** Whose book it is; null is a guest's. */
export function bookOwner(): string | null {
  return recall('progress-owner');
}

export function setBookOwner(id: string | null): void {
  keep('progress-owner', id);
}

export function clearBook(): void {
  write({});
}

export function forgetProgress(id: number): void {
  const { [id]: _, ...rest } = book;
  write(rest);
}

export function progressOf(id: number): TitleProgress | undefined {
  return book[id];
}

/** Seconds to continue at; zero when the episode is new or seen to the end. */
export function resumePoint(id: number, episode: number): number {
  const known = book[id]?.episodes[episode];
  if (!known || isWatched(known.seconds, known.duration) || known.seconds < 10) return 0;
  // Of an episode whose length is not known here, a mark says that it is over.
  if (known.watched && known.duration === 0) return 0;
  return known.seconds;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useProgress(): Book {
  return useSyncExternalStore(subscribe, () => book);
}
