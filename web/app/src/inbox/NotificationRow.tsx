import type { ReactNode } from 'react';
import { titlePath, watchPath } from '../catalog';
import { mainName, parseTime, timeOfDay } from '../format';
import { fill, useWords } from '../i18n';
import type { Dictionary } from '../i18n/ru';
import { eventNames } from '../live/apply';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';
import { markRead } from './inbox';
import type { Notification } from './notifications';

/** One thing the viewer was told. Going there is reading it. */
export function NotificationRow({ item }: { item: Notification }) {
  const { lang, t } = useWords();
  const at = parseTime(item.at);
  const name = item.title_id ? mainName(lang, eventNames(item.title)) : t.inbox.account;
  return (
    <li className={item.read ? 'news' : 'news unread'}>
      <Goal item={item}>
        {item.title_id ? (
          <Poster src={item.poster} seed={item.title_id} name="" />
        ) : (
          <span className="news-sign">
            <Icon name="warn" />
          </span>
        )}
        <span className="news-text">
          {item.read ? null : <span className="sr-only">{t.inbox.isUnread}</span>}
          <span className="news-name">{name}</span>
          <span className="news-what">{say(item, t)}</span>
        </span>
        {at ? (
          <time className="news-at" dateTime={at.toISOString()}>
            {timeOfDay(lang, at)}
          </time>
        ) : null}
      </Goal>
      {item.read ? (
        <span className="news-read" />
      ) : (
        <button
          type="button"
          className="icon-button news-read"
          aria-label={fill(t.inbox.markRead, { title: name })}
          title={t.inbox.markReadShort}
          onClick={() => void markRead(item.event_id)}
        >
          <span className="dot" aria-hidden="true" />
        </button>
      )}
    </li>
  );
}

function Goal({ item, children }: { item: Notification; children: ReactNode }) {
  const to = goalOf(item);
  return (
    <Link className="news-link" to={to} onClick={() => item.read || void markRead(item.event_id)}>
      {children}
    </Link>
  );
}

function goalOf({ title_id, episode, type }: Notification): string {
  if (!title_id) return '/profile';
  return type === 'new_episode' && episode !== null ? watchPath(title_id, episode) : titlePath(title_id);
}

function say({ type, episode, new_status, reason }: Notification, t: Dictionary): string {
  if (reason) return t.inbox.reasons[reason] ?? reason;
  const n = episode ?? '';
  switch (type) {
    case 'new_episode':
      return fill(t.inbox.newEpisode, { n });
    case 'episode_update':
      return fill(t.inbox.episodeUpdate, { n });
    case 'status_change':
      return fill(t.inbox.statusChange, { status: (new_status && t.status[new_status]) || '' });
    default:
      return t.inbox.news;
  }
}
