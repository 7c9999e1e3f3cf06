import { useSyncExternalStore } from 'react';
import { api, session } from './api';
import type { Envelope, Subscription } from './api/types';
import { forgetQueries, patchQuery, type Query, type QueryState, useQuery } from './query';
import type { SessionState } from './session';

export const subscriptionsKey = 'me:subscriptions';

const subscriptions: Query<Subscription[]> = {
  key: subscriptionsKey,
  load: () => api<Subscription[]>('/api/users/subscriptions', { auth: true }),
};

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.snapshot);
}

/** The titles the viewer follows; asks for nothing while nobody is signed in. */
export function useSubscriptions(): QueryState<Subscription[]> & { retry: () => void } {
  return useQuery(useSession().status === 'user' ? subscriptions : null);
}

/** Shows the change at once and takes it back when the server refuses it. */
export async function setSubscribed(titleId: number, on: boolean): Promise<void> {
  mark(titleId, on);
  try {
    await api(`/api/users/subscriptions/${titleId}`, { method: on ? 'PUT' : 'DELETE', auth: true });
  } catch (cause) {
    mark(titleId, !on);
    throw cause;
  }
}

export type Preference = Pick<Subscription, 'quality' | 'channels'>;

/** Says how to be told about a title that is followed. */
export async function prefer(titleId: number, how: Preference): Promise<void> {
  const { data } = await api<Subscription>(`/api/users/subscriptions/${titleId}`, {
    method: 'PUT',
    auth: true,
    body: how,
  });
  patchQuery<Subscription[]>(subscriptionsKey, (answer) => ({
    ...answer,
    data: answer.data.map((entry) => (entry.title_id === titleId ? data : entry)),
  }));
}

function mark(titleId: number, on: boolean): void {
  patchQuery<Subscription[]>(subscriptionsKey, (answer: Envelope<Subscription[]>) => {
    const others = answer.data.filter((entry) => entry.title_id !== titleId);
    return {
      ...answer,
      data: on ? [...others, { title_id: titleId, since: null, quality: null, channels: null }] : others,
    };
  });
}

let followed: ReadonlySet<number> = new Set();

/** Kept for toasts, which are decided outside React. */
export function isFollowed(titleId: number): boolean {
  return followed.has(titleId);
}

export function rememberFollowed(entries: Subscription[] | undefined): void {
  followed = new Set(entries?.map((entry) => entry.title_id));
}

/** What belonged to one viewer must not be shown to the next. */
export function forgetPersonal(): void {
  forgetQueries((key) => key.startsWith('me:'));
  followed = new Set();
}
