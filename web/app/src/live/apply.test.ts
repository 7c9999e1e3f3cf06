import { expect, test } from 'vitest';
import type { EpisodeData } from '../../../sdk/anihub.js';
import type { Envelope, ShortTitle } from '../api/types';
import { eventNames, withNewEpisode } from './apply';

function title(id: number, current: number): ShortTitle {
  return { id, names: { ru: `№${id}`, en: `No ${id}` }, episodes: { total: 12, current } } as ShortTitle;
}

const event: EpisodeData = {
  title_id: 2,
  episode: 8,
  title: 'Соль',
  episode_name: 'Берег',
  poster: 'https://img.example/p.jpg',
  timestamp: '2026-11-26T10:00:00Z',
};

function row(...titles: ShortTitle[]): Envelope<ShortTitle[]> {
  return { data: titles };
}

test('a known title moves to the head and keeps what is known of it', () => {
  const { data } = withNewEpisode(row(title(1, 3), title(2, 7)), event);
  expect(data.map(({ id }) => id)).toEqual([2, 1]);
  expect(data[0]).toMatchObject({
    names: { en: 'No 2' },
    episodes: { total: 12, current: 8 },
    latest_episode: { ordinal: 8, name: 'Берег' },
    fresh_at: event.timestamp,
  });
});

test('an unknown title is drawn from the event', () => {
  const { data } = withNewEpisode(row(title(1, 3)), event);
  expect(data[0]).toMatchObject({ id: 2, names: { ru: 'Соль' }, poster: { small: event.poster } });
});

test('the same event again changes nothing', () => {
  const once = withNewEpisode(row(title(1, 3), title(2, 7)), event);
  expect(withNewEpisode(once, event)).toEqual(once);
});

test('an older episode that appears late does not lower the count', () => {
  const { data } = withNewEpisode(row(title(2, 9)), event);
  expect(data[0]?.episodes?.current).toBe(9);
});

test('names come plain or in several', () => {
  expect(eventNames({ ru: 'а', en: 'b' })).toEqual({ ru: 'а', en: 'b', alternative: null });
  expect(eventNames('а')).toEqual({ ru: 'а', en: null, alternative: null });
  expect(eventNames(null)).toEqual({ ru: null, en: null, alternative: null });
});
