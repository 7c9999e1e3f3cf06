import { useSyncExternalStore } from 'react';
import type { ShortTitle } from '../api/types';
import { mainName } from '../format';
import { fill } from '../i18n';
import { tell } from '../live/notes';
import { keep, recallJSON } from '../memory';
import { type Edit, type Entry, type ListStatus, sameSlot } from './entries';
import { edit, entryFor, libraryNow } from './library';

// What a guest wanted of lists before they were asked to sign in: kept on this
// device for a day and done once somebody is signed in.

export interface Wish {
  title: ShortTitle;
  edit: Edit;
  at: number;
}

const name = 'wishes';
const keptFor = 24 * 3_600_000;
const most = 50;

export function wishes(now = Date.now()): Wish[] {
  return recallJSON<Wish[]>(name, []).filter(({ at }) => now - at < keptFor);
}

/** A later wish for the same thing takes the place of the earlier one. */
export function wish(title: ShortTitle, change: Edit, now = Date.now()): void {
  const others = wishes(now).filter((kept) => kept.title.id !== title.id || !sameSlot(kept.edit, change));
  keep(name, JSON.stringify([{ title: lean(title), edit: change, at: now }, ...others].slice(0, most)));
}

// A page's whole title has episodes and people in it; a wish needs its name.
function lean(title: ShortTitle): ShortTitle {
  const {
    player: _,
    members: __,
    torrents: ___,
    franchise: ____,
    ...short
  } = title as ShortTitle & Record<string, unknown>;
  return { ...short, description: null } as ShortTitle;
}

/** What a wish comes to for someone who may have had the title on a list long before. */
export function granted(known: Entry | undefined, { edit: change }: Wish): Edit | null {
  if (change.kind === 'favorite') return known?.favorite ? null : change;
  return known?.status ? null : change;
}

/** Does what was wished for, after signing in. */
export async function grantWishes(): Promise<void> {
  const all = wishes();
  if (all.length === 0) return;
  const entries = await libraryNow();
  keep(name, null);
  for (const one of all) {
    const known = entries.find(({ title_id }) => title_id === one.title.id);
    const change = granted(known, one);
    if (!change) continue;
    void edit(entryFor(known, one.title), change);
    tell({ text: ({ lang, t }) => say(t.lists, change, mainName(lang, one.title.names)) });
  }
}

type ListWords = { nowOn: string; nowFavorite: string; status: Record<ListStatus, string> };

function say(words: ListWords, change: Edit, title: string): string {
  if (change.kind === 'put') return fill(words.nowOn, { title, list: words.status[change.status] });
  return fill(words.nowFavorite, { title });
}

let shown: Wish | undefined;

/** The wish that the sign-in page was opened for. */
export function useLastWish(): Wish | undefined {
  return useSyncExternalStore(
    () => () => undefined,
    () => {
      const last = wishes()[0];
      if (last?.at !== shown?.at) shown = last;
      return shown;
    },
  );
}
