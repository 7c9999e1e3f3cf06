import type { Freshness } from './api/types';

/** Which of the answers now on the screen are older than they should be. */
class FreshnessBoard {
  private readonly stale = new Map<string, string | null>();
  private readonly listeners = new Set<() => void>();
  private oldest: string | null | undefined;

  /** Undefined when all is fresh; null when nobody knows since when. */
  readonly snapshot = (): string | null | undefined => this.oldest;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Notes an answer's age; the returned function takes the note away again. */
  report(key: string, age: Freshness | undefined): () => void {
    if (age?.stale) this.stale.set(key, age.stored_at ?? null);
    else this.stale.delete(key);
    this.publish();
    return () => {
      this.stale.delete(key);
      this.publish();
    };
  }

  private publish(): void {
    const dates = [...this.stale.values()].filter((date) => date !== null).sort();
    const next = this.stale.size === 0 ? undefined : (dates[0] ?? null);
    if (next === this.oldest) return;
    this.oldest = next;
    for (const listener of this.listeners) listener();
  }
}

export const freshness = new FreshnessBoard();
