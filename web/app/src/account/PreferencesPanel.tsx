import { useState } from 'react';
import { toApiError } from '../api/error';
import type { Subscription } from '../api/types';
import { batch, titlePath } from '../catalog';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { tell } from '../live/notes';
import { useQuery } from '../query';
import { Link } from '../router';
import { type Preference, prefer, useSubscriptions } from '../subscriptions';
import { reasonOf } from '../ui/States';

const qualities = ['480p', '720p', '1080p'] as const;
const channels = ['push', 'webhook', 'feed'] as const;
// As many as one request may ask for.
const atOnce = 50;

/** How to be told about each title; nothing when none is followed. */
export function PreferencesPanel() {
  const { lang, t } = useWords();
  const followed = useSubscriptions().answer?.data.slice(0, atOnce) ?? [];
  const titles = useQuery(followed.length > 0 ? batch(followed.map(({ title_id }) => title_id)) : null);
  if (followed.length === 0) return null;
  const nameOf = (id: number) => {
    const title = titles.answer?.data.find((one) => one.id === id);
    return title ? mainName(lang, title.names) : fill(t.lists.unknown, { id });
  };
  return (
    <section className="panel form wide" aria-labelledby="preferences-title">
      <h3 id="preferences-title">{t.notify.preferences}</h3>
      <p className="panel-note">{t.notify.preferencesHint}</p>
      <ul className="preferences">
        {followed.map((entry) => (
          <PreferenceRow key={entry.title_id} entry={entry} name={nameOf(entry.title_id)} />
        ))}
      </ul>
    </section>
  );
}

function PreferenceRow({ entry, name }: { entry: Subscription; name: string }) {
  const { t } = useWords();
  const [busy, setBusy] = useState(false);
  const on = entry.channels ?? channels;
  async function save(change: Partial<Preference>) {
    setBusy(true);
    try {
      await prefer(entry.title_id, { quality: entry.quality, channels: entry.channels, ...change });
    } catch (cause) {
      const failure = toApiError(cause);
      tell({ failed: true, text: (words) => reasonOf(failure, words.t.state) });
    } finally {
      setBusy(false);
    }
  }
  function toggle(channel: (typeof channels)[number]) {
    const next = channels.filter((one) => on.includes(one) !== (one === channel));
    void save({ channels: next.length === channels.length ? null : next });
  }
  return (
    <li className="preference">
      <Link to={titlePath(entry.title_id)}>{name}</Link>
      <span className="chips">
        {channels.map((channel) => (
          <button
            key={channel}
            type="button"
            className="chip"
            disabled={busy}
            aria-pressed={on.includes(channel)}
            aria-label={fill(t.notify.channelOf, { channel: t.notify.channels[channel], title: name })}
            onClick={() => toggle(channel)}
          >
            {t.notify.channels[channel]}
          </button>
        ))}
      </span>
      <select
        value={entry.quality ?? ''}
        disabled={busy}
        aria-label={fill(t.notify.qualityOf, { title: name })}
        onChange={(event) => void save({ quality: (event.target.value || null) as Preference['quality'] })}
      >
        <option value="">{t.notify.anyQuality}</option>
        {qualities.map((quality) => (
          <option key={quality} value={quality}>
            {fill(t.notify.fromQuality, { quality })}
          </option>
        ))}
      </select>
    </li>
  );
}
