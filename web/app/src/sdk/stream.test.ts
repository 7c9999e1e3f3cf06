// The client of web/sdk without a WebSocket.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Options } from '../../../sdk/anihub.js';
import { FakeSocket, later, putBack, setUp, socket, startAfresh, streams, tick } from './fakes';

beforeEach(startAfresh);
afterEach(putBack);

describe('a stream', () => {
  async function streaming(options: Options = {}) {
    const server = streams();
    const all = setUp({ transport: 'sse', fetch: server.fetch, ...options });
    all.hub.subscribe({ titles: [5], types: ['new_episode'] });
    all.hub.subscribe({ titles: [6] });
    await tick();
    return { ...server, ...all };
  }

  test('asks for everything in one request, without a token in it', async () => {
    const { asked, at } = await streaming({ token: 'secret', position: 'e:3' });
    expect(asked).toHaveLength(1);
    expect(at(0).url.pathname).toBe('/api/anilibria/v2/events');
    expect(Object.fromEntries(at(0).url.searchParams)).toEqual({
      titles: '5,6',
      types: 'new_episode',
      since: 'e:3',
    });
    expect(at(0).init.headers).toEqual({ Authorization: 'Bearer secret' });
  });

  test('tells each event once and goes on from the last id', async () => {
    const { hub, heard, at } = await streaming();
    await at(0).opens('e:10');
    await at(0).says('subscribed', { position: 'e:10', recovered: true, count: 0 });
    await at(0).push(11);
    await at(0).push(12, '');
    expect(hub.position).toBe('e:11');
    at(0).fails();
    await later(500);
    expect(at(1).url.searchParams.get('since')).toBe('e:11');
    await at(1).opens('e:12', '');
    await at(1).says('subscribed', { position: 'e:12', recovered: true, count: 1 });
    await at(1).push(12);
    expect(heard).toEqual(['id11', 'id12']);
  });

  test('is read however it is cut', async () => {
    const { heard, at } = await streaming();
    await at(0).opens();
    const frame = '{"type":"new_episode","event_id":"a: \u2028","position":"e:11","data":{}}';
    for (const byte of `id: e:11\nevent: new_episode\ndata: ${frame}\n\n: still here\n\n`)
      await at(0).writes(byte);
    expect(heard).toEqual(['a: \u2028']);
  });

  test('begins anew when something else is wanted', async () => {
    const { hub, asked, at } = await streaming();
    await at(0).opens();
    hub.subscribe({ titles: [7] });
    hub.subscribe({ titles: [8] }).unsubscribe();
    await tick();
    expect(asked).toHaveLength(2);
    expect(at(1).url.searchParams.get('titles')).toBe('5,6,7');
    expect(at(0).init.signal?.aborted).toBe(true);
  });

  test('for nobody who wants nothing', async () => {
    const { asked, fetch, at } = streams();
    const { hub } = setUp({ transport: 'sse', fetch });
    hub.connect();
    await later(60_000);
    expect(asked).toHaveLength(0);
    hub.subscribe({ titles: [1] });
    await tick();
    expect(at(0).url.search).toBe('?titles=1');
  });

  test('lives on comments and is dead without', async () => {
    const { states, at } = await streaming();
    await at(0).opens();
    for (let n = 0; n < 4; n++) {
      await later(25_000);
      await at(0).writes(': still here\n\n');
    }
    expect(states.at(-1)?.state).toBe('open');
    await later(35_000);
    expect(states.at(-1)).toEqual({ state: 'waiting', retryIn: 500 });
  });

  test.each([
    [1012, '{"retry_in_ms":4000}', { state: 'waiting', retryIn: 4000 }],
    [4403, 'banned', { state: 'closed', code: 4403, reason: 'banned' }],
    [4008, 'slow consumer', { state: 'waiting', retryIn: 0 }],
  ])('is closed as a socket is: %i', async (code, reason, expected) => {
    const { states, at } = await streaming();
    await at(0).opens();
    await at(0).says('close', { code, reason });
    expect(states[2]).toEqual(expected);
  });

  test.each([
    [503, { 'Retry-After': '7' }, { state: 'waiting', retryIn: 7000 }],
    [429, { 'Retry-After': '1' }, { state: 'waiting', retryIn: 1000 }],
    [500, {}, { state: 'waiting', retryIn: 500 }],
    [403, {}, { state: 'closed', code: 403, reason: 'NO' }],
    [401, {}, { state: 'closed', code: 4401, reason: 'NO' }],
  ])('that is refused with %i', async (status, headers, expected) => {
    const { states, at } = await streaming();
    await at(0).refuses(status, 'NO', headers);
    expect(states.at(-1)).toEqual(expected);
  });

  test('a subscription that is not acceptable is refused', async () => {
    const { hub, at, errors } = await streaming();
    await at(0).opens();
    await at(0).says('subscribed', { position: 'e:10', recovered: true, count: 0 });
    const { ready } = hub.subscribe({ titles: [-1] });
    await tick();
    await at(1).refuses(422, 'BAD_PARAMETER');
    await expect(ready).rejects.toMatchObject({ code: 'BAD_PARAMETER' });
    await tick();
    expect(at(2).url.searchParams.get('titles')).toBe('5,6');
    expect(errors).toEqual(['BAD_PARAMETER']);
  });

  test('a token that is refused is renewed, or done without', async () => {
    let fresh: string | null = 'new';
    const { at } = await streaming({ token: ({ renew }) => (renew ? fresh : 'old') });
    await at(0).refuses(401, 'TOKEN_INVALID');
    await later(500);
    expect(at(1).init.headers).toEqual({ Authorization: 'Bearer new' });
    fresh = null;
    await at(1).refuses(401, 'TOKEN_INVALID');
    await later(1000);
    expect(at(2).init.headers).not.toEqual({ Authorization: 'Bearer new' });
  });

  test('is asked for with the token of who signs in while it is begun', async () => {
    let given = (_: string | null) => {};
    const { hub, at } = await streaming({ token: () => new Promise((resolve) => (given = resolve)) });
    hub.auth('mine');
    await tick();
    given(null);
    await tick();
    expect(at(0).init.headers).toEqual({ Authorization: 'Bearer mine' });
  });

  test('whose token expires begins anew with another', async () => {
    const { at } = await streaming({ token: ({ renew }) => (renew ? 'new' : 'old') });
    await at(0).opens();
    await at(0).says('auth_expired', { seconds: 30 });
    expect(at(1).init.headers).toEqual({ Authorization: 'Bearer new' });
  });

  test('that is closed by whoever hears of an error stays closed', async () => {
    const { hub, asked, at } = await streaming();
    hub.on('error', () => hub.close());
    await at(0).refuses(503, 'BUSY');
    await later(60_000);
    expect([hub.state, asked.length]).toEqual(['closed', 1]);
  });

  test('that is closed between two events tells only the first', async () => {
    const { hub, heard, at } = await streaming();
    hub.on('new_episode', () => hub.close());
    await at(0).opens();
    const event = (n: number) => `data: {"type":"new_episode","event_id":"id${n}","data":{}}\n\n`;
    await at(0).writes(event(11) + event(12));
    expect(heard).toEqual(['id11']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that is closed before its refusal is read tells nothing', async () => {
    const { hub, at, errors } = await streaming();
    at(0).respond(Response.json({}, { status: 503 }));
    hub.close();
    await tick();
    expect([hub.state, errors]).toEqual(['closed', []]);
  });

  test('tells of what is lost', async () => {
    const { lost, at } = await streaming({ position: 'e:1' });
    await at(0).opens('f:10', '');
    await at(0).says('subscribed', { position: 'f:10', recovered: false, count: 0 }, {}, 'f:10');
    expect(lost).toEqual(['f:10']);
  });
});

describe('without sockets', () => {
  test('a stream is opened where there is no WebSocket', async () => {
    const { asked, fetch } = streams();
    vi.stubGlobal('WebSocket', undefined);
    setUp({ fetch, WebSocket: undefined }).hub.subscribe({ types: ['new_title'] });
    await tick();
    expect(asked).toHaveLength(1);
  });

  test('and where none can be opened twice in a row; a socket is tried again afterwards', async () => {
    const { fetch, at, asked } = streams();
    const { hub, states } = setUp({ fetch });
    hub.subscribe({ types: ['new_title'] });
    socket(0).breaks();
    await later(500);
    socket(1).breaks();
    await tick();
    expect(asked).toHaveLength(1);
    await at(0).opens();
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'waiting', 'connecting', 'open']);
    await at(0).ends();
    await later(1000);
    expect(FakeSocket.all).toHaveLength(3);
    socket(2).breaks();
    await tick();
    expect(asked).toHaveLength(2);
  });

  test('a policy that forbids sockets leads to a stream too', async () => {
    const { asked, fetch } = streams();
    class Forbidden {
      constructor() {
        throw new Error('SecurityError');
      }
    }
    setUp({ fetch, WebSocket: Forbidden as never }).hub.subscribe({ types: ['new_title'] });
    await later(600);
    expect(asked).toHaveLength(1);
  });

  test('whoever wants sockets only gets no stream', async () => {
    const { asked, fetch } = streams();
    setUp({ fetch, transport: 'websocket' }).hub.subscribe({ types: ['new_title'] });
    for (let n = 0; n < 5; n++) {
      socket(n).breaks();
      await later(500 * 2 ** n);
    }
    expect(asked).toHaveLength(0);
    expect(FakeSocket.all).toHaveLength(6);
  });
});
