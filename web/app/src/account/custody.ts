import { api } from '../api';
import type { SessionInfo } from '../api/schema.gen';
import { fill } from '../i18n/plural';
import { patchQuery, type Query, type QueryState, useQuery } from '../query';

// What an owner does with an account: sessions, password, the end of it.

export type { SessionInfo };

const base = '/api/users';
const key = 'me:sessions';

const sessions: Query<SessionInfo[]> = {
  key,
  load: () => api<SessionInfo[]>(`${base}/sessions`, { auth: true }),
};

export function useSessions(): QueryState<SessionInfo[]> & { retry: () => void } {
  return useQuery(sessions);
}

export async function endSession(id: string): Promise<void> {
  await api(`${base}/sessions/${encodeURIComponent(id)}`, { method: 'DELETE', auth: true });
  forget((session) => session.id === id);
}

export async function endOtherSessions(): Promise<void> {
  await api(`${base}/sessions`, { method: 'DELETE', auth: true, query: { others: true } });
  forget((session) => !session.current);
}

function forget(ended: (session: SessionInfo) => boolean): void {
  patchQuery<SessionInfo[]>(key, (answer) => ({
    ...answer,
    data: answer.data.filter((session) => !ended(session)),
  }));
}

/** The server ends all other sessions along with it. */
export async function changePassword(current: string, next: string): Promise<void> {
  const body = { current_password: current, new_password: next };
  await api(`${base}/change-password`, { method: 'PUT', auth: true, body });
  forget((session) => !session.current);
}

export async function deleteAccount(password: string): Promise<void> {
  await api(`${base}/account`, { method: 'DELETE', auth: true, body: { password } });
}

// What the server says of a client that it does not know.
const unknown = 'Unknown device';

/** The server says "Firefox on Windows"; names need no translation, the rest does. */
export function deviceName(said: string, words: { unknownDevice: string; deviceOn: string }): string {
  if (said === '' || said === unknown) return words.unknownDevice;
  const [browser = said, system] = said.split(' on ');
  return system ? fill(words.deviceOn, { browser, system }) : said;
}
