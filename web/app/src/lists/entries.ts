import type { ListedTitle, ListStatus, ShortTitle } from '../api/schema.gen';

// What a viewer thinks of titles, and what an edit makes of it. All of it is
// plain values: what is on the way to the server is kept in pending.ts.

export type Entry = ListedTitle;
export type { ListStatus };
export type Shelf = ListStatus | 'favorites';

/** In the order in which one asks for them. */
export const statuses: readonly ListStatus[] = ['watching', 'planned', 'watched', 'postponed', 'abandoned'];
export const shelves: readonly Shelf[] = [...statuses, 'favorites'];

export type Edit =
  | { kind: 'put'; status: ListStatus; score: number | null }
  | { kind: 'remove' }
  | { kind: 'favorite'; on: boolean };

/** A title of which nothing was said yet. */
export function blank(id: number, title: ShortTitle | null): Entry {
  return {
    title_id: id,
    status: null,
    score: null,
    favorite: false,
    updated_at: null,
    favorite_at: null,
    title,
  };
}

export function applyEdit(entry: Entry, edit: Edit, now: string): Entry {
  switch (edit.kind) {
    case 'put':
      return { ...entry, status: edit.status, score: edit.score, updated_at: now };
    case 'remove':
      return { ...entry, status: null, score: null, updated_at: now };
    case 'favorite':
      return { ...entry, favorite: edit.on, favorite_at: edit.on ? now : null };
  }
}

/** True when one edit makes the other pointless: both speak of the list, or both of the heart. */
export function sameSlot(a: Edit, b: Edit): boolean {
  return (a.kind === 'favorite') === (b.kind === 'favorite');
}

/** Puts the entry where it was, or first; one that says nothing any more goes. */
export function withEntry(entries: Entry[], entry: Entry): Entry[] {
  const says = entry.status !== null || entry.favorite;
  const at = entries.findIndex(({ title_id }) => title_id === entry.title_id);
  if (at < 0) return says ? [entry, ...entries] : entries;
  return says ? entries.with(at, entry) : entries.toSpliced(at, 1);
}

/** Lists and favourites as one: each title once, whichever of the two it came with. */
export function joined(listed: Entry[], favourites: Entry[]): Entry[] {
  const known = new Set(listed.map(({ title_id }) => title_id));
  return [...listed, ...favourites.filter(({ title_id }) => !known.has(title_id))];
}

export function onShelf(entries: Entry[], shelf: Shelf): Entry[] {
  return entries.filter((entry) => (shelf === 'favorites' ? entry.favorite : entry.status === shelf));
}

export type Sorting = 'updated' | 'name' | 'score' | 'rating' | 'year';
export const sortings: readonly Sorting[] = ['updated', 'name', 'score', 'rating', 'year'];

/** Sorted as asked, the best or latest first, names from A; what has no value comes last. */
export function sorted(
  entries: Entry[],
  by: Sorting,
  shelf: Shelf,
  nameOf: (entry: Entry) => string,
): Entry[] {
  if (by === 'name') return entries.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const value = (entry: Entry): number => {
    switch (by) {
      case 'score':
        return entry.score ?? 0;
      case 'rating':
        return entry.title?.rating ?? 0;
      case 'year':
        return entry.title?.year ?? 0;
      default:
        return Date.parse((shelf === 'favorites' ? entry.favorite_at : entry.updated_at) ?? '') || 0;
    }
  };
  return entries.toSorted((a, b) => value(b) - value(a) || nameOf(a).localeCompare(nameOf(b)));
}
