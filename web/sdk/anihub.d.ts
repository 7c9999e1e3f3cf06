// Types of /sdk/anihub.js. The protocol behind them is docs/realtime.md.

/** How to reach a server, and as whom. */
export interface Options {
  /** Where AniHub is, with its path if it has one; without it, the origin that this module came from. */
  url?: string;
  /** An access token, or what gives one; null is a stranger. */
  token?: string | TokenSource | null;
  /** Where an earlier client stopped (`hub.position`). */
  position?: string | null;
  /** `auto` is a WebSocket, or Server-Sent Events where none can be opened. */
  transport?: 'auto' | 'websocket' | 'sse';
  /** The class to use where there is no global one, as in Node 20. */
  WebSocket?: SocketClass;
  /** Instead of the global one. */
  fetch?: typeof globalThis.fetch;
  /** From 0 to below 1, for the jitter. */
  random?: () => number;
}

/**
 * Called before each connection and, with `renew`, when the last token is worth nothing any more.
 * A promise has to settle: nothing is asked for before.
 */
export type TokenSource = (why: { renew: boolean }) => string | null | Promise<string | null>;

/** The part of WebSocket that is used. */
export interface Socket {
  /** As a WebSocket has it: over 1 while it closes and when it is closed. */
  readonly readyState?: number;
  send(text: string): void;
  close(code?: number): void;
  // biome-ignore lint/suspicious/noExplicitAny: every WebSocket has event types of its own
  onmessage: ((event: any) => void) | null;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onclose: ((event: any) => void) | null;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  onerror: ((event: any) => void) | null;
}

export type SocketClass = new (url: string) => Socket;

/** An episode that is new, or was changed. What is not known is null. */
export interface EpisodeData {
  title_id: number;
  /** May be 25.5. */
  episode: number;
  title: string | null;
  episode_name: string | null;
  poster: string | null;
  /** RFC 3339, UTC. */
  timestamp: string;
}

export interface NewTitleData {
  title_id: number;
  title: string | null;
  poster: string | null;
  genres: string[];
  timestamp: string;
}

export interface StatusChangeData {
  title_id: number;
  old_status: string | null;
  new_status: string | null;
  timestamp: string;
}

interface OnTheLog<Type extends string, Data> {
  type: Type;
  /** The same for the same event, on every instance and however often it comes. */
  event_id: string;
  position: string;
  data: Data;
}

export type NewEpisode = OnTheLog<'new_episode', EpisodeData>;
export type EpisodeUpdate = OnTheLog<'episode_update', EpisodeData>;
export type NewTitle = OnTheLog<'new_title', NewTitleData>;
export type StatusChange = OnTheLog<'status_change', StatusChangeData>;

/** What can be subscribed to; `type` tells which. */
export type AniHubEvent = NewEpisode | EpisodeUpdate | NewTitle | StatusChange;
export type EventType = AniHubEvent['type'];

/** What was read on another device of the same user. */
export interface NotificationRead {
  type: 'notification_read';
  data: { event_ids: string[]; up_to: string | null; unread: number };
}

/** What was watched on another device of the same user; the device that saved it hears of it too. */
export interface Progress {
  type: 'progress';
  /** `title_id` is null, without episodes, when much has changed: read progress again. */
  data: { title_id: number | null; episodes: WatchedEpisode[] };
}

/** Where the user is in an episode. */
export interface WatchedEpisode {
  /** May be 25.5. */
  episode: number;
  seconds: number;
  watched: boolean;
  /** RFC 3339, UTC; of several edits the latest holds. */
  updated_at: string;
}

export type State = 'connecting' | 'open' | 'waiting' | 'closed';

export interface StateChange {
  state: State;
  /** Why it is closed for good: a close code (docs/realtime.md) or an HTTP status. */
  code?: number;
  reason?: string;
  /** Milliseconds until the next attempt. */
  retryIn?: number;
}

/** What `on` calls back with. */
export interface Listeners {
  new_episode: NewEpisode;
  episode_update: EpisodeUpdate;
  new_title: NewTitle;
  status_change: StatusChange;
  /** Any of these four. */
  event: AniHubEvent;
  notification_read: NotificationRead;
  progress: Progress;
  state: StateChange;
  /** More was missed than the server remembers: what is shown has to be fetched again. */
  lost: { position: string };
  /** Signed in; the titles that the user follows are heard of from now on. */
  auth: { user_id: string; expires_at: string };
  error: AniHubError;
}

/** What to subscribe to: titles, types, or both. */
export interface Wish {
  /** News of these titles, of all types. */
  titles?: number[];
  /** News of these types, of all titles. */
  types?: EventType[];
  /** From this position on; without it, from now on or from where the client was. */
  since?: string | null;
}

/** Answer to a subscription. */
export interface Subscribed {
  position: string;
  /** False when the server no longer has what was missed; `lost` was told before. */
  recovered: boolean;
  /** How many missed events follow. */
  count: number;
}

export interface Subscription {
  /** Rejected with an AniHubError when the server refuses, and when it ends before an answer. */
  readonly ready: Promise<Subscribed>;
  unsubscribe(): void;
}

/** A refusal; `code` is stable (docs/realtime.md). */
export class AniHubError extends Error {
  constructor(error: { code: string; message?: string; details?: Record<string, unknown> });
  readonly code: string;
  readonly details: Record<string, unknown>;
}

/** One connection to a server, kept until close(); each event comes once and in order. */
export class AniHub {
  constructor(options?: Options);
  readonly state: State;
  readonly position: string | null;
  /** Calls listener until the function that it returns is called. */
  on<Type extends keyof Listeners>(type: Type, listener: (said: Listeners[Type]) => void): () => void;
  /** Every event from the moment that `for await` begins; it ends with close(). */
  events(): AsyncGenerator<AniHubEvent, void, undefined>;
  /** Asks for news of titles and of types, and connects. */
  subscribe(wish: Wish): Subscription;
  /** Connects without a subscription, and again after the state was closed. */
  connect(): void;
  /** Shows who one is now: this token, or what the `token` option gives; null is a stranger. */
  auth(token?: string | TokenSource | null): void;
  /** The network may be back: a wait ends, an open connection is asked whether it lives. */
  wake(): void;
  close(): void;
}
