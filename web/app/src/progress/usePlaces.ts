import { useEffect, useState } from 'react';
import { api } from '../api';
import type { TitleProgress } from '../api/schema.gen';
import type { Title } from '../api/types';
import { posterURL } from '../format';
import { type Query, useQuery } from '../query';
import { useSession } from '../subscriptions';
import { sortedEpisodes } from '../title/episodes';
import { absorb } from './book';
import { placesKey } from './elsewhere';
import { isMarkUnsent } from './sync';

const patience = 2500;

function placesOf(id: number): Query<TitleProgress> {
  return {
    key: placesKey(id),
    load: () => api<TitleProgress>(`/api/users/progress/${id}`, { auth: true }),
  };
}

/**
 * Brings the viewer's places of other devices into the book. True when they are
 * there, or it makes no sense to wait for them: a player that started before
 * would begin anew, and save that.
 */
export function usePlaces(title: Title): boolean {
  const { status } = useSession();
  const { answer, error } = useQuery(status === 'user' ? placesOf(title.id) : null);
  const [settled, setSettled] = useState(false);
  const waited = useWaited();
  useEffect(() => {
    if (answer) absorbAnswer(title, answer.data);
    if (answer || error || status === 'guest') setSettled(true);
  }, [title, answer, error, status]);
  return settled || waited;
}

function useWaited(): boolean {
  const [waited, setWaited] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setWaited(true), patience);
    return () => clearTimeout(timer);
  }, []);
  return waited;
}

function absorbAnswer(title: Title, { episodes }: TitleProgress): void {
  const durations = new Map(sortedEpisodes(title).map(({ ordinal, duration }) => [ordinal, duration ?? 0]));
  const remote = episodes.map(({ episode, seconds, watched, updated_at }) => ({
    episode,
    seconds,
    watched: watched || isMarkUnsent(title.id, episode),
    at: Date.parse(updated_at ?? '') || 0,
    duration: durations.get(episode) ?? 0,
  }));
  absorb({ id: title.id, names: title.names, poster: posterURL(title.poster, 'small') }, remote);
}
