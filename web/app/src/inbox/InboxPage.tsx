import '../styles/account.css';
import '../styles/profile.css';
import '../styles/inbox.css';
import { useEffect, useState } from 'react';
import { toApiError } from '../api/error';
import { useWords } from '../i18n';
import { tell } from '../live/notes';
import { Link, navigate } from '../router';
import { useSession } from '../subscriptions';
import { usePageTitle } from '../ui/Header';
import { Icon } from '../ui/Icon';
import { Failure, NotFound, Notice, PageLoading, reasonOf } from '../ui/States';
import { useNow } from '../ui/useNow';
import { FeedLink } from './FeedLink';
import { markAllRead, olderThan, perPage, useInbox } from './inbox';
import { NotificationRow } from './NotificationRow';
import { byDay, type Day, type Notification, unreadOf } from './notifications';

/** What the viewer was told, by day. */
export default function InboxPage() {
  const { t } = useWords();
  const { status } = useSession();
  usePageTitle(t.inbox.title);
  useEffect(() => {
    if (status === 'guest') navigate('/sign-in?back=%2Fnotifications', { replace: true });
  }, [status]);
  if (status !== 'user') return <PageLoading />;
  return <Inbox />;
}

function Inbox() {
  const { t } = useWords();
  const { answer, error, retry } = useInbox();
  const [older, setOlder] = useState<Notification[]>([]);
  if (error?.status === 404 && !answer) return <NotFound />;
  if (error && !answer) return <Failure error={error} retry={retry} />;
  if (!answer) return <PageLoading />;
  const first = answer.data[0];
  const shown = new Set(answer.data.map(({ event_id }) => event_id));
  const all = [...answer.data, ...older.filter(({ event_id }) => !shown.has(event_id))];
  return (
    <div className="inbox">
      <header className="page-head inbox-head">
        <h1>{t.inbox.title}</h1>
        {first && unreadOf(answer) > 0 ? (
          <button
            type="button"
            className="button small"
            onClick={() => {
              setOlder(older.map((one) => ({ ...one, read: true })));
              void markAllRead(first.position);
            }}
          >
            <Icon name="check" size={16} />
            {t.inbox.readAll}
          </button>
        ) : null}
      </header>
      <div className="inbox-columns">
        <div>
          {all.length === 0 ? (
            <Notice icon="bell" title={t.inbox.empty} hint={t.inbox.emptyHint}>
              <Link className="button primary" to="/catalogue?status=ongoing">
                {t.lists.toOngoing}
              </Link>
            </Notice>
          ) : (
            <Days items={all} />
          )}
          {all.length >= perPage ? (
            <More last={all.at(-1)} add={(some) => setOlder([...older, ...some])} />
          ) : null}
        </div>
        <FeedLink />
      </div>
    </div>
  );
}

function Days({ items }: { items: Notification[] }) {
  const now = useNow();
  return byDay(items, now).map((day) => (
    <section key={day.key} className="inbox-day" aria-labelledby={`day-${day.key}`}>
      <h2 id={`day-${day.key}`}>
        <DayName day={day} />
      </h2>
      <ul>
        {day.items.map((item) => (
          <NotificationRow key={item.event_id} item={item} />
        ))}
      </ul>
    </section>
  ));
}

function DayName({ day: { date, daysAgo } }: { day: Day }) {
  const { lang, t } = useWords();
  if (daysAgo === 0) return t.home.today;
  if (daysAgo === 1) return t.inbox.yesterday;
  return date.toLocaleDateString(lang, { day: 'numeric', month: 'long', weekday: 'long' });
}

/** Asks for the page before the last one; goes when there is none. */
function More(props: { last: Notification | undefined; add: (some: Notification[]) => void }) {
  const { t } = useWords();
  const [state, setState] = useState<'idle' | 'busy' | 'over'>('idle');
  const { last } = props;
  if (!last || state === 'over') return null;
  async function more(position: string) {
    setState('busy');
    try {
      const some = await olderThan(position);
      props.add(some);
      setState(some.length < perPage ? 'over' : 'idle');
    } catch (cause) {
      const error = toApiError(cause);
      tell({ failed: true, text: (words) => reasonOf(error, words.t.state) || words.t.state.failed });
      setState('idle');
    }
  }
  return (
    <button
      type="button"
      className="button inbox-more"
      disabled={state === 'busy'}
      onClick={() => void more(last.position)}
    >
      {t.inbox.older}
    </button>
  );
}
