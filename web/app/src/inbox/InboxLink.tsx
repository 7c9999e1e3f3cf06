import { fill, useWords } from '../i18n';
import { Link, useLocation } from '../router';
import { useSession } from '../subscriptions';
import { Icon } from '../ui/Icon';
import { useInbox } from './inbox';
import { unreadOf } from './notifications';

const most = 99;

/** The bell in the header. Its place is kept while the answer is on its way. */
export function InboxLink() {
  const { t } = useWords();
  const { path } = useLocation();
  const signedIn = useSession().status === 'user';
  const { answer, error } = useInbox();
  // A server without an inbox has no bell.
  if (!signedIn || (error?.status === 404 && !answer)) return null;
  const unread = unreadOf(answer);
  const label = unread > 0 ? fill(t.inbox.unread, { n: unread }) : t.inbox.title;
  return (
    <Link
      className="icon-button inbox-link"
      to="/notifications"
      aria-label={label}
      aria-current={path === '/notifications' ? 'page' : undefined}
      title={label}
      data-waiting={answer === undefined && error === undefined}
    >
      <Icon name="bell" />
      {unread > 0 ? (
        <span className="badge" aria-hidden="true">
          {unread > most ? `${most}+` : unread}
        </span>
      ) : null}
    </Link>
  );
}
