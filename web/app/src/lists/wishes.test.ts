// @vitest-environment happy-dom
import { beforeEach, expect, test } from 'vitest';
import type { ShortTitle } from '../api/types';
import { blank, type Edit } from './entries';
import { granted, wish, wishes } from './wishes';

const title = (id: number) => ({ id, names: { ru: `№${id}`, en: null, alternative: null } }) as ShortTitle;
const planned: Edit = { kind: 'put', status: 'planned', score: null };
const watching: Edit = { kind: 'put', status: 'watching', score: null };
const love: Edit = { kind: 'favorite', on: true };

beforeEach(() => {
  localStorage.clear();
});

test('the later wish for the same thing counts', () => {
  wish(title(7), planned);
  wish(title(7), love);
  wish(title(7), watching);
  wish(title(8), planned);
  expect(wishes().map(({ title: { id }, edit }) => [id, edit])).toEqual([
    [8, planned],
    [7, watching],
    [7, love],
  ]);
});

test('a wish is forgotten after a day, and keeps no more of a title than its card', () => {
  wish({ ...title(7), description: 'long', player: { episodes: {} } } as ShortTitle, love, 1000);
  expect(wishes(1000)[0]?.title).toEqual({ ...title(7), description: null });
  expect(wishes(1000 + 23 * 3_600_000)).toHaveLength(1);
  expect(wishes(1000 + 24 * 3_600_000)).toHaveLength(0);
});

test('a wish does not undo what was on the lists before', () => {
  const at = 0;
  const had = { ...blank(7, null), status: 'watched' as const, score: 9 };
  expect(granted(had, { title: title(7), edit: planned, at })).toBeNull();
  expect(granted(had, { title: title(7), edit: love, at })).toEqual(love);
  expect(granted({ ...had, favorite: true }, { title: title(7), edit: love, at })).toBeNull();
  expect(granted({ ...blank(7, null), favorite: true }, { title: title(7), edit: planned, at })).toEqual(
    planned,
  );
  expect(granted(undefined, { title: title(7), edit: planned, at })).toEqual(planned);
});
