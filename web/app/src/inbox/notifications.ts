import type { AniHubEvent, EpisodeData } from '../../../sdk/anihub.js';
import type { InboxItem } from '../api/schema.gen';
import type { Envelope } from '../api/types';
import { eventNames } from '../live/apply';

/** One thing the viewer was told. */
export type Notification = InboxItem;

export type Inbox = Envelope<Notification[]>;

/** How many are unread, on all pages. */
export function unreadOf(inbox: Inbox | undefined): number {
  const meta = inbox?.meta as { unread?: number } | undefined;
  return meta?.unread ?? inbox?.data.filter(({ read }) => !read).length ?? 0;
}

function withUnread(inbox: Inbox, data: Notification[], unread: number): Inbox {
  return { ...inbox, data, meta: { ...inbox.meta, unread: Math.max(0, unread) } as Inbox['meta'] };
}

/** Puts the news of an event at the head, once, until the server is asked again. */
export function withPushed(inbox: Inbox, push: AniHubEvent, now: string): Inbox {
  if (inbox.data.some(({ event_id }) => event_id === push.event_id)) return inbox;
  const { title_id, episode, title, poster } = push.data as Partial<EpisodeData>;
  const names = eventNames(title ?? null);
  const news: Notification = {
    event_id: push.event_id,
    position: push.position,
    type: push.type as Notification['type'],
    title_id: title_id ?? null,
    episode: episode ?? null,
    title: names.ru ?? names.en,
    poster: typeof poster === 'string' ? poster : null,
    new_status: null,
    reason: null,
    at: now,
    read: false,
  };
  return withUnread(inbox, [news, ...inbox.data], unreadOf(inbox) + 1);
}

export function withRead(inbox: Inbox, eventId: string): Inbox {
  const marked = inbox.data.some(({ event_id, read }) => event_id === eventId && !read);
  if (!marked) return inbox;
  const data = inbox.data.map((one) => (one.event_id === eventId ? { ...one, read: true } : one));
  return withUnread(inbox, data, unreadOf(inbox) - 1);
}

export function withAllRead(inbox: Inbox): Inbox {
  return withUnread(
    inbox,
    inbox.data.map((one) => ({ ...one, read: true })),
    0,
  );
}

/** One day of the inbox; `daysAgo` is 0 today, by the viewer's clock. */
export interface Day {
  key: string;
  date: Date;
  daysAgo: number;
  items: Notification[];
}

/** By the viewer's days, in the order of the items. */
export function byDay(items: Notification[], now: Date): Day[] {
  const days: Day[] = [];
  for (const item of items) {
    const date = midnight(new Date(item.at ?? now));
    const key = `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
    let day = days.find((known) => known.key === key);
    if (!day) {
      // Days are not all 24 hours long.
      const daysAgo = Math.round((midnight(now).getTime() - date.getTime()) / 86_400_000);
      day = { key, date, daysAgo, items: [] };
      days.push(day);
    }
    day.items.push(item);
  }
  return days;
}

function midnight(date: Date): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}
