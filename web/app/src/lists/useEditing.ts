import type { ShortTitle } from '../api/types';
import { navigate, useLocation } from '../router';
import { useSession } from '../subscriptions';
import type { Edit, Entry } from './entries';
import { edit, entryFor, useEntry, useLibrary } from './library';
import { wish } from './wishes';

export interface Editing {
  entry: Entry | undefined;
  signedIn: boolean;
  /** False while nobody knows yet what is on the lists. */
  ready: boolean;
  /** A guest is asked to sign in, and comes back here with the edit done. */
  change: (change: Edit) => void;
}

/** What the viewer said of a title, and the way to say something else. */
export function useEditing(title: ShortTitle): Editing {
  const entry = useEntry(title.id);
  const { path, search } = useLocation();
  const status = useSession().status;
  const library = useLibrary();
  const signedIn = status === 'user';
  function change(what: Edit) {
    if (signedIn) {
      void edit(entryFor(entry, title), what);
      return;
    }
    wish(title, what);
    navigate(`/sign-in?${new URLSearchParams({ back: path + search })}`);
  }
  return { entry, signedIn, ready: status === 'guest' || library.answer !== undefined, change };
}
