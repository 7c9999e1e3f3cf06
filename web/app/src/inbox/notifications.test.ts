import { expect, test } from 'vitest';
import type { NewEpisode } from '../../../sdk/anihub.js';
import {
  byDay,
  type Inbox,
  type Notification,
  unreadOf,
  withAllRead,
  withPushed,
  withRead,
} from './notifications';

function note(event_id: string, more: Partial<Notification> = {}): Notification {
  const at = '2026-11-26T10:00:00Z';
  const none = { poster: null, new_status: null, reason: null };
  const of = { title_id: 7, episode: 3, title: 'Соль', at, read: false, ...none };
  return { event_id, position: `e:${event_id}`, type: 'new_episode', ...of, ...more };
}

function inbox(data: Notification[], unread?: number): Inbox {
  return { data, meta: unread === undefined ? undefined : ({ unread } as unknown as Inbox['meta']) };
}

const push: NewEpisode = {
  type: 'new_episode',
  event_id: '9',
  position: 'e:9',
  data: {
    title_id: 7,
    episode: 4,
    title: 'Соль',
    episode_name: null,
    poster: 'https://img.example/p.jpg',
    timestamp: '2026-11-26T10:00:00Z',
  },
};

test('the server counts what is on other pages too', () => {
  expect(unreadOf(inbox([note('1')], 12))).toBe(12);
  expect(unreadOf(inbox([note('1'), note('2', { read: true })]))).toBe(1);
  expect(unreadOf(undefined)).toBe(0);
});

test('an event comes first and is counted once', () => {
  const once = withPushed(inbox([note('1')], 3), push, 'now');
  expect(once.data.map(({ event_id }) => event_id)).toEqual(['9', '1']);
  expect(once.data[0]).toMatchObject({ title_id: 7, episode: 4, position: 'e:9', read: false, at: 'now' });
  expect(unreadOf(once)).toBe(4);
  expect(withPushed(once, push, 'later')).toBe(once);
});

test('reading one counts it once', () => {
  const once = withRead(inbox([note('1'), note('2')], 2), '1');
  expect(once.data.map(({ read }) => read)).toEqual([true, false]);
  expect(unreadOf(once)).toBe(1);
  expect(withRead(once, '1')).toBe(once);
  expect(withRead(once, 'unknown')).toBe(once);
});

test('reading all leaves none, however many pages there are', () => {
  const all = withAllRead(inbox([note('1'), note('2')], 70));
  expect(unreadOf(all)).toBe(0);
  expect(all.data.every(({ read }) => read)).toBe(true);
});

test('groups by the days of the viewer', () => {
  const now = new Date(2026, 10, 26, 0, 30);
  const at = (day: number, hour: number) => new Date(2026, 10, day, hour, 15).toISOString();
  const items = [
    note('4', { at: at(26, 0) }),
    note('3', { at: at(25, 23) }),
    note('2', { at: at(25, 1) }),
    note('1', { at: at(20, 12) }),
  ];
  const days = byDay(items, now);
  expect(days.map(({ daysAgo, items }) => [daysAgo, items.map(({ event_id }) => event_id)])).toEqual([
    [0, ['4']],
    [1, ['3', '2']],
    [6, ['1']],
  ]);
  expect(byDay([], now)).toEqual([]);
});
