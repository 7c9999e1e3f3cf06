import { useSyncExternalStore } from 'react';
import { onPosition, session } from '../api';
import type { ShortTitle } from '../api/types';
import { titleKey, updatesKey } from '../catalog';
import { tellInbox } from '../inbox/inbox';
import { toastChoice } from '../prefs';
import { patchQuery, refetchShown, retryFailed } from '../query';
import { type Push, Realtime, type RealtimeStatus, type Socket } from '../realtime';
import { asNewEpisode, type NewEpisode } from '../realtime-frames';
import { isFollowed } from '../subscriptions';
import { withNewEpisode } from './apply';

// What the page does with events: refreshes what is shown, and tells.

export interface Toast {
  key: string;
  event: NewEpisode;
}

const shownAtOnce = 3;
const listeners = new Set<() => void>();
let status: RealtimeStatus = 'connecting';
let toasts: Toast[] = [];

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(): void {
  for (const listener of listeners) listener();
}

export function useLiveStatus(): RealtimeStatus {
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

function onPush(push: Push): void {
  tellInbox(push);
  const event = asNewEpisode(push);
  if (event) {
    patchQuery<ShortTitle[]>(updatesKey, (row) => withNewEpisode(row, event));
    if (wanted(event.title_id)) {
      toasts = [{ key: push.event_id, event }, ...toasts].slice(0, shownAtOnce);
      notify();
    }
  }
  const id = Number(push.data.title_id);
  refetchShown((key) => key === titleKey(id) || (push.type === 'new_title' && key.startsWith('list:')));
}

function connect(): Socket {
  const scheme = window.location.protocol === 'https:' ? 'wss' : 'ws';
  return new WebSocket(`${scheme}://${window.location.host}/api/anilibria/v2/ws`) as unknown as Socket;
}

/** Opens the page's one socket and keeps it for as long as the page lives. */
export function goLive(): void {
  const realtime = new Realtime({
    connect,
    types: ['new_episode', 'episode_update', 'new_title', 'status_change'],
    token: () => session.current(),
    renew: () => session.refresh(),
    onPush,
    onGap: () => refetchShown(),
    onStatus: (next) => {
      status = next;
      notify();
    },
  });

  let token = session.current();
  session.subscribe(() => {
    if (token === session.current()) return;
    token = session.current();
    realtime.identify();
  });

  onPosition((position) => realtime.seed(position));
  const back = () => {
    realtime.wake();
    retryFailed();
  };
  window.addEventListener('online', back);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) realtime.wake();
  });
  realtime.start();
}
