import { expect, test } from 'vitest';
import type { Freshness } from './api/types';
import { freshness } from './freshness';

function age(stale: boolean, stored_at: string | null = null): Freshness {
  return { level: 'l1', stored_at, fresh_until: null, stale, reason: stale ? 'expired' : null };
}

test('tells the oldest of what is shown, and nothing when all is fresh', () => {
  expect(freshness.snapshot()).toBeUndefined();
  const hideA = freshness.report('a', age(true, '2026-11-26T10:00:00Z'));
  const hideB = freshness.report('b', age(true, '2026-11-25T10:00:00Z'));
  freshness.report('c', age(false, '2026-11-20T10:00:00Z'));
  expect(freshness.snapshot()).toBe('2026-11-25T10:00:00Z');
  hideB();
  expect(freshness.snapshot()).toBe('2026-11-26T10:00:00Z');
  freshness.report('a', age(false));
  expect(freshness.snapshot()).toBeUndefined();
  hideA();
});

test('old data of unknown age is still old', () => {
  const hide = freshness.report('a', age(true));
  expect(freshness.snapshot()).toBeNull();
  hide();
  expect(freshness.snapshot()).toBeUndefined();
});
