import { applyEdit, blank, type Edit, type Entry, sameSlot, withEntry } from './entries';

interface Waiting {
  /** What the server said last. */
  confirmed: Entry;
  /** What it was not told yet, or has not answered to, oldest first. */
  edits: Edit[];
}

/**
 * The edits that are shown but not saved yet. An edit that is refused goes out
 * of the middle of them: those before and after it stay.
 */
export class Pending {
  private readonly waiting = new Map<number, Waiting>();

  constructor(private readonly now: () => string = () => new Date().toISOString()) {}

  /** Shows an edit; `entry` is what is shown of the title now. */
  begin(entry: Entry, edit: Edit): Entry {
    const known = this.waiting.get(entry.title_id);
    if (known) known.edits.push(edit);
    else this.waiting.set(entry.title_id, { confirmed: entry, edits: [edit] });
    return this.shown(entry);
  }

  /** Whether a later edit says the same thing anew, so that this one need not be sent. */
  superseded(id: number, edit: Edit): boolean {
    const edits = this.waiting.get(id)?.edits ?? [];
    return edits.slice(edits.indexOf(edit) + 1).some((later) => sameSlot(edit, later));
  }

  saved(entry: Entry, edit: Edit): Entry {
    const known = this.waiting.get(entry.title_id);
    if (known) known.confirmed = applyEdit(known.confirmed, edit, this.now());
    return this.dropped(entry, edit);
  }

  /** Takes an edit back; also one that was superseded. */
  dropped(entry: Entry, edit: Edit): Entry {
    const known = this.waiting.get(entry.title_id);
    if (!known) return entry;
    known.edits = known.edits.filter((other) => other !== edit);
    const shown = this.shown(entry);
    if (known.edits.length === 0) this.waiting.delete(entry.title_id);
    return shown;
  }

  /** What the server answered, with the edits it does not know of yet. */
  over(entries: Entry[]): Entry[] {
    let all = entries;
    for (const [id, known] of this.waiting) {
      const fresh = entries.find(({ title_id }) => title_id === id);
      known.confirmed = fresh ?? blank(id, known.confirmed.title);
      all = withEntry(all, this.shown(known.confirmed));
    }
    return all;
  }

  clear(): void {
    this.waiting.clear();
  }

  private shown(entry: Entry): Entry {
    const known = this.waiting.get(entry.title_id);
    if (!known) return entry;
    return known.edits.reduce((shown, edit) => applyEdit(shown, edit, this.now()), known.confirmed);
  }
}
