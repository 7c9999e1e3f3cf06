import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Push, Realtime, type RealtimeOptions, type RealtimeStatus, type Socket } from './realtime';

class FakeSocket implements Socket {
  sent: { type: string; data?: Record<string, unknown> }[] = [];
  closedWith: number | undefined;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }

  close(code?: number) {
    this.closedWith = code;
  }

  says(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  hello(position = 'e:10') {
    this.says({ type: 'hello', data: { position } });
  }

  subscribed(data: object) {
    this.says({ type: 'subscribed', data: { types: [], ...data } });
  }

  push(n: number) {
    this.says({
      type: 'new_episode',
      event_id: `id${n}`,
      position: `e:${n}`,
      data: { title_id: n, episode: 1 },
    });
  }

  breaks(code = 1006, reason = '') {
    this.onclose?.({ code, reason });
  }

  last() {
    return this.sent.at(-1);
  }
}

function setUp(options: Partial<RealtimeOptions> = {}) {
  const sockets: FakeSocket[] = [];
  const pushes: string[] = [];
  const states: RealtimeStatus[] = [];
  const gaps = vi.fn();
  const realtime = new Realtime({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    types: ['new_episode'],
    token: () => null,
    renew: async () => false,
    onPush: (push: Push) => pushes.push(push.event_id),
    onStatus: (state) => states.push(state),
    onGap: gaps,
    random: () => 1,
    ...options,
  });
  realtime.start();
  const socket = (n: number) => sockets[n] as FakeSocket;
  return { realtime, sockets, socket, pushes, states, gaps };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('greeting', () => {
  test('subscribes after hello, without since at first', () => {
    const { socket, states } = setUp();
    expect(socket(0).sent).toEqual([]);
    socket(0).hello();
    expect(socket(0).sent).toEqual([{ type: 'subscribe_updates', data: { types: ['new_episode'] } }]);
    expect(states).toEqual(['connecting', 'live']);
  });

  test('introduces itself before it subscribes', () => {
    const { socket } = setUp({ token: () => 'secret' });
    socket(0).hello();
    expect(socket(0).sent.map(({ type }) => type)).toEqual(['auth', 'subscribe_updates']);
    expect(socket(0).sent[0]?.data).toEqual({ token: 'secret' });
  });

  test('begins where the shown data was read', () => {
    const { realtime, socket } = setUp();
    realtime.seed('e:7');
    realtime.seed('e:9');
    socket(0).hello('e:10');
    expect(socket(0).last()?.data?.since).toBe('e:7');
  });

  test('a handshake without an answer is given up', () => {
    const { sockets, socket } = setUp();
    vi.advanceTimersByTime(10_000);
    expect(socket(0).closedWith).toBe(4000);
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(2);
  });
});

describe('events', () => {
  test('an event that comes twice is told once', () => {
    const { socket, pushes } = setUp();
    socket(0).hello();
    socket(0).push(11);
    socket(0).push(11);
    socket(0).push(12);
    expect(pushes).toEqual(['id11', 'id12']);
  });

  test('garbage and unknown frames are let pass', () => {
    const { socket, pushes } = setUp();
    socket(0).hello();
    socket(0).onmessage?.({ data: 'not json' });
    socket(0).onmessage?.({ data: 'null' });
    socket(0).says({ type: 'something_new', data: {} });
    socket(0).push(11);
    expect(pushes).toEqual(['id11']);
  });
});

describe('reconnecting', () => {
  test('asks for what came after the last event seen', () => {
    const { socket } = setUp();
    socket(0).hello('e:10');
    socket(0).subscribed({ position: 'e:10', recovered: true, count: 0 });
    socket(0).push(11);
    socket(0).breaks();
    vi.advanceTimersByTime(500);
    socket(1).hello('e:15');
    expect(socket(1).last()?.data?.since).toBe('e:11');
  });

  test('a break between two missed events loses neither', () => {
    const { socket, pushes } = setUp();
    socket(0).hello('e:10');
    socket(0).subscribed({ position: 'e:10', recovered: true, count: 0 });
    socket(0).breaks();
    vi.advanceTimersByTime(500);
    socket(1).hello('e:12');
    socket(1).subscribed({ position: 'e:12', recovered: true, count: 2 });
    socket(1).push(11);
    socket(1).breaks();
    vi.advanceTimersByTime(1000);
    socket(2).hello('e:12');
    expect(socket(2).last()?.data?.since).toBe('e:11');
    socket(2).push(12);
    expect(pushes).toEqual(['id11', 'id12']);
  });

  test('events lost for good are a gap, and the position moves on', () => {
    const { socket, gaps } = setUp();
    socket(0).hello('old:10');
    socket(0).subscribed({ position: 'old:10', recovered: true, count: 0 });
    expect(gaps).not.toHaveBeenCalled();
    socket(0).breaks();
    vi.advanceTimersByTime(500);
    socket(1).hello('new:3');
    socket(1).subscribed({ position: 'new:3', recovered: false, count: 0 });
    expect(gaps).toHaveBeenCalledOnce();
    socket(1).breaks();
    vi.advanceTimersByTime(1000);
    socket(2).hello('new:4');
    expect(socket(2).last()?.data?.since).toBe('new:3');
  });

  test('backs off further with each failure and starts afresh once stable', () => {
    const { sockets, socket } = setUp();
    for (const [n, wait] of [500, 1000, 2000, 4000].entries()) {
      socket(n).breaks();
      vi.advanceTimersByTime(wait - 1);
      expect(sockets).toHaveLength(n + 1);
      vi.advanceTimersByTime(1);
      expect(sockets).toHaveLength(n + 2);
    }
    socket(4).hello();
    vi.advanceTimersByTime(5000);
    socket(4).breaks();
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(6);
  });

  test('a planned restart is waited out for as long as the server asks', () => {
    const { sockets, socket } = setUp();
    socket(0).hello();
    socket(0).says({ type: 'reconnect', data: { retry_in_ms: 7000 } });
    socket(0).breaks(1001);
    vi.advanceTimersByTime(6999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });

  test('close 1012 brings the delay in its reason', () => {
    const { sockets, socket } = setUp();
    socket(0).breaks(1012, '{"retry_in_ms":3000}');
    vi.advanceTimersByTime(2999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });

  test('does not wait when the network returns', () => {
    const { realtime, sockets, socket } = setUp();
    socket(0).breaks();
    realtime.wake();
    expect(sockets).toHaveLength(2);
    realtime.wake();
    expect(sockets).toHaveLength(2);
  });

  test('stop stays stopped', () => {
    const { realtime, sockets, socket, states } = setUp();
    socket(0).hello();
    realtime.stop();
    socket(0).breaks(1000);
    vi.advanceTimersByTime(120_000);
    expect(sockets).toHaveLength(1);
    expect(states.at(-1)).toBe('stopped');
  });
});

describe('heartbeat', () => {
  test('pings after silence only, and stays when answered', () => {
    const { sockets, socket } = setUp();
    socket(0).hello();
    vi.advanceTimersByTime(24_000);
    socket(0).push(11);
    vi.advanceTimersByTime(24_000);
    expect(socket(0).last()?.type).toBe('subscribe_updates');
    vi.advanceTimersByTime(1000);
    expect(socket(0).last()?.type).toBe('ping');
    socket(0).says({ type: 'pong' });
    vi.advanceTimersByTime(11_000);
    expect(sockets).toHaveLength(1);
  });

  test('a connection that answers no ping is dead', () => {
    const { sockets, socket } = setUp();
    socket(0).hello();
    vi.advanceTimersByTime(35_000);
    expect(socket(0).closedWith).toBe(4000);
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(2);
  });
});

describe('identity', () => {
  test('a token that comes later is sent on the open socket', () => {
    let token: string | null = null;
    const { realtime, socket } = setUp({ token: () => token });
    token = 'early';
    realtime.identify();
    expect(socket(0).sent).toEqual([]);
    token = null;
    socket(0).hello();
    token = 'fresh';
    realtime.identify();
    expect(socket(0).last()).toEqual({ type: 'auth', data: { token: 'fresh' } });
  });

  test('after signing out it connects as a stranger', () => {
    let token: string | null = 'mine';
    const { realtime, sockets, socket } = setUp({ token: () => token });
    socket(0).hello();
    token = null;
    realtime.identify();
    expect(sockets).toHaveLength(2);
    socket(1).hello();
    expect(socket(1).sent.map(({ type }) => type)).toEqual(['subscribe_updates']);
  });

  test('an expired token is renewed and sent', async () => {
    let token = 'old';
    const renew = async () => {
      token = 'new';
      return true;
    };
    const { socket } = setUp({ token: () => token, renew });
    socket(0).hello();
    socket(0).says({ type: 'auth_expired' });
    await vi.advanceTimersByTimeAsync(0);
    expect(socket(0).last()).toEqual({ type: 'auth', data: { token: 'new' } });
  });
});
