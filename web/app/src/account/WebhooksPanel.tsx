import { useState } from 'react';
import { toApiError } from '../api/error';
import type { NewsType } from '../api/schema.gen';
import { ago, parseTime } from '../format';
import { fill, useWords } from '../i18n';
import { tell } from '../live/notes';
import { CopyRow } from '../ui/CopyRow';
import { Failure, reasonOf } from '../ui/States';
import { useNow } from '../ui/useNow';
import { Field } from './Field';
import { FormEnd } from './NameForm';
import { useSubmit } from './useSubmit';
import {
  addWebhook,
  enableWebhook,
  type MadeWebhook,
  newsTypes,
  removeWebhook,
  useWebhooks,
  type Webhook,
} from './webhooks';

const most = 10;

/** Addresses of one's own that are told of the news. */
export function WebhooksPanel() {
  const { t } = useWords();
  const { answer, error, retry } = useWebhooks();
  const [made, setMade] = useState<MadeWebhook | null>(null);
  const all = answer?.data ?? [];
  return (
    <section className="panel form wide" aria-labelledby="webhooks-title">
      <h3 id="webhooks-title">{t.notify.webhooks}</h3>
      <p className="panel-note">{t.notify.webhooksHint}</p>
      {error && !answer ? <Failure error={error} retry={retry} /> : null}
      {made ? (
        <div className="secret" role="status">
          <p>{t.notify.secretOnce}</p>
          <CopyRow name={t.notify.secret} text={made.secret} />
        </div>
      ) : null}
      {all.length > 0 ? (
        <ul className="sessions">
          {all.map((webhook) => (
            <WebhookRow key={webhook.id} webhook={webhook} />
          ))}
        </ul>
      ) : null}
      {all.length < most ? <AddWebhook added={setMade} /> : <p>{fill(t.notify.enough, { n: most })}</p>}
    </section>
  );
}

function WebhookRow({ webhook }: { webhook: Webhook }) {
  const { t } = useWords();
  const [busy, setBusy] = useState(false);
  async function run(send: (id: string) => Promise<void>) {
    setBusy(true);
    try {
      await send(webhook.id);
    } catch (cause) {
      const failure = toApiError(cause);
      tell({ failed: true, text: (words) => reasonOf(failure, words.t.state) });
    } finally {
      setBusy(false);
    }
  }
  const types = webhook.types.length > 0 ? webhook.types : newsTypes;
  return (
    <li className="session webhook">
      <span className="session-text">
        <strong>{webhook.url}</strong>
        <span>{types.map((type) => t.notify.types[type]).join(', ')}</span>
        <Health webhook={webhook} />
      </span>
      <span className="webhook-buttons">
        {webhook.disabled ? (
          <button
            type="button"
            className="button small"
            disabled={busy}
            onClick={() => void run(enableWebhook)}
          >
            {t.notify.enable}
          </button>
        ) : null}
        <button
          type="button"
          className="button small"
          disabled={busy}
          aria-label={fill(t.notify.removeOf, { url: webhook.url })}
          onClick={() => void run(removeWebhook)}
        >
          {t.notify.remove}
        </button>
      </span>
    </li>
  );
}

function Health({ webhook }: { webhook: Webhook }) {
  const { lang, t, count } = useWords();
  const now = useNow();
  if (webhook.disabled) return <span className="form-wrong">{t.notify.disabled}</span>;
  if (webhook.failures === 0)
    return (
      <span>
        {webhook.delivered > 0
          ? fill(t.notify.delivered, { n: webhook.delivered })
          : t.notify.nothingDelivered}
      </span>
    );
  const next = parseTime(webhook.next_at);
  return (
    <span className="form-wrong">
      {fill(t.notify.failing, { n: count(webhook.failures, t.notify.failures) })}
      {next ? `, ${fill(t.notify.again, { when: ago(lang, next, now) })}` : null}
    </span>
  );
}

function AddWebhook({ added }: { added: (made: MadeWebhook) => void }) {
  const { t } = useWords();
  const [url, setUrl] = useState('');
  const [types, setTypes] = useState<NewsType[]>(['new_episode']);
  const submit = useSubmit(async () => {
    // All of them are no choice: what comes to be told one day is told, too.
    added(await addWebhook(url.trim(), types.length === newsTypes.length ? [] : types));
    setUrl('');
  });
  const bad = submit.error?.status === 422;
  return (
    <form className="form" onSubmit={submit.onSubmit}>
      <Field
        name="webhook"
        type="url"
        label={t.notify.address}
        value={url}
        required
        maxLength={2048}
        placeholder="https://"
        autoComplete="off"
        onChange={(value) => {
          setUrl(value);
          submit.reset();
        }}
        problem={bad ? t.notify.badAddress : undefined}
      />
      <fieldset className="checks">
        <legend>{t.notify.tellOf}</legend>
        {newsTypes.map((type) => (
          <label className="check" key={type}>
            <input
              type="checkbox"
              checked={types.includes(type)}
              // None would mean all of them.
              disabled={types.length === 1 && types.includes(type)}
              onChange={(event) =>
                setTypes(event.target.checked ? [...types, type] : types.filter((one) => one !== type))
              }
            />
            {t.notify.types[type]}
          </label>
        ))}
      </fieldset>
      <FormEnd submit={submit} label={t.notify.add} done={t.notify.added} silent={bad} />
    </form>
  );
}
