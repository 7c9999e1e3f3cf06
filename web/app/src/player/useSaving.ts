import { type RefObject, useEffect, useEffectEvent, useRef } from 'react';
import type { Episode, Title } from '../api/types';
import { posterURL } from '../format';
import { saveProgress } from '../progress/book';
import { flushProgress } from '../progress/sync';

const everyMs = 5000;
const stoodStill = 0.5; // seconds

/**
 * Writes down the place: while playing, on pause, and on the way out. A place where the
 * video has only stood since then is no news: another device may have gone on from it.
 */
export function useSaving(
  video: RefObject<HTMLVideoElement | null>,
  title: Title,
  episode: Episode,
  from: number,
): void {
  const saved = useRef(from);
  const save = useEffectEvent((element: HTMLVideoElement) => {
    const { currentTime: seconds, duration } = element;
    if (seconds < 1 || !Number.isFinite(duration)) return;
    if (Math.abs(seconds - saved.current) < stoodStill) return;
    saved.current = seconds;
    const poster = posterURL(title.poster, 'small');
    saveProgress({ id: title.id, names: title.names, poster, episode: episode.ordinal, seconds, duration });
  });

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const now = () => save(element);
    const stop = () => {
      save(element);
      void flushProgress();
    };
    const timer = setInterval(() => element.paused || now(), everyMs);
    element.addEventListener('pause', stop);
    window.addEventListener('pagehide', now);
    return () => {
      stop();
      clearInterval(timer);
      element.removeEventListener('pause', stop);
      window.removeEventListener('pagehide', now);
    };
  }, [video]);
}
