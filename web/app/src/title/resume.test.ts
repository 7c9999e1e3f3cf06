// @vitest-environment happy-dom
import { beforeEach, expect, test } from 'vitest';
import type { Title } from '../api/types';
import { clearBook, progressOf, saveProgress } from '../progress/book';
import { resumeAt } from './resume';

const episode = (ordinal: number, video = true) => ({ ordinal, sources: video ? [{}] : [] });
const title = {
  id: 7,
  player: { episodes: { a: episode(1, false), b: episode(2), c: episode(3), d: episode(4) } },
} as unknown as Title;

function watch(ordinal: number, seconds: number) {
  const names = { ru: 'Соль', en: null, alternative: null };
  saveProgress({ id: 7, names, poster: null, episode: ordinal, seconds, duration: 1400 });
}

beforeEach(clearBook);

test.each([
  ['nothing', [], 2, 0],
  ['a part', [[3, 600]], 3, 600],
  ['the beginning', [[3, 5]], 3, 0],
  ['an episode', [[3, 1390]], 4, 0],
  ['the last episode', [[4, 1390]], 2, 0],
  ['an episode that is gone', [[9, 600]], 2, 0],
])('after %s', (_, watched, ordinal, seconds) => {
  for (const [n, at] of watched as [number, number][]) watch(n, at);
  const next = resumeAt(title, progressOf(7));
  expect([next.episode?.ordinal, next.seconds]).toEqual([ordinal, seconds]);
});
