// What the tests of web/sdk talk to: sockets and streams that do what is asked of them.
import { vi } from 'vitest';
import { AniHub, type Options, type StateChange } from '../../../sdk/anihub.js';

export type Sent = { type: string; id?: number; data?: Record<string, unknown> };

export class FakeSocket {
  static all: FakeSocket[] = [];
  sent: Sent[] = [];
  closed = false;
  readyState = 1;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  says(type: string, data: object = {}, more: object = {}) {
    this.onmessage?.({ data: JSON.stringify({ type, data, ...more }) });
  }

  async hello(position = 'e:10', more: object = {}) {
    this.says('hello', { protocol: 1, position, ping_seconds: 25, ...more });
    await tick();
  }

  /** Answers the oldest command of a type that has no answer yet. */
  answer(type: string, data: object = {}) {
    const asked = { subscribed: 'subscribe_updates', resumed: 'resume', auth_ok: 'auth' }[type] ?? type;
    const at = this.sent.findIndex((command) => command.type === asked && !this.answered.has(command));
    const command = this.sent[at] as Sent;
    this.answered.add(command);
    this.says(type, { position: 'e:10', recovered: true, count: 0, ...data }, { id: command.id });
  }
  private readonly answered = new Set<Sent>();

  refuses(type: string, code: string) {
    const command = this.sent.findLast((one) => one.type === type) as Sent;
    this.says('error', { code, message: code }, { id: command.id });
  }

  push(n: number, type = 'new_episode') {
    this.says(type, { title_id: n }, { event_id: `id${n}`, position: `e:${n}` });
  }

  breaks(code = 1006, reason = '') {
    this.onclose?.({ code, reason });
  }

  of(type: string) {
    return this.sent.filter((command) => command.type === type).map(({ data }) => data);
  }
}

export const tick = () => vi.advanceTimersByTimeAsync(0);
export const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);
export const socket = (n: number) => FakeSocket.all[n] as FakeSocket;

export function setUp(options: Options = {}) {
  const hub = new AniHub({ url: 'https://hub.example/', WebSocket: FakeSocket, random: () => 1, ...options });
  const heard: string[] = [];
  const states: StateChange[] = [];
  const lost: string[] = [];
  const errors: string[] = [];
  hub.on('event', ({ event_id }) => heard.push(event_id));
  hub.on('state', (change) => states.push(change));
  hub.on('lost', ({ position }) => lost.push(position));
  hub.on('error', ({ code }) => errors.push(code));
  return { hub, heard, states, lost, errors };
}

/** A hub that is subscribed to new episodes, has had everything and stands at e:10. */
export async function live(options: Options = {}) {
  const all = setUp(options);
  const { ready, unsubscribe } = all.hub.subscribe({ types: ['new_episode'] });
  await socket(0).hello();
  socket(0).answer('subscribed');
  socket(0).answer('resumed');
  return { ...all, ready, unsubscribe };
}

/** A server of event streams: each request waits in `asked` for what the test says. */
export class FakeStream {
  readonly written = new TextEncoder();
  private sink!: ReadableStreamDefaultController<Uint8Array>;
  readonly body = new ReadableStream<Uint8Array>({
    start: (sink) => {
      this.sink = sink;
    },
  });

  constructor(
    readonly url: URL,
    readonly init: RequestInit,
    readonly respond: (response: Response) => void,
  ) {
    init.signal?.addEventListener('abort', () => this.fails());
  }

  async opens(position = 'e:10', id = position) {
    this.respond(new Response(this.body, { status: 200 }));
    await tick();
    await this.says('hello', { protocol: 1, position, ping_seconds: 25 }, {}, id);
  }

  async says(type: string, data: object, more: object = {}, id?: string) {
    const frame = JSON.stringify({ type, data, ...more });
    await this.writes(`${id ? `id: ${id}\n` : ''}event: ${type}\ndata: ${frame}\n\n`);
  }

  async push(n: number, id: string | undefined = `e:${n}`) {
    await this.says('new_episode', { title_id: n }, { event_id: `id${n}`, position: `e:${n}` }, id);
  }

  async writes(text: string) {
    this.sink.enqueue(this.written.encode(text));
    await tick();
  }

  async refuses(status: number, code: string, headers: Record<string, string> = {}) {
    this.respond(Response.json({ error: { code, message: code } }, { status, headers }));
    await tick();
  }

  fails() {
    try {
      this.sink.error(new TypeError('cut'));
    } catch {
      // it had ended already
    }
  }

  async ends() {
    this.sink.close();
    await tick();
  }
}

export function streams() {
  const asked: FakeStream[] = [];
  const fetch = (url: string | URL | Request, init: RequestInit = {}) =>
    new Promise<Response>((resolve) => {
      asked.push(new FakeStream(new URL(String(url)), init, resolve));
    });
  return { asked, fetch: fetch as typeof globalThis.fetch, at: (n: number) => asked[n] as FakeStream };
}

/** Puts the clock and the globals back, and forgets the sockets. */
export function startAfresh(): void {
  vi.useFakeTimers();
  FakeSocket.all = [];
}

export function putBack(): void {
  vi.useRealTimers();
  vi.unstubAllGlobals();
}
