import { expect, test } from 'vitest';
import { backoff, plannedDelay } from './realtime-delay';

test('jitter is full: from nothing to the ceiling of the attempt', () => {
  expect(backoff(3, () => 0)).toBe(0);
  expect(backoff(3, () => 0.5)).toBe(2000);
  expect(backoff(3, () => 1)).toBe(4000);
});

test('the ceiling holds however long the server is away', () => {
  expect(backoff(6, () => 1)).toBe(30_000);
  expect(backoff(5000, () => 1)).toBe(30_000);
});

test('reads the planned delay from data and from a close reason', () => {
  expect(plannedDelay({ retry_in_ms: 250 })).toBe(250);
  expect(plannedDelay('{"retry_in_ms":0}')).toBe(0);
  for (const other of [
    '',
    'going away',
    '{}',
    'null',
    null,
    undefined,
    { retry_in_ms: -1 },
    { retry_in_ms: '5' },
  ]) {
    expect(plannedDelay(other)).toBeNull();
  }
});
