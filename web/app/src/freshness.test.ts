import { expect, test } from 'vitest';
import { freshness } from './freshness';

test('tells the oldest of what is shown, and nothing when all is fresh', () => {
  expect(freshness.snapshot()).toBeUndefined();
  const hideA = freshness.report('a', { stale: true, stored_at: '2026-11-26T10:00:00Z' });
  const hideB = freshness.report('b', { stale: true, stored_at: '2026-11-25T10:00:00Z' });
  freshness.report('c', { stale: false, stored_at: '2026-11-20T10:00:00Z' });
  expect(freshness.snapshot()).toBe('2026-11-25T10:00:00Z');
  hideB();
  expect(freshness.snapshot()).toBe('2026-11-26T10:00:00Z');
  freshness.report('a', { stale: false });
  expect(freshness.snapshot()).toBeUndefined();
  hideA();
});

test('old data of unknown age is still old', () => {
  const hide = freshness.report('a', { stale: true });
  expect(freshness.snapshot()).toBeNull();
  hide();
  expect(freshness.snapshot()).toBeUndefined();
});
