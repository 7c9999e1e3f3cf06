import { expect, test } from 'vitest';
import type { ShortTitle } from '../api/types';
import { applyEdit, blank, type Entry, joined, onShelf, type Sorting, sorted, withEntry } from './entries';

const now = '2026-11-26T10:00:00.000Z';

function entry(id: number, more: Partial<Entry> = {}): Entry {
  return { ...blank(id, null), status: 'watching', ...more };
}

test('an edit changes what it speaks of and nothing else', () => {
  const loved = entry(1, { favorite: true, favorite_at: 'before', score: 7 });
  expect(applyEdit(loved, { kind: 'put', status: 'watched', score: 9 }, now)).toEqual({
    ...loved,
    status: 'watched',
    score: 9,
    updated_at: now,
  });
  expect(applyEdit(loved, { kind: 'remove' }, now)).toMatchObject({
    status: null,
    score: null,
    favorite: true,
  });
  expect(applyEdit(loved, { kind: 'favorite', on: false }, now)).toMatchObject({
    status: 'watching',
    score: 7,
    favorite: false,
    favorite_at: null,
  });
});

test('a changed entry stays in its place, a new one comes first, an emptied one goes', () => {
  const all = [entry(1), entry(2), entry(3)];
  const ids = (entries: Entry[]) => entries.map(({ title_id }) => title_id);
  expect(ids(withEntry(all, entry(2, { status: 'watched' })))).toEqual([1, 2, 3]);
  expect(ids(withEntry(all, entry(4)))).toEqual([4, 1, 2, 3]);
  expect(ids(withEntry(all, entry(2, { status: null })))).toEqual([1, 3]);
  expect(ids(withEntry(all, entry(2, { status: null, favorite: true })))).toEqual([1, 2, 3]);
  expect(withEntry(all, entry(9, { status: null }))).toBe(all);
});

test('a favourite that is on a list is one entry', () => {
  const both = entry(1, { favorite: true });
  const only = entry(2, { status: null, favorite: true });
  const all = joined([both, entry(3)], [both, only]);
  expect(all.map(({ title_id }) => title_id)).toEqual([1, 3, 2]);
  expect(onShelf(all, 'favorites').map(({ title_id }) => title_id)).toEqual([1, 2]);
  expect(onShelf(all, 'watching').map(({ title_id }) => title_id)).toEqual([1, 3]);
});

test.each<[Sorting, number[]]>([
  ['updated', [2, 1, 3]],
  ['name', [3, 1, 2]],
  ['score', [1, 2, 3]],
  ['rating', [3, 2, 1]],
  ['year', [2, 3, 1]],
])('sorts by %s, what has no value last', (by, want) => {
  const title = (rating: number | null, year: number | null) => ({ rating, year }) as ShortTitle;
  const all = [
    entry(1, { score: 9, updated_at: '2026-01-02T00:00:00Z', title: title(null, null) }),
    entry(2, { score: 5, updated_at: '2026-01-03T00:00:00Z', title: title(7, 2024) }),
    entry(3, { score: null, updated_at: null, title: title(8, 2020) }),
  ];
  const names = ['', 'Б', 'В', 'А'];
  const got = sorted(all, by, 'watching', ({ title_id }) => names[title_id] as string);
  expect(got.map(({ title_id }) => title_id)).toEqual(want);
});
