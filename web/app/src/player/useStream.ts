import type Hls from 'hls.js/light';
import { type RefObject, useEffect, useState } from 'react';

export type StreamState = 'loading' | 'ready' | 'failed';

// Chromium claims to play HLS natively but does so poorly: native is the way
// only where Media Source is missing, which is the iPhone.
async function attach(video: HTMLVideoElement, url: string, onFailed: () => void): Promise<() => void> {
  const { default: Hls } = await import('hls.js/light');
  if (Hls.isSupported()) return attachHls(Hls, video, url, onFailed);
  video.addEventListener('error', onFailed);
  video.src = url;
  return () => {
    video.removeEventListener('error', onFailed);
    video.removeAttribute('src');
    video.load();
  };
}

function attachHls(Light: typeof Hls, video: HTMLVideoElement, url: string, onFailed: () => void) {
  const hls = new Light({ maxBufferLength: 60, backBufferLength: 60 });
  const tried = new Set<string>();
  hls.on(Light.Events.ERROR, (_, { fatal, type }) => {
    if (!fatal) return;
    // One attempt at each cure; a stream that fails again stays failed.
    if (tried.has(type)) return onFailed();
    tried.add(type);
    if (type === Light.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else if (type === Light.ErrorTypes.NETWORK_ERROR && hls.levels.length > 0) hls.startLoad();
    else onFailed();
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => hls.destroy();
}

/** Connects a stream to the video element and begins at `startAt`. */
export function useStream(
  video: RefObject<HTMLVideoElement | null>,
  url: string,
  startAt: RefObject<number>,
): [StreamState, () => void] {
  const [state, setState] = useState<StreamState>('loading');
  const [attempt, setAttempt] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new attempt attaches the same url again
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    let detach: (() => void) | null = null;
    let gone = false;
    const onReady = () => {
      if (startAt.current > 0) element.currentTime = startAt.current;
      setState('ready');
      // A browser that forbids playing unasked shows the paused first frame.
      element.play().catch(() => undefined);
    };
    const onFailed = () => setState('failed');
    setState('loading');
    element.addEventListener('loadedmetadata', onReady, { once: true });
    attach(element, url, onFailed)
      .then((off) => {
        if (gone) off();
        else detach = off;
      })
      .catch(onFailed);
    return () => {
      gone = true;
      element.removeEventListener('loadedmetadata', onReady);
      detach?.();
    };
  }, [url, attempt, video, startAt]);

  return [state, () => setAttempt((n) => n + 1)];
}
