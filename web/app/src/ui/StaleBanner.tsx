import { useSyncExternalStore } from 'react';
import { dateAndTime, parseTime } from '../format';
import { freshness } from '../freshness';
import { fill, useWords } from '../i18n';
import { Icon } from './Icon';

/** Honest about old data: shown for as long as any of it is on the screen. */
export function StaleBanner() {
  const { lang, t } = useWords();
  const since = useSyncExternalStore(freshness.subscribe, freshness.snapshot);
  const when = parseTime(since);
  return (
    <div role="status">
      {since === undefined ? null : (
        <p className="stale">
          <Icon name="warn" size={18} />
          <span>{when ? fill(t.state.stale, { when: dateAndTime(lang, when) }) : t.state.staleUnknown}</span>
        </p>
      )}
    </div>
  );
}
