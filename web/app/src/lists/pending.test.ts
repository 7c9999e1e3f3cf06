import { expect, test } from 'vitest';
import { blank, type Edit, type Entry } from './entries';
import { Pending } from './pending';

const put = (status: Entry['status'], score: number | null = null): Edit => ({
  kind: 'put',
  status: status ?? 'planned',
  score,
});
const love: Edit = { kind: 'favorite', on: true };
const saying = ({ status, score, favorite }: Entry) => ({ status, score, favorite });

test('an edit that is refused is taken back to what the server said', () => {
  const pending = new Pending();
  const before: Entry = { ...blank(7, null), status: 'watching', score: 6 };
  const change = put('abandoned', 2);
  const shown = pending.begin(before, change);
  expect(saying(shown)).toEqual({ status: 'abandoned', score: 2, favorite: false });
  expect(pending.dropped(shown, change)).toEqual(before);
});

test('a refusal takes back only its own edit', () => {
  const pending = new Pending();
  const first = put('watching');
  let shown = pending.begin(blank(7, null), first);
  shown = pending.begin(shown, love);
  shown = pending.dropped(shown, first);
  expect(saying(shown)).toEqual({ status: null, score: null, favorite: true });
  shown = pending.saved(shown, love);
  expect(saying(shown)).toEqual({ status: null, score: null, favorite: true });
});

test('what was saved is what a later refusal falls back to', () => {
  const pending = new Pending();
  const [first, second] = [put('planned'), put('watching')];
  let shown = pending.begin(blank(7, null), first);
  shown = pending.begin(shown, second);
  shown = pending.saved(shown, first);
  expect(shown.status).toBe('watching');
  expect(pending.dropped(shown, second).status).toBe('planned');
});

test('an edit need not be sent when a later one says the same thing anew', () => {
  const pending = new Pending();
  const [first, second] = [put('planned'), put('watching', 8)];
  let shown = pending.begin(blank(7, null), first);
  expect(pending.superseded(7, first)).toBe(false);
  shown = pending.begin(shown, love);
  expect(pending.superseded(7, first)).toBe(false);
  shown = pending.begin(shown, second);
  expect(pending.superseded(7, first)).toBe(true);
  expect(pending.superseded(7, love)).toBe(false);
  shown = pending.dropped(shown, first);
  expect(saying(shown)).toEqual({ status: 'watching', score: 8, favorite: true });
});

test('an answer that does not know of an edit yet is shown with it', () => {
  const pending = new Pending();
  const known: Entry = { ...blank(7, null), status: 'watching' };
  const other: Entry = { ...blank(8, null), status: 'planned' };
  const [change, removal] = [put('watched', 10), { kind: 'remove' } as Edit];
  pending.begin(known, change);
  pending.begin(other, removal);
  const fresh = pending.over([known, other, { ...blank(9, null), favorite: true }]);
  expect(fresh.map(({ title_id }) => title_id)).toEqual([7, 9]);
  expect(fresh[0]).toMatchObject({ status: 'watched', score: 10 });
  expect(pending.dropped(fresh[0] as Entry, change)).toEqual(known);
});
