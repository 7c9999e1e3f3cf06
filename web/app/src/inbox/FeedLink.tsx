import { useState } from 'react';
import { api } from '../api';
import { type ApiError, toApiError } from '../api/error';
import { useWords } from '../i18n';
import { tell } from '../live/notes';
import { CopyRow } from '../ui/CopyRow';
import { reasonOf } from '../ui/States';
import { feedAddress, feedFormats } from './feed';

const path = '/api/users/feed-token';

/** The viewer's own feeds, behind an address that only they know and can take back. */
export function FeedLink() {
  const { t } = useWords();
  const [token, setToken] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);

  async function run(send: () => Promise<void>) {
    setBusy(true);
    setError(null);
    await send().catch((cause) => setError(toApiError(cause)));
    setBusy(false);
  }

  const create = () =>
    run(async () =>
      setToken((await api<{ token: string }>(path, { method: 'POST', auth: true })).data.token),
    );
  const revoke = () =>
    run(async () => {
      await api(path, { method: 'DELETE', auth: true });
      setToken(null);
      tell({ text: (words) => words.t.inbox.feedRevoked });
    });

  return (
    <section className="panel form feed" aria-labelledby="feed-title">
      <h2 id="feed-title">{t.inbox.feed}</h2>
      <p className="panel-note">{token ? t.inbox.feedOnce : t.inbox.feedHint}</p>
      {token ? (
        <ul className="feed-links">
          {feedFormats.map((format) => (
            <li key={format}>
              <CopyRow name={t.inbox.formats[format]} text={feedAddress(token, format)} />
            </li>
          ))}
        </ul>
      ) : null}
      <div className="form-row">
        <button type="button" className="button" disabled={busy} onClick={() => void create()}>
          {token ? t.inbox.feedAnew : t.inbox.feedCreate}
        </button>
        <button type="button" className="button quiet" disabled={busy} onClick={() => void revoke()}>
          {t.inbox.feedRevoke}
        </button>
      </div>
      <p role="alert" className="form-wrong">
        {error ? reasonOf(error, t.state) : null}
      </p>
    </section>
  );
}
