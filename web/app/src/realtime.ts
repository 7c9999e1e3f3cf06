// Client of `GET /api/anilibria/v2/ws`. It keeps one socket open for as long
// as the page lives and promises its listeners each event once and in order,
// across any number of reconnects: the position of the last frame seen goes
// into `since`, and what arrives twice is recognised by its `event_id`.

import { backoff, plannedDelay } from './realtime-delay';
import { type Command, type Frame, isPush, type Push, parseFrame } from './realtime-frames';

export type { Push } from './realtime-frames';
export type RealtimeStatus = 'connecting' | 'live' | 'waiting' | 'stopped';

/** The part of WebSocket used here, so that tests can bring their own. */
export interface Socket {
  send(text: string): void;
  close(code?: number): void;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
}

export interface RealtimeOptions {
  connect(): Socket;
  types: string[];
  /** The access token to introduce oneself with, if there is one. */
  token(): string | null;
  /** The server no longer takes the token; true once there is a new one. */
  renew(): Promise<boolean>;
  onPush(push: Push): void;
  onStatus?(status: RealtimeStatus): void;
  /** Events were lost for good: whatever is shown should be fetched again. */
  onGap?(): void;
  random?(): number;
}

const silenceBeforePing = 25_000;
const patienceForPong = 10_000;
const stableAfter = 5_000;
const remembered = 512;

export class Realtime {
  private socket: Socket | null = null;
  private position: string | null = null;
  private greetedYet = false;
  private attempt = 0;
  private plannedRetry: number | null = null;
  private readonly seen = new Set<string>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly options: RealtimeOptions) {}

  start(): void {
    if (this.socket) return;
    this.clear('retry');
    this.options.onStatus?.('connecting');
    const socket = this.options.connect();
    this.socket = socket;
    socket.onmessage = (event) => this.socket === socket && this.receive(event.data);
    socket.onclose = (event) => this.socket === socket && this.closed(event.code, event.reason);
    // A handshake that is never answered must not hold the page for ever.
    this.later('pong', patienceForPong, () => this.abandon());
  }

  stop(): void {
    this.drop(1000);
    this.clear('retry');
    this.options.onStatus?.('stopped');
  }

  /** The network is back: no reason to sit out the backoff. */
  wake(): void {
    if (!this.timers.has('retry')) return;
    this.attempt = 0;
    this.start();
  }

  /** Introduces the viewer, or, after signing out, starts afresh as a stranger. */
  identify(): void {
    // Before `hello` the socket may still be opening; the greeting does it then.
    if (!this.greetedYet) return;
    const token = this.options.token();
    if (token) {
      this.say({ type: 'auth', data: { token } });
      return;
    }
    this.drop(1000);
    this.start();
  }

  /** Where shown data was read at; events after it are still news. */
  seed(position: string): void {
    this.position ??= position;
  }

  private receive(raw: unknown): void {
    this.expectPing();
    const frame = parseFrame(raw);
    if (!frame) return;
    if (isPush(frame)) this.deliver(frame);
    else this.answer(frame);
  }

  private answer(frame: Frame): void {
    switch (frame.type) {
      case 'hello':
        this.greeted();
        break;
      case 'subscribed':
        this.subscribed(frame.data);
        break;
      case 'reconnect':
        this.plannedRetry = plannedDelay(frame.data) ?? 0;
        break;
      case 'auth_expired':
        void this.options.renew().then((renewed) => renewed && this.identify());
    }
  }

  private greeted(): void {
    this.greetedYet = true;
    this.options.onStatus?.('live');
    this.later('stable', stableAfter, () => {
      this.attempt = 0;
    });
    const token = this.options.token();
    if (token) this.say({ type: 'auth', data: { token } });
    const since = this.position ?? undefined;
    this.say({ type: 'subscribe_updates', data: { types: this.options.types, since } });
  }

  // While missed events are still to come, the position must stay where it is:
  // a connection that breaks between two of them has to ask for the rest again.
  private subscribed(data: Record<string, unknown>): void {
    if (!('types' in data) || typeof data.position !== 'string') return;
    const lost = data.recovered === false && this.position !== null;
    if (lost || this.position === null || data.count === 0) this.position = data.position;
    if (lost) this.options.onGap?.();
  }

  private deliver(push: Push): void {
    if (push.position) this.position = push.position;
    if (this.seen.has(push.event_id)) return;
    this.seen.add(push.event_id);
    if (this.seen.size > remembered) this.seen.delete(this.seen.values().next().value as string);
    this.options.onPush(push);
  }

  private expectPing(): void {
    this.clear('pong');
    this.later('ping', silenceBeforePing, () => {
      this.say({ type: 'ping' });
      this.later('pong', patienceForPong, () => this.abandon());
    });
  }

  private say(command: Command): void {
    this.socket?.send(JSON.stringify(command));
  }

  private abandon(): void {
    this.drop(4000);
    this.closed(1006, '');
  }

  private drop(code: number): void {
    const socket = this.socket;
    this.socket = null;
    this.greetedYet = false;
    for (const name of ['ping', 'pong', 'stable']) this.clear(name);
    socket?.close(code);
  }

  private closed(code: number, reason: string): void {
    this.drop(1000);
    const planned = code === 1012 ? (plannedDelay(reason) ?? this.plannedRetry) : this.plannedRetry;
    this.plannedRetry = null;
    const delay = planned ?? backoff(this.attempt++, this.options.random ?? Math.random);
    this.options.onStatus?.('waiting');
    this.later('retry', delay, () => this.start());
  }

  private later(name: string, ms: number, run: () => void): void {
    this.clear(name);
    const timer = setTimeout(() => {
      this.timers.delete(name);
      run();
    }, ms);
    this.timers.set(name, timer);
  }

  private clear(name: string): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }
}
