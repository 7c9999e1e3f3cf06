// @vitest-environment happy-dom
import { expect, test } from 'vitest';
import type { UnknownEntry } from '../api/schema.gen';
import { byReason, fileName, formatOf } from './transfer';

test.each([
  ['list.xml', '<?xml version="1.0"?>', 'mal'],
  ['list.json', '[{"target_title"', 'shikimori'],
  // What is inside says more than a name that somebody gave it.
  ['list.txt', '\uFEFF\n <myanimelist>', 'mal'],
  ['list.xml', ' [ ', 'shikimori'],
  // Packed, only the name is left.
  ['animelist.xml.gz', '\u001f\u008b\u0008', 'mal'],
  ['animes.JSON.gz', '\u001f\u008b\u0008', 'shikimori'],
  ['unknown', '', 'mal'],
])('%s that begins with %j is of %s', (name, beginning, want) => {
  expect(formatOf(name, beginning)).toBe(want);
});

test('what was left out is grouped, the largest group first', () => {
  const entry = (reason: UnknownEntry['reason'], title: string) => ({ reason, title }) as UnknownEntry;
  const all = [entry('bad_score', 'a'), entry('not_found', 'b'), entry('not_found', 'c')];
  expect(byReason(all).map(([reason, { length }]) => [reason, length])).toEqual([
    ['not_found', 2],
    ['bad_score', 1],
  ]);
  expect(byReason([])).toEqual([]);
});

test('takes the name the server gives a file', () => {
  expect(fileName('attachment; filename="anihub-2026.xml"')).toBe('anihub-2026.xml');
  expect(fileName('attachment; filename=a.json')).toBe('a.json');
  expect(fileName('attachment')).toBeNull();
  expect(fileName(null)).toBeNull();
});
