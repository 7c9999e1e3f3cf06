import { useSyncExternalStore } from 'react';
import type { Names } from './api/types';
import { keep, onForeignChange, recallJSON } from './memory';

// Where the viewer stopped, on this device.

export interface EpisodeProgress {
  seconds: number;
  duration: number;
  watched: boolean;
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

const remembered = 60;
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
  const watched = isWatched(seconds, duration) || before[title.episode]?.watched === true;
  const episodes = { ...before, [title.episode]: { seconds, duration, watched } };
  write({ ...book, [title.id]: { ...title, at: now, episodes } });
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
  return known.seconds;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useProgress(): Book {
  return useSyncExternalStore(subscribe, () => book);
}
