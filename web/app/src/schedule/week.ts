import type { ScheduleDay, ScheduledTitle } from '../api/types';
import { parseTime, weekday } from '../format';

export interface Airing {
  title: ScheduledTitle;
  episode: number | null;
  at: Date | null;
}

// A moment that is less sure than this is no better than the day alone.
const LIKELY = 0.3;

/** The next episode, and the moment it is likely to come out. */
export function nextEpisode(title: ScheduledTitle): { episode: number | null; at: Date | null } {
  const { expected } = title;
  const at = expected && expected.confidence >= LIKELY ? parseTime(expected.at) : null;
  return { episode: title.next_episode, at };
}

/**
 * Seven lists, Monday first, by the viewer's clock: an episode whose moment is
 * known moves to the day it has here, the others keep the day they are given.
 */
export function localWeek(days: ScheduleDay[]): Airing[][] {
  const week: Airing[][] = Array.from({ length: 7 }, () => []);
  for (const { day, titles } of days) {
    for (const title of titles) {
      const { episode, at } = nextEpisode(title);
      week[(at ? weekday(at) : day) - 1]?.push({ title, episode, at });
    }
  }
  for (const day of week) day.sort((a, b) => timeRank(a) - timeRank(b));
  return week;
}

// By the clock; what has no time stays behind, in the order it came.
function timeRank({ at }: Airing): number {
  return at ? at.getHours() * 60 + at.getMinutes() : 24 * 60;
}
