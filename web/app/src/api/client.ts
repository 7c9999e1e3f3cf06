import { ApiError, readError } from './error';
import type { Envelope } from './types';

export type Query = Record<string, string | number | boolean | undefined>;

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  query?: Query;
  body?: unknown;
  /** Sent as it is, in place of a body of JSON. */
  file?: Blob;
  /** Sends the access token, and renews it once when the server says 401. */
  auth?: boolean;
  /** A token to send as it is, when there is no session around it any more. */
  token?: string | null;
  signal?: AbortSignal;
  /** Sent to the end even when the page goes away meanwhile. */
  keepalive?: boolean;
}

/** What the client needs to know about whoever is signed in. */
export interface Tokens {
  current(): string | null;
  /** Renews the access token; false when there is nobody to renew it for. */
  refresh(): Promise<boolean>;
}

export interface ClientDeps {
  fetch: typeof fetch;
  language(): string;
  tokens: Tokens;
  /** Told the stream position that a catalogue answer was read at. */
  onPosition?(position: string): void;
  /** Answers asked for before the bundle was there; each is used once. */
  early?: Record<string, Promise<Response>>;
}

export type Client = ReturnType<typeof createClient>;

/** The one way this page talks to `/api`. */
export function createClient(deps: ClientDeps) {
  async function send(url: string, options: RequestOptions): Promise<Response> {
    const early = takeEarly(deps.early, url, options);
    try {
      return await (early ?? deps.fetch(url, buildInit(deps, options)));
    } catch (cause) {
      if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
      throw new ApiError({ code: 'NETWORK', status: 0, message: String(cause) });
    }
  }

  /** The answer as it came, for instance a file; every failure is an ApiError. */
  async function respond(path: string, options: RequestOptions = {}): Promise<Response> {
    const url = withQuery(path, options.query);
    if (options.auth && deps.tokens.current() === null) await deps.tokens.refresh();
    let response = await send(url, options);
    if (response.status === 401 && options.auth && (await deps.tokens.refresh())) {
      response = await send(url, options);
    }
    const position = response.headers.get('X-Stream-Position');
    if (position) deps.onPosition?.(position);
    if (!response.ok) throw await readError(response);
    return response;
  }

  async function request<T>(path: string, options: RequestOptions = {}): Promise<Envelope<T>> {
    const response = await respond(path, options);
    const body = await readBody<T>(response);
    const subscribers = Number(response.headers.get('X-Subscribers'));
    return subscribers > 0 ? { ...body, subscribers } : body;
  }

  return Object.assign(request, { respond });
}

function buildInit(deps: ClientDeps, options: RequestOptions): RequestInit {
  const headers: Record<string, string> = { 'Accept-Language': deps.language() };
  const token = options.auth ? deps.tokens.current() : options.token;
  if (token) headers.Authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.file) headers['Content-Type'] = options.file.type || 'application/octet-stream';
  return {
    method: options.method ?? 'GET',
    headers,
    body: options.body === undefined ? options.file : JSON.stringify(options.body),
    signal: options.signal,
    keepalive: options.keepalive,
    credentials: 'same-origin',
  };
}

function takeEarly(early: ClientDeps['early'], url: string, options: RequestOptions) {
  const answer = early?.[url];
  if (!early || !answer || (options.method ?? 'GET') !== 'GET') return undefined;
  delete early[url];
  return answer;
}

async function readBody<T>(response: Response): Promise<Envelope<T>> {
  if (response.status === 204) return { data: undefined as T };
  try {
    const body = (await response.json()) as Envelope<T>;
    if (body === null || typeof body !== 'object' || !('data' in body)) throw new Error('no data');
    return body;
  } catch (cause) {
    // A proxy's HTML page with status 200 must not look like an empty catalogue.
    throw new ApiError({ code: 'BAD_ANSWER', status: response.status, message: String(cause) });
  }
}

export function withQuery(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`;
}
