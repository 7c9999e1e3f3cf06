import { useState } from 'react';
import { resumePoint, useProgress } from '../progress/book';
import type { VideoState } from './useVideo';

// Nearer than this nobody would want to be taken there.
const worthGoing = 10;

/**
 * The place to which another device went while this player pauses, or zero. A player that
 * runs is left alone: what it saves next is the latest, and holds.
 */
export function useElsewhere(titleId: number, episode: number, now: VideoState): number {
  const known = useProgress()[titleId]?.episodes[episode];
  const [first] = useState(known);
  if (!now.paused || !known?.elsewhere || known.at === first?.at) return 0;
  const place = resumePoint(titleId, episode);
  return Math.abs(place - now.time) > worthGoing ? place : 0;
}
