import { api } from './api';
import type { ScheduleDay, ShortTitle, Title } from './api/types';
import type { Query } from './query';

// What the pages ask the catalogue for. public/boot.js asks for the first
// screen's answers by the same addresses.

const base = '/api/anilibria/v2';

function ask<T>(key: string, path: string): Query<T> {
  return { key, load: () => api<T>(base + path) };
}

export const updatesKey = 'updates';
export const updates = ask<ShortTitle[]>(updatesKey, '/updates?limit=12');
export const ongoing = ask<ShortTitle[]>(
  'ongoing',
  '/titles?status=ongoing&sort=popularity&order=desc&limit=12',
);
export const popular = ask<ShortTitle[]>('popular', '/popular?limit=10');
export const schedule = ask<ScheduleDay[]>('schedule', '/schedule');

export function titleKey(id: number): string {
  return `title:${id}`;
}

export function titleById(id: number): Query<Title> {
  return ask(titleKey(id), `/titles/${id}`);
}

export function recommended(id: number): Query<ShortTitle[]> {
  return ask(`recommended:${id}`, `/titles/${id}/recommended?limit=16`);
}

export function list(query: string): Query<ShortTitle[]> {
  return ask(`list:${query}`, `/titles?${query}`);
}

export function search(text: string): Query<ShortTitle[]> {
  return ask(`search:${text}`, `/search?${new URLSearchParams({ q: text, limit: '6' })}`);
}

export function batch(ids: number[]): Query<ShortTitle[]> {
  return ask(`batch:${ids.join()}`, `/titles/batch?ids=${ids.join()}`);
}

export async function randomTitle(): Promise<ShortTitle> {
  const { data } = await api<ShortTitle | ShortTitle[]>(`${base}/random`);
  const title = Array.isArray(data) ? data[0] : data;
  if (!title) throw new Error('an empty catalogue has no random title');
  return title;
}

export function titlePath(id: number, episode?: number | null): string {
  return episode === undefined || episode === null ? `/title/${id}` : `/title/${id}?ep=${episode}`;
}

/** Opens the title and begins to play. */
export function watchPath(id: number, episode: number | null): string {
  return episode === null ? `/title/${id}?play=1` : `/title/${id}?ep=${episode}&play=1`;
}
