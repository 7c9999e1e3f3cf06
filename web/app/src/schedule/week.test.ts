import { expect, test } from 'vitest';
import type { ScheduledTitle } from '../api/types';
import { localWeek, nextEpisode } from './week';

function title(id: number, episode: number | null = null, at?: Date, confidence = 0.8): ScheduledTitle {
  const expected = at ? { at: at.toISOString(), confidence } : null;
  return { id, next_episode: episode, expected } as ScheduledTitle;
}

test('titles keep the day they are given', () => {
  const week = localWeek([
    { day: 1, titles: [title(1), title(2)] },
    { day: 7, titles: [title(3)] },
  ]);
  expect(week.map((day) => day.map((airing) => airing.title.id))).toEqual([[1, 2], [], [], [], [], [], [3]]);
});

test('a known moment moves the title to the day it has here', () => {
  // Thursday, by the clock of whoever runs this.
  const at = new Date(2026, 10, 26, 1, 30);
  const week = localWeek([{ day: 3, titles: [title(1), title(2, 5, at)] }]);
  expect(week[2]?.map((airing) => airing.title.id)).toEqual([1]);
  expect(week[3]?.[0]).toMatchObject({ episode: 5, title: { id: 2 } });
});

test('a day runs by the clock, what has no time comes last', () => {
  const at = (hour: number) => new Date(2026, 10, 26, hour);
  const week = localWeek([{ day: 4, titles: [title(1), title(2, 1, at(22)), title(3, 1, at(9))] }]);
  expect(week[3]?.map((airing) => airing.title.id)).toEqual([3, 2, 1]);
});

test('days that do not exist are dropped', () => {
  expect(localWeek([{ day: 9, titles: [title(1)] }]).flat()).toEqual([]);
});

test('a moment that is hardly likely is not told', () => {
  const at = new Date(2026, 10, 26, 18);
  expect(nextEpisode(title(1, 13))).toEqual({ episode: 13, at: null });
  expect(nextEpisode(title(1, 13, at))).toEqual({ episode: 13, at });
  expect(nextEpisode(title(1, null, at, 0.2))).toEqual({ episode: null, at: null });
});
