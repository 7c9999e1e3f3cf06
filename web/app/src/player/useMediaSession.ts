import { useEffect, useEffectEvent } from 'react';
import type { PlayerActions } from './useActions';

interface Playing {
  title: string;
  artist: string;
  artwork: string | null;
}

/** Lets headphones, lock screens and keyboards' media keys reach the player. */
export function useMediaSession(actions: PlayerActions, { title, artist, artwork }: Playing): void {
  const run = useEffectEvent((name: 'toggle' | 'next' | 'back' | 'forward') => {
    if (name === 'back') actions.seekBy(-10);
    else if (name === 'forward') actions.seekBy(10);
    else actions[name]();
  });
  useEffect(() => {
    const { mediaSession } = navigator;
    if (!mediaSession) return;
    mediaSession.metadata = new MediaMetadata({ title, artist, artwork: artwork ? [{ src: artwork }] : [] });
    const handlers = {
      play: 'toggle',
      pause: 'toggle',
      nexttrack: 'next',
      seekbackward: 'back',
      seekforward: 'forward',
    } as const;
    const names = Object.keys(handlers) as (keyof typeof handlers)[];
    for (const name of names) mediaSession.setActionHandler(name, () => run(handlers[name]));
    return () => {
      mediaSession.metadata = null;
      for (const name of names) mediaSession.setActionHandler(name, null);
    };
  }, [title, artist, artwork]);
}
