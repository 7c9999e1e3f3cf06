import type { RefObject } from 'react';
import { keep } from '../memory';
import type { KeyActions } from './keys';
import type { Skip } from './skips';

export interface PlayerActions extends KeyActions {
  seekTo(seconds: number): void;
  setVolume(volume: number): void;
  setSpeed(speed: number): void;
  pictureInPicture(): void;
}

interface Parts {
  box: RefObject<HTMLDivElement | null>;
  video: RefObject<HTMLVideoElement | null>;
  skip: Skip | null;
  next: (() => void) | null;
}

interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?(): void;
}

/** Everything a viewer can do to the video, for buttons and keys alike. */
export function useActions({ box, video, skip, next }: Parts): PlayerActions {
  const withVideo = (run: (element: AppleVideo) => void) => () => {
    if (video.current) run(video.current);
  };
  const seekTo = (seconds: number) =>
    withVideo((element) => {
      element.currentTime = Math.min(Math.max(0, seconds), element.duration || 0);
    })();
  const setVolume = (volume: number) =>
    withVideo((element) => {
      element.volume = Math.min(1, Math.max(0, volume));
      element.muted = element.volume === 0;
      keep('volume', String(element.volume));
    })();
  return {
    seekTo,
    setVolume,
    toggle: withVideo((element) => {
      if (element.paused) element.play().catch(() => undefined);
      else element.pause();
    }),
    seekBy: (seconds) => withVideo((element) => seekTo(element.currentTime + seconds))(),
    seekToPart: (part) => withVideo((element) => seekTo(element.duration * part))(),
    volumeBy: (step) => withVideo((element) => setVolume(element.volume + step))(),
    setSpeed: (speed) =>
      withVideo((element) => {
        element.playbackRate = speed;
      })(),
    mute: withVideo((element) => {
      element.muted = !element.muted;
    }),
    pictureInPicture: withVideo((element) => {
      if (document.pictureInPictureElement) void document.exitPictureInPicture();
      else element.requestPictureInPicture().catch(() => undefined);
    }),
    fullscreen: withVideo((element) => {
      if (document.fullscreenElement) void document.exitFullscreen();
      else if (box.current?.requestFullscreen) box.current.requestFullscreen().catch(() => undefined);
      else element.webkitEnterFullscreen?.(); // the iPhone makes only a video itself full screen
    }),
    next: () => next?.(),
    skip: () => {
      if (skip) seekTo(skip.to);
    },
  };
}
