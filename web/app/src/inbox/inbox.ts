import type { AniHubEvent } from '../../../sdk/anihub.js';
import { api } from '../api';
import { toApiError } from '../api/error';
import type { Words } from '../i18n';
import { tell } from '../live/notes';
import { patchQuery, type Query, type QueryState, refetchShown, useQuery } from '../query';
import { isFollowed, useSession } from '../subscriptions';
import { reasonOf } from '../ui/States';
import { type Inbox, type Notification, withAllRead, withPushed, withRead } from './notifications';

// The viewer's inbox. One answer feeds the badge in the header and the page, so
// that they cannot tell two stories.

const path = '/api/users/notifications';
const key = 'me:inbox';

/** As many as the server gives out at once. */
export const perPage = 50;

const inbox: Query<Notification[]> = { key, load: () => api<Notification[]>(path, { auth: true }) };

export function useInbox(): QueryState<Notification[]> & { retry: () => void } {
  return useQuery(useSession().status === 'user' ? inbox : null);
}

/** The page before a position. */
export async function olderThan(position: string): Promise<Notification[]> {
  return (await api<Notification[]>(path, { auth: true, query: { before: position } })).data;
}

/** Shown as read at once; unread again when the server could not be told. */
export async function markRead(eventId: string): Promise<void> {
  await mark((now) => withRead(now, eventId), { event_ids: [eventId] });
}

export async function markAllRead(upTo: string): Promise<void> {
  await mark(withAllRead, { up_to: upTo });
}

async function mark(change: (now: Inbox) => Inbox, body: unknown): Promise<void> {
  patchQuery<Notification[]>(key, change);
  try {
    await api(`${path}/read`, { method: 'POST', auth: true, body });
  } catch (cause) {
    const error = toApiError(cause);
    tell({ failed: true, text: ({ t }: Words) => `${t.inbox.notMarked} ${reasonOf(error, t.state)}` });
    ask();
  }
}

let asking: ReturnType<typeof setTimeout> | undefined;
const pause = 1500;

// An event is here before the inbox has it, and several may come together.
function ask(): void {
  clearTimeout(asking);
  asking = setTimeout(() => refetchShown((shown) => shown === key), pause);
}

/** Something was read on another device. */
export function tellRead(): void {
  ask();
}

/** What an event means for the inbox: the count goes up at once, the truth follows. */
export function tellInbox(push: AniHubEvent): void {
  if (!isFollowed(push.data.title_id)) return;
  if (push.type === 'new_episode') {
    patchQuery<Notification[]>(key, (now) => withPushed(now, push, new Date().toISOString()));
  }
  ask();
}
