import { session } from '../api';
import { flushProgress } from '../progress/sync';
import { navigate } from '../router';

const patience = 1500;

/** Signs out, with the last places saved if that takes no time worth mentioning. */
export async function leave(): Promise<void> {
  await Promise.race([flushProgress(), new Promise((done) => setTimeout(done, patience))]);
  navigate('/', { replace: true });
  await session.signOut();
}
