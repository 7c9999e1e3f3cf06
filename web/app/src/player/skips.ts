import type { Episode } from '../api/types';

export interface Skip {
  kind: 'opening' | 'ending';
  to: number;
}

/** What could be skipped at this second. The last moments are not worth a button. */
export function skipAt(skips: Episode['skips'], seconds: number): Skip | null {
  for (const kind of ['opening', 'ending'] as const) {
    const span = skips?.[kind];
    if (span && span.stop > span.start && seconds >= span.start && seconds < span.stop - 1) {
      return { kind, to: span.stop };
    }
  }
  return null;
}
