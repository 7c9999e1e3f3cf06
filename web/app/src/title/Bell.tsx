import { useState } from 'react';
import { useWords } from '../i18n';
import { navigate } from '../router';
import { setSubscribed, useSession, useSubscriptions } from '../subscriptions';
import { Icon } from '../ui/Icon';

/** Follows a title, or stops. A guest is taken to the sign-in and back. */
export function Bell({ id }: { id: number }) {
  const { t } = useWords();
  const signedIn = useSession().status === 'user';
  const followed = useSubscriptions().answer?.data;
  const [failed, setFailed] = useState(false);
  const on = followed?.some((entry) => entry.title_id === id) ?? false;

  async function toggle() {
    if (!signedIn) {
      navigate(`/sign-in?${new URLSearchParams({ back: `/title/${id}` })}`);
      return;
    }
    setFailed(false);
    await setSubscribed(id, !on).catch(() => setFailed(true));
  }

  return (
    <span className="bell">
      <button
        type="button"
        className={on ? 'button large bell-on' : 'button large'}
        aria-pressed={signedIn ? on : undefined}
        disabled={signedIn && followed === undefined}
        title={signedIn ? t.title.bellHint : t.title.bellGuest}
        onClick={toggle}
      >
        <Icon name={on ? 'bellOn' : 'bell'} />
        {on ? t.title.bellOff : t.title.bellOn}
      </button>
      <span role="status" className="bell-failed">
        {failed ? t.title.bellFailed : null}
      </span>
    </span>
  );
}
