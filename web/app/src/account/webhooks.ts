import { api } from '../api';
import type { MadeWebhook, NewsType, Webhook } from '../api/schema.gen';
import { patchQuery, type Query, type QueryState, useQuery } from '../query';

export type { MadeWebhook, Webhook };

const path = '/api/users/webhooks';
const key = 'me:webhooks';

export const newsTypes: NewsType[] = ['new_episode', 'episode_update', 'status_change', 'new_title'];

const webhooks: Query<Webhook[]> = { key, load: () => api<Webhook[]>(path, { auth: true }) };

export function useWebhooks(): QueryState<Webhook[]> & { retry: () => void } {
  return useQuery(webhooks);
}

function patch(change: (all: Webhook[]) => Webhook[]): void {
  patchQuery<Webhook[]>(key, (answer) => ({ ...answer, data: change(answer.data) }));
}

/** Its secret is in this answer and never again. No types are all. */
export async function addWebhook(url: string, types: NewsType[]): Promise<MadeWebhook> {
  const { data } = await api<MadeWebhook>(path, { method: 'POST', auth: true, body: { url, types } });
  const { secret: _, ...shown } = data;
  patch((all) => [...all, shown]);
  return data;
}

export async function removeWebhook(id: string): Promise<void> {
  await api(`${path}/${encodeURIComponent(id)}`, { method: 'DELETE', auth: true });
  patch((all) => all.filter((one) => one.id !== id));
}

/** Switches one on again; what it missed it has missed. */
export async function enableWebhook(id: string): Promise<void> {
  const body = { after: `notice:${Date.now()}` };
  const { data } = await api<Webhook>(`${path}/${encodeURIComponent(id)}/replay`, {
    method: 'POST',
    auth: true,
    body,
  });
  patch((all) => all.map((one) => (one.id === id ? data : one)));
}
