import { api } from '../api';
import type { Continue } from '../api/schema.gen';
import { mainName } from '../format';
import { fill } from '../i18n';
import type { Edit } from '../lists/entries';
import { edit, entryFor, libraryNow } from '../lists/library';
import { tell } from '../live/notes';
import { continueKey } from '../progress/sync';
import { patchQuery, type Query, type QueryState, refetchShown, useQuery } from '../query';
import { useSession } from '../subscriptions';

const what: Query<Continue[]> = {
  key: continueKey,
  load: () => api<Continue[]>('/api/users/continue', { auth: true, query: { limit: 12 } }),
};

/** Where to go on, of all devices; asks for nothing while nobody is signed in. */
export function useContinue(): QueryState<Continue[]> {
  return useQuery(useSession().status === 'user' ? what : null);
}

/** Puts a title on the list of those given up, which is not gone on with; it can be taken back. */
export async function giveUp(entry: Continue): Promise<void> {
  patchQuery<Continue[]>(continueKey, (answer) => ({
    ...answer,
    data: answer.data.filter(({ title_id }) => title_id !== entry.title_id),
  }));
  const library = await libraryNow().catch(() => []);
  const known = library.find(({ title_id }) => title_id === entry.title_id);
  const back: Edit = known?.status
    ? { kind: 'put', status: known.status, score: known.score }
    : { kind: 'remove' };
  const save = async (change: Edit) => {
    await edit(entryFor(known, entry.title), change);
    refetchShown((key) => key === continueKey);
  };
  tell({
    text: ({ lang, t }) => fill(t.home.gaveUp, { title: mainName(lang, entry.title.names) }),
    action: { label: ({ t }) => t.home.takeBack, run: () => void save(back) },
  });
  await save({ kind: 'put', status: 'abandoned', score: known?.score ?? null });
}
