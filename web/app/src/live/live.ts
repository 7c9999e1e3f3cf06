import { useSyncExternalStore } from 'react';
import {
  AniHub,
  type AniHubEvent,
  type EpisodeData,
  type EventType,
  type State,
} from '../../../sdk/anihub.js';
import { onPosition, session } from '../api';
import type { ShortTitle } from '../api/types';
import { titleKey, updatesKey } from '../catalog';
import { tellInbox, tellRead } from '../inbox/inbox';
import { toastChoice } from '../prefs';
import { missedProgress, tellProgress } from '../progress/elsewhere';
import { patchQuery, refetchShown, retryFailed } from '../query';
import { isFollowed } from '../subscriptions';
import { withNewEpisode } from './apply';

// What the page does with events: refreshes what is shown, and tells.

export interface Toast {
  key: string;
  event: EpisodeData;
}

const shownAtOnce = 3;
const listeners = new Set<() => void>();
let status: State = 'connecting';
let toasts: Toast[] = [];

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(): void {
  for (const listener of listeners) listener();
}

export function useLiveStatus(): State {
  return useSyncExternalStore(subscribe, () => status);
}

export function useToasts(): Toast[] {
  return useSyncExternalStore(subscribe, () => toasts);
}

export function dismissToast(key: string): void {
  toasts = toasts.filter((toast) => toast.key !== key);
  notify();
}

function wanted(titleId: number): boolean {
  const choice = toastChoice();
  return choice === 'all' || (choice === 'mine' && isFollowed(titleId));
}

function onEvent(push: AniHubEvent): void {
  tellInbox(push);
  const id = push.data.title_id;
  if (push.type === 'new_episode') {
    const event = push.data;
    patchQuery<ShortTitle[]>(updatesKey, (row) => withNewEpisode(row, event));
    if (wanted(id)) {
      toasts = [{ key: push.event_id, event }, ...toasts].slice(0, shownAtOnce);
      notify();
    }
  }
  refetchShown((key) => key === titleKey(id) || (push.type === 'new_title' && key.startsWith('list:')));
}

const types: EventType[] = ['new_episode', 'episode_update', 'new_title', 'status_change'];

/** Opens the page's one connection and keeps it for as long as the page lives. */
export function goLive(): void {
  const hub = new AniHub({
    url: window.location.origin,
    token: async ({ renew }) => {
      if (renew) await session.refresh();
      return session.current();
    },
  });
  hub.on('event', onEvent);
  hub.on('notification_read', tellRead);
  hub.on('progress', tellProgress);
  hub.on('lost', () => refetchShown());
  // What other devices of the viewer did meanwhile is told by nobody.
  let away = false;
  hub.on('auth', () => {
    if (away) {
      tellRead();
      missedProgress();
    }
    away = false;
  });
  hub.on('state', ({ state }) => {
    away ||= state === 'waiting';
    status = state;
    notify();
  });
  hub.subscribe({ types });

  // What came between the first answer, from whichever cache, and now is news as well.
  let begun = false;
  onPosition((since) => {
    if (!begun) hub.subscribe({ types, since });
    begun = true;
  });

  let token = session.current();
  session.subscribe(() => {
    if (token === session.current()) return;
    token = session.current();
    hub.auth();
  });
  window.addEventListener('online', retryFailed);
}
