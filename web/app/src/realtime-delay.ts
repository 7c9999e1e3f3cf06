const base = 500;
const ceiling = 30_000;

/**
 * Exponential backoff with full jitter: anywhere between nothing and the
 * ceiling of this attempt, so that the viewers of a restarted server do not
 * all return in the same second.
 */
export function backoff(attempt: number, random: () => number): number {
  return Math.round(random() * Math.min(ceiling, base * 2 ** Math.min(attempt, 10)));
}

/** `retry_in_ms` out of a reconnect frame's data, or of a close reason's JSON. */
export function plannedDelay(source: unknown): number | null {
  let value = source;
  if (typeof source === 'string') {
    try {
      value = JSON.parse(source);
    } catch {
      return null;
    }
  }
  const ms = (value as { retry_in_ms?: unknown } | null)?.retry_in_ms;
  return typeof ms === 'number' && ms >= 0 ? ms : null;
}
