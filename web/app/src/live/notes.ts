import { useSyncExternalStore } from 'react';
import type { Words } from '../i18n';

// What the page has to say about what the viewer did, in the corner of the toasts.

export interface Note {
  key: string;
  /** Made when shown, so that it follows the language. */
  text: (words: Words) => string;
  failed?: boolean;
  action?: { label: (words: Words) => string; run: () => void };
}

const shownAtOnce = 3;
const listeners = new Set<() => void>();
let notes: Note[] = [];
let told = 0;

function become(next: Note[]): void {
  notes = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useNotes(): Note[] {
  return useSyncExternalStore(subscribe, () => notes);
}

export function tell(note: Omit<Note, 'key'>): void {
  told++;
  become([{ ...note, key: `note-${told}` }, ...notes].slice(0, shownAtOnce));
}

export function dismissNote(key: string): void {
  become(notes.filter((note) => note.key !== key));
}
