import { useState } from 'react';
import { toApiError } from '../api/error';
import { ago, parseTime } from '../format';
import { fill, useWords } from '../i18n';
import { tell } from '../live/notes';
import { Failure, reasonOf } from '../ui/States';
import { useNow } from '../ui/useNow';
import { deviceName, endOtherSessions, endSession, type SessionInfo, useSessions } from './custody';

/** Where the viewer is signed in, and the way to end that elsewhere. */
export function Sessions() {
  const { t } = useWords();
  const { answer, error, retry } = useSessions();
  const [busy, setBusy] = useState(false);
  async function end(run: () => Promise<void>) {
    setBusy(true);
    try {
      await run();
      tell({ text: (words) => words.t.me.sessionEnded });
    } catch (cause) {
      const failure = toApiError(cause);
      const text = (words: ReturnType<typeof useWords>) =>
        `${words.t.me.sessionNotEnded} ${reasonOf(failure, words.t.state)}`;
      tell({ failed: true, text });
    } finally {
      setBusy(false);
    }
  }
  const others = answer?.data.filter(({ current }) => !current) ?? [];
  return (
    <section className="panel form" aria-labelledby="sessions-title">
      <h2 id="sessions-title">{t.me.sessions}</h2>
      {error && !answer ? <Failure error={error} retry={retry} /> : null}
      <ul className="sessions">
        {answer?.data
          .toSorted((a, b) => Number(b.current) - Number(a.current))
          .map((session) => (
            <SessionRow
              key={session.id}
              session={session}
              busy={busy}
              end={() => void end(() => endSession(session.id))}
            />
          ))}
      </ul>
      {others.length > 1 ? (
        <div className="form-row">
          <button type="button" className="button" disabled={busy} onClick={() => void end(endOtherSessions)}>
            {t.me.endOthers}
          </button>
        </div>
      ) : null}
    </section>
  );
}

function SessionRow({ session, busy, end }: { session: SessionInfo; busy: boolean; end: () => void }) {
  const { lang, t } = useWords();
  const now = useNow();
  const used = parseTime(session.used_at);
  const device = deviceName(session.device, t.me);
  return (
    <li className="session">
      <span className="session-text">
        <strong>{device}</strong>
        <span>
          {[session.address, used && !session.current ? ago(lang, used, now) : null]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </span>
      {session.current ? (
        <span className="status">{t.me.thisDevice}</span>
      ) : (
        <button
          type="button"
          className="button small"
          aria-label={fill(t.me.endSessionOf, { device })}
          disabled={busy}
          onClick={end}
        >
          {t.me.endSession}
        </button>
      )}
    </li>
  );
}
