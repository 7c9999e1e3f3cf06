import { api } from '../api';
import { keep, recallJSON } from '../memory';
import { refetchShown } from '../query';
import { bookEdits, bookOwner, clearBook, onEdits, setBookOwner } from './book';
import { type Box, hasMark, Outbox } from './outbox';

// Ties the book on this device to the viewer's progress on the server.

export const continueKey = 'me:continue';

// Under the viewer's id: what could not be sent before signing out is sent
// when the same viewer is back, and never as somebody else's.
function boxName(): string | null {
  const owner = bookOwner();
  return owner && `outbox.${owner}`;
}

function boxNow(): Box {
  const name = boxName();
  return name ? recallJSON<Box>(name, {}) : {};
}

const outbox = new Outbox({
  read: boxNow,
  write: (box) => {
    const name = boxName();
    if (name) keep(name, Object.keys(box).length > 0 ? JSON.stringify(box) : null);
  },
  send: (titles, urgent) =>
    api('/api/users/progress', { method: 'PUT', auth: true, body: { titles }, keepalive: urgent }),
  onSent: () => refetchShown((key) => key === continueKey),
});

/** Whether an episode is watched, of which the server does not know yet. */
export function isMarkUnsent(titleId: number, episode: number): boolean {
  return hasMark(boxNow(), titleId, episode);
}

/** Starts to keep what the player says for the server. */
export function watchProgress(): void {
  onEdits((edits) => {
    if (bookOwner() !== null) outbox.add(edits);
  });
  window.addEventListener('online', () => void flushProgress());
  // After `pagehide`, and thus after the player's last word.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && bookOwner() !== null) void outbox.flush(true);
  });
}

/** Sends what is kept, for instance when the player stops. */
export async function flushProgress(): Promise<void> {
  if (bookOwner() !== null) await outbox.flush();
}

/** A guest's book becomes the viewer's who signed in; anybody else's is put away. */
export async function adoptProgress(userId: string): Promise<void> {
  const owner = bookOwner();
  const found = owner === null ? bookEdits() : [];
  if (owner !== null && owner !== userId) clearBook();
  setBookOwner(userId);
  outbox.add(found);
  await outbox.flush();
}

/** The viewer signed out: their places are not the next one's. */
export function releaseProgress(): void {
  outbox.rest();
  if (bookOwner() === null) return;
  clearBook();
  setBookOwner(null);
}
