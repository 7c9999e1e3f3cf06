import { useEffect, useState } from 'react';
import { type ApiError, toApiError } from '../api/error';
import { useWords } from '../i18n';
import { reasonOf } from '../ui/States';
import { type PushState, pushState, turnOff, turnOn } from './push';

/** The switch for notifications of this browser, with what each state means. */
export function PushPanel({ userId }: { userId: string }) {
  const { t } = useWords();
  const [state, setState] = useState<PushState | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    let wanted = true;
    void pushState(userId)
      .catch((): PushState => 'unsupported')
      .then((now) => wanted && setState(now));
    return () => {
      wanted = false;
    };
  }, [userId]);

  async function toggle() {
    setBusy(true);
    setError(null);
    try {
      setState(await (state === 'on' ? turnOff() : turnOn(userId)));
    } catch (cause) {
      setError(toApiError(cause));
    } finally {
      setBusy(false);
    }
  }

  const able = state === 'on' || state === 'off';
  return (
    <section className="panel form" aria-labelledby="push-title">
      <h3 id="push-title">{t.notify.push}</h3>
      <label className="check">
        <input
          type="checkbox"
          checked={state === 'on'}
          disabled={!able || busy}
          aria-describedby="push-note"
          onChange={() => void toggle()}
        />
        {t.notify.pushSwitch}
      </label>
      <p id="push-note" className="panel-note" role="status">
        {state ? t.notify.pushState[state] : null}
      </p>
      <p role="alert" className="form-wrong">
        {error ? pushFailure(error, t.notify.pushFailed, reasonOf(error, t.state)) : null}
      </p>
    </section>
  );
}

// What a browser throws has no code of ours: its push service cannot be reached.
function pushFailure(error: ApiError, failed: string, reason: string): string {
  return error.status === 0 ? failed : reason;
}
