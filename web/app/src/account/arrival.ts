import { session } from '../api';
import { forgetLibrary } from '../lists/library';
import { grantWishes } from '../lists/wishes';

// What happens when somebody signs in, or out, wherever on the page they are.

/** Watches the session for as long as the page lives. */
export function watchArrival(): void {
  let who: string | null = null;
  const look = () => {
    const state = session.snapshot();
    const now = state.status === 'user' ? state.user.id : null;
    if (now === who || state.status === 'loading') return;
    who = now;
    if (now === null) forgetLibrary();
    else void arrived();
  };
  session.subscribe(look);
  look();
}

async function arrived(): Promise<void> {
  // What cannot be done now is done at the next start.
  await grantWishes().catch(() => undefined);
}
