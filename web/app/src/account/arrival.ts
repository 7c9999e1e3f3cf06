import { session } from '../api';
import { forgetLibrary } from '../lists/library';
import { grantWishes } from '../lists/wishes';
import { keep, recall } from '../memory';
import { adoptProgress, releaseProgress, watchProgress } from '../progress/sync';

// What happens when somebody signs in, or out, wherever on the page they are.

/** Watches the session for as long as the page lives. */
export function watchArrival(): void {
  watchProgress();
  let who: string | null | undefined;
  const look = () => {
    const state = session.snapshot();
    const now = state.status === 'user' ? state.user.id : null;
    if (now === who || state.status === 'loading') return;
    who = now;
    if (now === null) left();
    else void arrived(now);
  };
  session.subscribe(look);
  look();
}

async function arrived(userId: string): Promise<void> {
  await adoptProgress(userId);
  // What cannot be done now is done at the next start.
  await grantWishes().catch(() => undefined);
  // Few have it: it is not in the first bundle.
  if (recall('push') === userId)
    await import('./push').then(({ keepPush }) => keepPush(userId)).catch(() => undefined);
}

function left(): void {
  forgetLibrary();
  keep('had-continue', null);
  // A server that does not answer is no reason to forget whose places these are.
  if (recall('signed-in') === null) releaseProgress();
}
