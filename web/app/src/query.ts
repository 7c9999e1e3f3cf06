import { useEffect, useSyncExternalStore } from 'react';
import { type ApiError, toApiError } from './api/error';
import type { Envelope } from './api/types';
import { freshness } from './freshness';

// A small cache of answers: what was fetched is shown at once and fetched again
// behind the reader's back when it is old.

export interface QueryState<T> {
  answer?: Envelope<T>;
  error?: ApiError;
  loading: boolean;
}

interface Entry {
  state: QueryState<unknown>;
  fetchedAt: number;
  load: () => Promise<Envelope<unknown>>;
  listeners: Set<() => void>;
  subscribe: (listener: () => void) => () => void;
  running: Promise<void> | null;
  timer?: ReturnType<typeof setTimeout>;
}

const freshFor = 60_000;
const staleRetry = 30_000;
const kept = 80;
const entries = new Map<string, Entry>();

export interface Query<T> {
  key: string;
  load: () => Promise<Envelope<T>>;
}

function entryOf<T>({ key, load }: Query<T>): Entry {
  const known = entries.get(key);
  if (known) {
    known.load = load;
    return known;
  }
  const entry = emptyEntry(load);
  entries.set(key, entry);
  forgetOldest();
  return entry;
}

function emptyEntry(load: Entry['load']): Entry {
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return { state: { loading: true }, fetchedAt: 0, load, listeners, subscribe, running: null };
}

function forgetOldest(): void {
  for (const [key, entry] of entries) {
    if (entries.size <= kept) return;
    if (entry.listeners.size === 0) entries.delete(key);
  }
}

function publish(entry: Entry, state: QueryState<unknown>): void {
  entry.state = state;
  for (const listener of entry.listeners) listener();
}

function run(entry: Entry): Promise<void> {
  clearTimeout(entry.timer);
  entry.running ??= fetchInto(entry).finally(() => {
    entry.running = null;
  });
  return entry.running;
}

async function fetchInto(entry: Entry): Promise<void> {
  publish(entry, { ...entry.state, loading: true });
  try {
    const answer = await entry.load();
    entry.fetchedAt = Date.now();
    publish(entry, { answer, loading: false });
    if (answer.meta?.freshness?.stale) again(entry, staleRetry);
  } catch (cause) {
    const error = toApiError(cause);
    publish(entry, { answer: entry.state.answer, error, loading: false });
    if (error.temporary) again(entry, Math.max(5, error.retryAfter ?? 15) * 1000);
  }
}

function again(entry: Entry, ms: number): void {
  clearTimeout(entry.timer);
  entry.timer = setTimeout(() => {
    if (entry.listeners.size > 0) void run(entry);
  }, ms);
}

const idle = emptyEntry(() => Promise.reject(new Error('an idle query is never loaded')));
idle.state = { loading: false };

/** Shows the answer of a query and keeps it current while it is shown; null asks for nothing. */
export function useQuery<T>(query: Query<T> | null): QueryState<T> & { retry: () => void } {
  const key = query?.key ?? '';
  const entry = query ? entryOf(query) : idle;
  const state = useSyncExternalStore(entry.subscribe, () => entry.state) as QueryState<T>;

  useEffect(() => {
    if (entry !== idle && Date.now() - entry.fetchedAt > freshFor) void run(entry);
  }, [entry]);

  const age = state.answer?.meta?.freshness;
  useEffect(() => freshness.report(key, age), [key, age]);

  return { ...state, retry: () => void run(entry) };
}

/** Fetches again everything shown, for instance after events were lost. */
export function refetchShown(matches: (key: string) => boolean = () => true): void {
  for (const [key, entry] of entries) {
    if (!matches(key)) continue;
    entry.fetchedAt = 0;
    if (entry.listeners.size > 0) void run(entry);
  }
}

/** Fetches again what failed: the network is back. */
export function retryFailed(): void {
  for (const entry of entries.values()) {
    if (entry.state.error && entry.listeners.size > 0) void run(entry);
  }
}

/** Changes a cached answer in place, for instance by an event. */
export function patchQuery<T>(key: string, change: (answer: Envelope<T>) => Envelope<T>): void {
  const entry = entries.get(key);
  if (!entry?.state.answer) return;
  publish(entry, { ...entry.state, answer: change(entry.state.answer as Envelope<T>) });
}

/** Starts a fetch before anything shows it, for instance under the pointer. */
export function prefetch<T>(query: Query<T>): void {
  const entry = entryOf(query);
  if (entry.fetchedAt === 0) void run(entry);
}

/** The answer that is known, or the first one there will be. */
export async function answerOf<T>(query: Query<T>): Promise<Envelope<T>> {
  const entry = entryOf(query);
  if (!entry.state.answer) await run(entry);
  if (!entry.state.answer) throw entry.state.error ?? new Error(`${query.key} has no answer`);
  return entry.state.answer as Envelope<T>;
}

/** Forgets everything about whoever was signed in. */
export function forgetQueries(matches: (key: string) => boolean): void {
  for (const [key, entry] of entries) {
    if (!matches(key)) continue;
    entry.fetchedAt = 0;
    publish(entry, { loading: false });
  }
}
