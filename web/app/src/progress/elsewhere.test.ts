// @vitest-environment happy-dom
import { describe, expect, test } from 'vitest';
import type { Continue, EpisodeProgress } from '../api/schema.gen';
import { goneOn, withTold } from './elsewhere';

function place(episode: number, seconds: number, minute: number, watched = false): EpisodeProgress {
  return { episode, seconds, watched, updated_at: `2026-11-26T10:${String(minute).padStart(2, '0')}:00Z` };
}

describe('the places of a title', () => {
  const known = { title_id: 7, updated_at: null, episodes: [place(1, 600, 10), place(2, 30, 20)] };

  test.each([
    ['a later place of an episode', [place(2, 90, 21)], [600, 90]],
    ['one of the same moment, as the server keeps it', [place(2, 31, 20)], [600, 31]],
    ['an episode that is new', [place(3, 5, 21)], [600, 30, 5]],
    ['an older place, which is late', [place(1, 10, 9)], [600, 30]],
    ['nothing', [], [600, 30]],
  ])('after %s', (_, told, seconds) => {
    expect(withTold(known, told).episodes.map((one) => one.seconds)).toEqual(seconds);
  });
});

describe('the row of what to go on with', () => {
  const entry = (title_id: number, ordinal: number, minute: number) =>
    ({ title_id, episode: { ordinal }, seconds: 60, updated_at: place(1, 0, minute).updated_at }) as Continue;
  const row = [entry(8, 1, 30), entry(7, 2, 20)];

  test('goes on with the same episode, which comes to the front', () => {
    const next = goneOn(row, 7, [place(2, 300, 40)]);
    expect(next?.map(({ title_id, seconds }) => [title_id, seconds])).toEqual([
      [7, 300],
      [8, 60],
    ]);
  });

  test('keeps what is later already', () => {
    expect(goneOn(row, 7, [place(2, 10, 19)])).toBe(row);
  });

  test.each([
    ['another episode', 7, [place(3, 10, 40)]],
    ['the end of an episode', 7, [place(2, 1400, 40, true)]],
    ['another title', 9, [place(1, 10, 40)]],
    ['several episodes', 7, [place(2, 300, 40), place(1, 10, 40)]],
    ['none', 7, []],
  ])('is asked for again after %s', (_, titleId, told) => {
    expect(goneOn(row, titleId, told)).toBeNull();
  });
});
