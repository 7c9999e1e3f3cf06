// The client of web/sdk: what is wanted, and by whom.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeSocket, later, live, putBack, setUp, socket, startAfresh, tick } from './fakes';

beforeEach(startAfresh);
afterEach(putBack);

describe('subscriptions', () => {
  test('made together are one command', async () => {
    const { hub } = await live();
    for (let id = 1; id <= 100; id++) hub.subscribe({ titles: [id] });
    await tick();
    expect(socket(0).of('subscribe_updates')).toHaveLength(2);
    expect(socket(0).of('subscribe_updates').at(-1)?.titles).toHaveLength(100);
  });

  test('of which one is refused cost the others nothing', async () => {
    const { hub, errors } = await live();
    const good = hub.subscribe({ titles: [5] });
    const bad = hub.subscribe({ titles: [-5] });
    await tick();
    socket(0).refuses('subscribe_updates', 'BAD_DATA');
    await tick();
    await socket(1).hello();
    expect(socket(1).of('subscribe_updates')).toEqual([
      { types: ['new_episode'] },
      { titles: [5] },
      { titles: [-5] },
    ]);
    socket(1).refuses('subscribe_updates', 'BAD_DATA');
    socket(1).answer('subscribed');
    socket(1).answer('subscribed');
    socket(1).answer('resumed');
    await expect(good.ready).resolves.toMatchObject({ recovered: true });
    await expect(bad.ready).rejects.toMatchObject({ code: 'BAD_DATA' });
    expect(errors).toEqual(['BAD_DATA']);
  });

  test('of which one is refused at the beginning are not all taken for granted', async () => {
    const { hub } = setUp();
    const good = hub.subscribe({ titles: [5] });
    const bad = hub.subscribe({ titles: [-5] });
    await socket(0).hello();
    socket(0).refuses('subscribe_updates', 'BAD_DATA');
    socket(0).answer('resumed');
    await socket(1).hello();
    socket(1).refuses('subscribe_updates', 'BAD_DATA');
    socket(1).answer('subscribed');
    socket(1).answer('resumed');
    await expect(good.ready).resolves.toMatchObject({ recovered: true });
    await expect(bad.ready).rejects.toMatchObject({ code: 'BAD_DATA' });
  });

  test('to nothing are a mistake', () => {
    const { hub } = setUp();
    expect(() => hub.subscribe({ titles: [] })).toThrow(TypeError);
    expect(hub.state).toBe('closed');
  });

  test('keep to half of the commands that are allowed', async () => {
    const { hub } = setUp();
    hub.connect();
    await socket(0).hello('e:1', { limits: { commands: 10, commands_seconds: 10 } });
    for (let id = 1; id <= 12; id++) hub.subscribe({ titles: [id], since: 'e:1' });
    await tick();
    expect(socket(0).sent).toHaveLength(5);
    await later(10_000);
    expect(socket(0).sent).toHaveLength(10);
    await later(10_000);
    expect(socket(0).sent.map(({ data }) => data?.titles)).toEqual(
      Array.from({ length: 12 }, (_, n) => [n + 1]),
    );
  });

  test('are kept where the server wants to know first who one is', async () => {
    const { hub, errors } = setUp();
    hub.subscribe({ types: ['new_episode'] });
    await socket(0).hello();
    socket(0).refuses('subscribe_updates', 'AUTH_REQUIRED');
    socket(0).refuses('resume', 'AUTH_REQUIRED');
    socket(0).breaks(4401, 'sign in first');
    await tick();
    expect([hub.state, errors]).toEqual(['closed', ['AUTH_REQUIRED', 'AUTH_REQUIRED']]);
    hub.auth('mine');
    hub.connect();
    await socket(1).hello();
    expect(socket(1).of('subscribe_updates')).toEqual([{ types: ['new_episode'] }]);
  });

  test('a title that nobody wants is unsubscribed from', async () => {
    const { hub } = await live();
    const first = hub.subscribe({ titles: [5, 6] });
    const second = hub.subscribe({ titles: [6] });
    await tick();
    first.unsubscribe();
    first.unsubscribe();
    expect(socket(0).of('unsubscribe_title')).toEqual([{ title_id: 5 }]);
    second.unsubscribe();
    expect(socket(0).of('unsubscribe_title')).toEqual([{ title_id: 5 }, { title_id: 6 }]);
    await expect(first.ready).rejects.toMatchObject({ code: 'UNSUBSCRIBED' });
  });

  test('a type that nobody wants ends with the connection, and nothing is missed', async () => {
    const { hub, unsubscribe } = await live();
    hub.subscribe({ titles: [5] });
    await tick();
    socket(0).answer('subscribed');
    socket(0).push(11);
    unsubscribe();
    await tick();
    expect(socket(0).closed).toBe(true);
    await socket(1).hello('e:12');
    expect(socket(1).sent.map(({ type, data }) => [type, data])).toEqual([
      ['subscribe_updates', { titles: [5] }],
      ['resume', { position: 'e:11' }],
    ]);
  });

  test.each(['TRY_AGAIN', 'TIMEOUT', 'RATE_LIMITED'])('%s is tried again', async (code) => {
    const { hub, errors } = await live();
    const { ready } = hub.subscribe({ titles: [5] });
    await tick();
    socket(0).refuses('subscribe_updates', code);
    await later(500);
    await socket(1).hello();
    socket(1).answer('subscribed');
    socket(1).answer('resumed');
    await expect(ready).resolves.toMatchObject({ count: 0 });
    expect(errors).toEqual([]);
  });

  test('a position that is none is a loss, not a loop', async () => {
    const { hub, lost, errors } = setUp({ position: 'nonsense' });
    hub.subscribe({ types: ['new_episode'] });
    await socket(0).hello('e:10');
    socket(0).answer('subscribed');
    socket(0).refuses('resume', 'BAD_POSITION');
    expect([lost, errors, hub.position]).toEqual([['e:10'], ['BAD_POSITION'], 'e:10']);
  });
});

describe('identity', () => {
  test('is shown before anything is asked, never in the URL', async () => {
    const { hub } = setUp({ token: 'secret' });
    hub.subscribe({ types: ['new_episode'] });
    await socket(0).hello();
    expect(socket(0).sent.map(({ type }) => type)).toEqual(['auth', 'subscribe_updates', 'resume']);
    expect(socket(0).of('auth')).toEqual([{ token: 'secret' }]);
    expect(socket(0).url).not.toContain('secret');
  });

  test('who has a token hears of their own titles, also of those missed', async () => {
    const { hub } = setUp({ token: async () => 'secret', position: 'e:3' });
    const user = vi.fn();
    hub.on('auth', user);
    hub.connect();
    await socket(0).hello();
    socket(0).answer('auth_ok', { user_id: 'u' });
    expect(socket(0).sent.map(({ type }) => type)).toEqual(['auth', 'resume']);
    expect(user.mock.calls[0]?.[0].user_id).toBe('u');
  });

  test('a token that comes later is sent on the open connection', async () => {
    const { hub } = await live();
    hub.auth('fresh');
    await tick();
    expect(socket(0).of('auth')).toEqual([{ token: 'fresh' }]);
  });

  test('after signing out it connects as a stranger', async () => {
    const { hub } = await live({ token: 'mine' });
    hub.auth(null);
    await tick();
    expect(socket(0).closed).toBe(true);
    await socket(1).hello();
    expect(socket(1).sent.map(({ type }) => type)).toEqual(['subscribe_updates', 'resume']);
  });

  test('a token that expires is renewed on the open connection', async () => {
    const token = vi.fn(async ({ renew }: { renew: boolean }) => (renew ? 'new' : 'old'));
    await live({ token });
    socket(0).answer('auth_ok', { user_id: 'u' });
    socket(0).says('auth_expired', { seconds: 30 });
    await tick();
    expect(socket(0).of('auth')).toEqual([{ token: 'old' }, { token: 'new' }]);
  });

  test('a token that is refused is renewed once, and then it is a stranger’s connection', async () => {
    const token = vi.fn(async ({ renew }: { renew: boolean }) => (renew ? 'worse' : 'bad'));
    const { errors } = await live({ token });
    socket(0).refuses('auth', 'BAD_TOKEN');
    await tick();
    socket(0).refuses('auth', 'BAD_TOKEN');
    await later(60_000);
    expect(socket(0).of('auth')).toEqual([{ token: 'bad' }, { token: 'worse' }]);
    expect(errors).toEqual(['BAD_TOKEN', 'BAD_TOKEN']);
    expect(FakeSocket.all.length).toBeGreaterThanOrEqual(1);
  });

  test('a fixed token that is refused is not shown again', async () => {
    await live({ token: 'bad' });
    socket(0).refuses('auth', 'BAD_TOKEN');
    socket(0).breaks();
    await later(500);
    await socket(1).hello();
    expect(socket(1).of('auth')).toEqual([]);
  });

  test('4401 asks for a new token and comes back with it', async () => {
    const token = vi.fn(async ({ renew }: { renew: boolean }) => (renew ? 'new' : 'old'));
    await live({ token });
    socket(0).answer('auth_ok', { user_id: 'u' });
    socket(0).breaks(4401, 'token expired');
    await later(500);
    expect(token).toHaveBeenCalledWith({ renew: true });
    expect(FakeSocket.all).toHaveLength(2);
  });

  test('4401 of somebody who has no other token leads on as a stranger', async () => {
    let token: string | null = 'old';
    const { hub } = await live({ token: async () => token });
    socket(0).answer('auth_ok', { user_id: 'u' });
    token = null;
    socket(0).breaks(4401, 'signed out');
    await later(500);
    await socket(1).hello();
    expect(hub.state).toBe('open');
    expect(socket(1).of('auth')).toEqual([]);
  });

  test('4401 of a stranger is the end until somebody signs in', async () => {
    const { hub, states } = await live();
    socket(0).breaks(4401, 'sign in first');
    await later(600_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(states.at(-1)).toEqual({ state: 'closed', code: 4401, reason: 'sign in first' });
    hub.auth('mine');
    hub.connect();
    await socket(1).hello();
    expect(socket(1).sent.map(({ type }) => type)).toEqual(['auth', 'subscribe_updates', 'resume']);
  });

  test('users who are away for a moment are asked again, and what was missed is told', async () => {
    const { lost } = await live({ token: 'mine' });
    socket(0).refuses('auth', 'USERS_UNAVAILABLE');
    await later(5000);
    expect(socket(0).of('auth')).toHaveLength(2);
    socket(0).sent.shift();
    socket(0).answer('auth_ok', { user_id: 'u' });
    expect(lost).toEqual(['e:10']);
  });

  test('a connection of another user is left for a new one', async () => {
    const { hub } = await live({ token: 'mine' });
    hub.auth('hers');
    await tick();
    socket(0).refuses('auth', 'OTHER_USER');
    await tick();
    await socket(1).hello();
    expect(socket(1).of('auth')).toEqual([{ token: 'hers' }]);
  });

  test('a source of tokens that fails makes a stranger', async () => {
    vi.stubGlobal('reportError', () => {});
    const { hub } = setUp({ token: () => Promise.reject(new Error('offline')) });
    hub.subscribe({ types: ['new_episode'] });
    await socket(0).hello();
    expect(socket(0).sent.map(({ type }) => type)).toEqual(['subscribe_updates', 'resume']);
  });
});
