// The client of web/sdk: when it comes back, and how it finds out that it must.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeSocket, later, live, putBack, setUp, socket, startAfresh, tick } from './fakes';

beforeEach(startAfresh);
afterEach(putBack);

describe('how it comes back', () => {
  test('what a closing socket cannot be told is told to the next', async () => {
    const { hub } = await live();
    socket(0).readyState = 2;
    const before = socket(0).sent.length;
    hub.subscribe({ titles: [7] }).ready.catch(() => {});
    await tick();
    expect(socket(0).sent).toHaveLength(before);
    socket(0).breaks();
    await later(500);
    await socket(1).hello();
    expect(socket(1).sent.map(({ data }) => data?.titles)).toContainEqual([7]);
  });

  test('further apart with each failure, and afresh once stable', async () => {
    const { states } = await live({ transport: 'websocket' });
    await later(5000);
    for (const [n, wait] of [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
      socket(n).breaks();
      expect(states.at(-1)).toEqual({ state: 'waiting', retryIn: wait });
      await later(wait - 1);
      expect(FakeSocket.all).toHaveLength(n + 1);
      await later(1);
      expect(FakeSocket.all).toHaveLength(n + 2);
    }
    await socket(8).hello();
    await later(5000);
    socket(8).breaks();
    expect(states.at(-1)?.retryIn).toBe(500);
  });

  test('the wait is anywhere up to the ceiling', async () => {
    let chance = 0;
    const { states } = await live({ random: () => chance });
    for (const [n, [random, wait]] of [
      [0, 0],
      [0.25, 250],
    ].entries()) {
      chance = random as number;
      socket(n).breaks();
      expect(states.at(-1)?.retryIn).toBe(wait);
      await later(wait as number);
      await socket(n + 1).hello();
    }
  });

  test.each([
    [1000, '', 500],
    [1001, '', 500],
    [1006, '', 500],
    [1011, '', 500],
    [1012, '{"retry_in_ms":7000}', 7000],
    [1012, '{"retry_in_ms":0}', 0],
    [1012, 'bye', 500],
    [1012, '{"retry_in_ms":"5"}', 500],
    [1012, '{"retry_in_ms":-1}', 500],
    [1012, 'null', 500],
    [4008, 'slow consumer', 0],
    [4029, 'too many commands', 60_000],
    [4500, 'of tomorrow', 500],
  ])('after %i %s in %i ms', async (code, reason, wait) => {
    const { hub, states } = await live();
    socket(0).breaks(code, reason);
    expect(states.at(-1)).toEqual({ state: 'waiting', retryIn: wait });
    await later(wait);
    await socket(1).hello();
    expect(hub.state).toBe('open');
    expect(socket(1).of('resume')).toEqual([{ position: 'e:10' }]);
  });

  test.each([1002, 1003, 1007, 1009, 4403])('after %i not at all', async (code) => {
    const { hub, states } = await live();
    const pending = hub.subscribe({ titles: [9] }).ready;
    socket(0).breaks(code, 'why');
    await expect(pending).rejects.toMatchObject({ code: 'CLOSED' });
    hub.wake();
    await later(600_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(states.at(-1)).toEqual({ state: 'closed', code, reason: 'why' });
  });

  test('slow twice in a row is no longer at once', async () => {
    const { states } = await live();
    socket(0).breaks(4008);
    await tick();
    await socket(1).hello();
    socket(1).breaks(4008);
    expect(states.at(-1)?.retryIn).toBeGreaterThan(0);
  });

  test('as late as a reconnect frame asked, whatever the close says', async () => {
    const { states } = await live();
    socket(0).says('reconnect', { retry_in_ms: 7000 });
    socket(0).breaks(1001);
    expect(states.at(-1)?.retryIn).toBe(7000);
  });

  test('at once when the network returns, but not before the server wants it', async () => {
    const { hub, states } = await live();
    socket(0).breaks();
    hub.wake();
    hub.wake();
    expect(FakeSocket.all).toHaveLength(2);
    socket(1).breaks();
    expect(states.at(-1)?.retryIn).toBe(500); // as after the first failure
    FakeSocket.all.shift();
    hub.wake();
    await socket(1).hello();
    socket(1).breaks(1012, '{"retry_in_ms":9000}');
    hub.wake();
    await later(8999);
    expect(FakeSocket.all).toHaveLength(2);
    await later(1);
    expect(FakeSocket.all).toHaveLength(3);
  });

  test('a close stays closed, until somebody connects again', async () => {
    const { hub, heard, states } = await live();
    socket(0).breaks();
    await later(500);
    await socket(1).hello();
    FakeSocket.all.shift();
    socket(0).answer('subscribed');
    socket(0).answer('resumed');
    socket(0).push(11);
    hub.close();
    expect(socket(0).closed).toBe(true);
    socket(0).breaks(1000);
    socket(0).push(12);
    await later(120_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(heard).toEqual(['id11']);
    hub.connect();
    socket(1).breaks();
    expect(states.at(-1)?.retryIn).toBe(500);
    hub.wake();
    await socket(2).hello('e:20');
    expect(socket(2).of('resume')).toEqual([{ position: 'e:11' }]);
  });

  test('a close from a listener holds', async () => {
    for (const on of ['connecting', 'open', 'waiting'] as const) {
      FakeSocket.all = [];
      const { hub } = setUp();
      hub.on('state', ({ state }) => state === on && hub.close());
      hub.subscribe({ types: ['new_episode'] });
      await FakeSocket.all[0]?.hello();
      FakeSocket.all[0]?.breaks();
      await later(120_000);
      expect(hub.state).toBe('closed');
      expect(FakeSocket.all).toHaveLength(1);
    }
  });
});

describe('heartbeat', () => {
  test('asks after silence only, and stays when answered', async () => {
    await live();
    await later(24_000);
    socket(0).push(11);
    await later(24_000);
    expect(socket(0).of('ping')).toHaveLength(0);
    await later(1000);
    expect(socket(0).of('ping')).toHaveLength(1);
    socket(0).says('pong');
    await later(11_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  test('is as slow as the server says', async () => {
    setUp().hub.connect();
    await socket(0).hello('e:1', { ping_seconds: 5 });
    await later(5000);
    expect(socket(0).of('ping')).toHaveLength(1);
  });

  test('one question at a time, and none once it is closed', async () => {
    const { hub } = await live();
    hub.wake();
    hub.wake();
    expect(socket(0).of('ping')).toHaveLength(1);
    hub.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a connection that does not answer is dead', async () => {
    await live();
    await later(35_000);
    expect(socket(0).closed).toBe(true);
    await later(500);
    expect(FakeSocket.all).toHaveLength(2);
  });

  test('a page that is seen again asks at once', async () => {
    const page = Object.assign(new EventTarget(), { hidden: true });
    vi.stubGlobal('document', page);
    vi.stubGlobal('addEventListener', () => {});
    const removed = vi.fn();
    vi.stubGlobal('removeEventListener', removed);
    const forgotten = vi.spyOn(page, 'removeEventListener');
    const { hub } = await live();
    page.dispatchEvent(new Event('visibilitychange'));
    expect(socket(0).of('ping')).toHaveLength(0);
    page.hidden = false;
    page.dispatchEvent(new Event('visibilitychange'));
    expect(socket(0).of('ping')).toHaveLength(1);
    hub.close();
    expect([removed.mock.calls.length, forgotten.mock.calls.length]).toEqual([1, 1]);
  });
});
