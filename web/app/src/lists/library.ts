import { api } from '../api';
import { toApiError } from '../api/error';
import type { Envelope, ShortTitle } from '../api/types';
import { mainName } from '../format';
import { fill } from '../i18n';
import { tell } from '../live/notes';
import { answerOf, patchQuery, type Query, type QueryState, useQuery } from '../query';
import { useSession } from '../subscriptions';
import { reasonOf } from '../ui/States';
import { blank, type Edit, type Entry, joined, withEntry } from './entries';
import { Pending } from './pending';

// The viewer's lists and favourites, whole: tabs, counts, sorting and the marks
// on cards are then one answer that an edit changes at once.

export const libraryKey = 'me:library';

const perPage = 100;
// The catalogue has about 2,000 titles; a longer library is shown without its oldest.
const mostPages = 20;
const atOnce = 4;

const pending = new Pending();
// Counts the edits that were saved: an answer from before one does not know of it.
let saves = 0;

const library: Query<Entry[]> = { key: libraryKey, load };

async function load(): Promise<Envelope<Entry[]>> {
  const before = saves;
  const [lists, favourites] = await Promise.all([allPages('lists'), allPages('favorites')]);
  if (before !== saves) return load();
  return { data: pending.over(joined(lists, favourites)) };
}

async function allPages(what: 'lists' | 'favorites'): Promise<Entry[]> {
  const pageOf = (page: number) =>
    api<Entry[]>(`/api/users/${what}`, { auth: true, query: { limit: perPage, page } });
  const first = await pageOf(1);
  const last = Math.min(first.pagination?.pages ?? 1, mostPages);
  const all = [first.data];
  for (let next = 2; next <= last; next += atOnce) {
    const numbers = Array.from({ length: Math.min(atOnce, last - next + 1) }, (_, i) => next + i);
    all.push(...(await Promise.all(numbers.map(pageOf))).map(({ data }) => data));
  }
  return all.flat();
}

/** Everything on the lists; asks for nothing while nobody is signed in. */
export function useLibrary(): QueryState<Entry[]> & { retry: () => void } {
  return useQuery(useSession().status === 'user' ? library : null);
}

const indexes = new WeakMap<Entry[], Map<number, Entry>>();

function indexOf(entries: Entry[]): Map<number, Entry> {
  let index = indexes.get(entries);
  if (!index) {
    index = new Map(entries.map((entry) => [entry.title_id, entry]));
    indexes.set(entries, index);
  }
  return index;
}

/** What the viewer said of a title; undefined when nothing, or not known yet. */
export function useEntry(id: number): Entry | undefined {
  const { answer } = useLibrary();
  return answer ? indexOf(answer.data).get(id) : undefined;
}

export async function libraryNow(): Promise<Entry[]> {
  return (await answerOf(library)).data;
}

const turns = new Map<number, Promise<void>>();

/**
 * Shows an edit at once and saves it, one after another for each title. What the
 * server refuses is taken back, and the viewer is told.
 */
export async function edit(entry: Entry, change: Edit): Promise<void> {
  show(pending.begin(entry, change));
  const turn = (turns.get(entry.title_id) ?? Promise.resolve()).then(() => settle(entry, change));
  turns.set(entry.title_id, turn);
  await turn;
}

async function settle(entry: Entry, change: Edit): Promise<void> {
  if (pending.superseded(entry.title_id, change)) {
    show(pending.dropped(entry, change));
    return;
  }
  try {
    await send(entry.title_id, change);
    saves++;
    show(pending.saved(entry, change));
  } catch (cause) {
    show(pending.dropped(entry, change));
    refused(entry, change, cause);
  }
}

function send(id: number, change: Edit): Promise<unknown> {
  switch (change.kind) {
    case 'put': {
      const body = { status: change.status, score: change.score };
      return api(`/api/users/lists/${id}`, { method: 'PUT', auth: true, body });
    }
    case 'remove':
      return api(`/api/users/lists/${id}`, { method: 'DELETE', auth: true });
    case 'favorite':
      return api(`/api/users/favorites/${id}`, { method: change.on ? 'PUT' : 'DELETE', auth: true });
  }
}

function show(entry: Entry): void {
  patchQuery<Entry[]>(libraryKey, (answer) => ({ ...answer, data: withEntry(answer.data, entry) }));
}

function refused(entry: Entry, change: Edit, cause: unknown): void {
  const error = toApiError(cause);
  tell({
    failed: true,
    text: ({ lang, t }) =>
      `${fill(t.lists.failed, { title: mainName(lang, entry.title?.names) })} ${reasonOf(error, t.state)}`,
    action: { label: ({ t }) => t.state.retry, run: () => void edit(entry, change) },
  });
}

/** The entry to edit: what is known of the title, or a blank one. */
export function entryFor(known: Entry | undefined, title: ShortTitle): Entry {
  return known ?? blank(title.id, title);
}

export function forgetLibrary(): void {
  pending.clear();
  turns.clear();
}
