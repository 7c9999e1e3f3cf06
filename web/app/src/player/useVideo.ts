import { type RefObject, useEffect, useState } from 'react';

export interface VideoState {
  paused: boolean;
  waiting: boolean;
  ended: boolean;
  time: number;
  duration: number;
  buffered: number;
  volume: number;
  muted: boolean;
  speed: number;
}

const initial: VideoState = {
  paused: true,
  waiting: false,
  ended: false,
  time: 0,
  duration: 0,
  buffered: 0,
  volume: 1,
  muted: false,
  speed: 1,
};

const events = [
  ...['play', 'pause', 'ended', 'timeupdate', 'durationchange', 'progress', 'seeking', 'seeked'],
  ...['volumechange', 'ratechange', 'waiting', 'playing', 'canplay', 'emptied'],
];

function read(video: HTMLVideoElement): VideoState {
  const { buffered } = video;
  return {
    paused: video.paused,
    waiting: !video.paused && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA,
    ended: video.ended,
    time: video.currentTime,
    duration: Number.isFinite(video.duration) ? video.duration : 0,
    buffered: buffered.length > 0 ? buffered.end(buffered.length - 1) : 0,
    volume: video.volume,
    muted: video.muted,
    speed: video.playbackRate,
  };
}

/** What the video element is doing, as state. */
export function useVideo(video: RefObject<HTMLVideoElement | null>): VideoState {
  const [state, setState] = useState(initial);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const update = () => setState(read(element));
    for (const name of events) element.addEventListener(name, update);
    return () => {
      for (const name of events) element.removeEventListener(name, update);
    };
  }, [video]);
  return state;
}
