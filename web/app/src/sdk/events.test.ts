// The client of web/sdk: what it asks for, and that each event comes once.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AniHubError } from '../../../sdk/anihub.js';
import { FakeSocket, later, live, putBack, type Sent, setUp, socket, startAfresh, tick } from './fakes';

beforeEach(startAfresh);
afterEach(putBack);

describe('connecting', () => {
  test('nothing is opened before somebody wants something', async () => {
    const { hub } = setUp();
    await tick();
    expect(FakeSocket.all).toHaveLength(0);
    expect(hub.state).toBe('closed');
    hub.connect();
    hub.connect();
    expect(FakeSocket.all).toHaveLength(1);
  });

  test.each([
    ['https://hub.example', 'wss://hub.example/api/anilibria/v2/ws'],
    ['http://hub.example:8080/under/', 'ws://hub.example:8080/under/api/anilibria/v2/ws'],
    ['https://hub.example/?token=secret#x', 'wss://hub.example/api/anilibria/v2/ws'],
  ])('%s is asked at %s', (url, expected) => {
    setUp({ url }).hub.connect();
    expect(socket(0).url).toBe(expected);
  });

  test.each(['ftp://hub.example', 'hub.example', ''])('%j is no address', (url) => {
    expect(() => setUp({ url })).toThrow(TypeError);
  });

  test('subscribes, then resumes from where hello was', async () => {
    const { hub, states } = setUp();
    const first = hub.subscribe({ titles: [3], types: ['new_title'] });
    hub.subscribe({ titles: [4, 3] });
    await socket(0).hello('e:10');
    expect(socket(0).sent.map(({ type, data }) => [type, data])).toEqual([
      ['subscribe_updates', { titles: [3, 4], types: ['new_title'] }],
      ['resume', { position: 'e:10' }],
    ]);
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'open']);
    socket(0).answer('subscribed');
    socket(0).answer('resumed', { count: 2 });
    expect(await first.ready).toEqual({ position: 'e:10', recovered: true, count: 2 });
  });

  test('who asks for nothing says nothing', async () => {
    setUp().hub.connect();
    await socket(0).hello();
    expect(socket(0).sent).toEqual([]);
  });

  test('begins where an earlier client stopped', async () => {
    const { hub } = setUp({ position: 'e:4' });
    hub.subscribe({ types: ['new_episode'] });
    await socket(0).hello('e:10');
    expect(socket(0).of('resume')).toEqual([{ position: 'e:4' }]);
  });

  test('begins where the shown data was read', async () => {
    const { hub } = setUp();
    hub.subscribe({ types: ['new_episode'], since: 'e:7' });
    await socket(0).hello('e:10');
    expect(socket(0).of('resume')).toEqual([{ position: 'e:7' }]);
  });

  test('a handshake without an answer is given up', async () => {
    setUp().hub.connect();
    await later(10_000);
    expect(socket(0).closed).toBe(true);
    await later(500);
    expect(FakeSocket.all).toHaveLength(2);
  });

  test('a server of another protocol is told of', async () => {
    const { hub, errors } = setUp();
    hub.connect();
    await socket(0).hello('e:1', { protocol: 2 });
    expect(errors).toEqual(['PROTOCOL']);
  });
});

describe('events', () => {
  test('are told once, in order, to the type and to all', async () => {
    const { hub, heard } = await live();
    const episodes: number[] = [];
    hub.on('new_episode', ({ data }) => episodes.push(data.title_id));
    for (const n of [11, 11, 12]) socket(0).push(n);
    socket(0).push(13, 'new_title');
    expect(heard).toEqual(['id11', 'id12', 'id13']);
    expect(episodes).toEqual([11, 12]);
    expect(hub.position).toBe('e:13');
  });

  test('a listener that throws is nobody else’s trouble, and is reported', async () => {
    const reported = vi.fn();
    vi.stubGlobal('reportError', reported);
    const { hub } = await live();
    const others: string[] = [];
    const defect = new Error('of a listener');
    hub.on('new_episode', () => {
      throw defect;
    });
    hub.on('new_episode', ({ event_id }) => others.push(event_id));
    socket(0).push(11);
    socket(0).push(12);
    expect(others).toEqual(['id11', 'id12']);
    expect(reported.mock.calls).toEqual([[defect], [defect]]);
  });

  test('a listener that left hears nothing more', async () => {
    const { hub } = await live();
    const heard = vi.fn();
    const off = hub.on('new_episode', heard);
    socket(0).push(11);
    off();
    off();
    socket(0).push(12);
    expect(heard).toHaveBeenCalledOnce();
  });

  test('what is remembered of events has an end', async () => {
    const { heard } = await live();
    for (let n = 11; n < 1011; n++) socket(0).push(n);
    socket(0).push(11);
    expect(heard).toHaveLength(1000);
    socket(0).push(1011);
    socket(0).push(11);
    expect(heard).toHaveLength(1002);
  });

  test('what is no frame is let pass, what is unknown is handed on', async () => {
    const { hub, heard } = await live();
    const read = vi.fn();
    hub.on('notification_read', read);
    const watched = vi.fn();
    hub.on('progress', watched);
    for (const data of ['not json', 'null', '7', '{}', '{"type":5}']) socket(0).onmessage?.({ data });
    socket(0).says('something_new');
    socket(0).says('notification_read', { event_ids: ['id3'], up_to: null, unread: 2 });
    socket(0).says('progress', { title_id: null, episodes: [] });
    socket(0).push(11);
    expect(heard).toEqual(['id11']);
    expect(watched.mock.calls[0]?.[0].data.title_id).toBeNull();
    expect(read.mock.calls[0]?.[0].data.unread).toBe(2);
  });

  test('can be walked through', async () => {
    const { hub } = await live();
    const walked: string[] = [];
    const walk = (async () => {
      for await (const event of hub.events()) walked.push(event.event_id);
    })();
    await tick();
    socket(0).push(11);
    socket(0).push(12);
    await tick();
    socket(0).push(13);
    await tick();
    expect(walked).toEqual(['id11', 'id12', 'id13']);
    hub.close();
    await walk;
  });
});

describe('a break', () => {
  test('is resumed from the last event, with all subscriptions in one', async () => {
    const { hub } = await live();
    hub.subscribe({ titles: [5] });
    await tick();
    socket(0).answer('subscribed');
    socket(0).push(11);
    socket(0).breaks();
    await later(500);
    await socket(1).hello('e:15');
    expect(socket(1).sent.map(({ type, data }) => [type, data])).toEqual([
      ['subscribe_updates', { titles: [5], types: ['new_episode'] }],
      ['resume', { position: 'e:11' }],
    ]);
  });

  test('between two missed events loses neither and doubles neither', async () => {
    const { heard } = await live();
    socket(0).breaks();
    await later(500);
    await socket(1).hello('e:13');
    socket(1).answer('subscribed', { position: 'e:13' });
    socket(1).answer('resumed', { position: 'e:13', count: 3 });
    socket(1).push(11);
    socket(1).push(12);
    socket(1).breaks();
    await later(1000);
    await socket(2).hello('e:14');
    expect(socket(2).of('resume')).toEqual([{ position: 'e:12' }]);
    socket(2).answer('subscribed', { position: 'e:14' });
    socket(2).answer('resumed', { position: 'e:14', count: 2 });
    for (const n of [12, 13, 14]) socket(2).push(n);
    expect(heard).toEqual(['id11', 'id12', 'id13', 'id14']);
  });

  test('the position does not pass what is still missing', async () => {
    const { hub, heard } = await live();
    socket(0).breaks();
    await later(500);
    await socket(1).hello('e:13');
    socket(1).answer('subscribed', { position: 'e:13' });
    socket(1).push(14); // live, before the answer to resume
    expect(hub.position).toBe('e:10');
    socket(1).answer('resumed', { position: 'e:14', count: 2 });
    socket(1).push(11);
    expect(hub.position).toBe('e:10');
    socket(1).push(12);
    expect(hub.position).toBe('e:14');
    expect(heard).toEqual(['id14', 'id11', 'id12']);
  });

  test('a subscription with a past of its own goes on there', async () => {
    const { hub } = await live();
    const { ready } = hub.subscribe({ titles: [5], since: 'e:2' });
    expect(socket(0).of('subscribe_updates').at(-1)).toEqual({ titles: [5], since: 'e:2' });
    socket(0).answer('subscribed', { count: 2, position: 'e:11' });
    expect((await ready).count).toBe(2);
    socket(0).push(3);
    expect(hub.position).toBe('e:10');
    socket(0).breaks();
    await later(500);
    await socket(1).hello('e:12');
    expect(socket(1).sent.map(({ type, data }) => [type, data])).toEqual([
      ['subscribe_updates', { types: ['new_episode'] }],
      ['resume', { position: 'e:10' }],
      ['subscribe_updates', { titles: [5], since: 'e:3' }],
    ]);
    socket(1).answer('subscribed');
    socket(1).answer('resumed');
    socket(1).answer('subscribed', { count: 1 });
    socket(1).push(4);
    socket(1).breaks();
    await later(1000);
    await socket(2).hello('e:12');
    expect(socket(2).of('subscribe_updates')).toEqual([{ types: ['new_episode'], titles: [5] }]);
  });

  test('with what the server no longer has is told, and goes on behind it', async () => {
    const { lost, hub } = await live();
    socket(0).breaks();
    await later(500);
    await socket(1).hello('f:3');
    socket(1).answer('subscribed', { position: 'f:3' });
    socket(1).answer('resumed', { position: 'f:3', recovered: false });
    expect(lost).toEqual(['f:3']);
    expect(hub.position).toBe('f:3');
  });

  test('a reset says the same of an open connection', async () => {
    const { lost, hub, heard } = await live();
    socket(0).says('reset', { epoch: 'g', position: 'g:0', recovered: false });
    expect(lost).toEqual(['g:0']);
    socket(0).push(11);
    expect(heard).toEqual(['id11']);
    expect(hub.position).toBe('e:11');
  });

  test('a reset ends every past, also one of its own', async () => {
    const { hub } = await live();
    hub.subscribe({ titles: [5], since: 'e:2' });
    socket(0).answer('subscribed', { count: 2, position: 'e:11' });
    socket(0).says('reset', { epoch: 'g', position: 'g:0', recovered: false });
    socket(0).breaks();
    await later(500);
    await socket(1).hello('g:1');
    expect(
      socket(1)
        .of('subscribe_updates')
        .every((data) => !data?.since),
    ).toBe(true);
    expect(socket(1).of('resume')).toEqual([{ position: 'g:0' }]);
  });

  test('a first subscription loses nothing: it had nothing', async () => {
    const { lost } = await live();
    expect(lost).toEqual([]);
  });
});

test('an error says what and why', async () => {
  const { hub } = await live();
  let error: AniHubError | undefined;
  hub.on('error', (told) => {
    error = told;
  });
  const { ready } = hub.subscribe({ titles: [0] });
  await tick();
  const command = socket(0).sent.at(-1) as Sent;
  socket(0).says(
    'error',
    { code: 'BAD_DATA', message: 'No.', details: { field: 'titles' } },
    { id: command.id },
  );
  await expect(ready).rejects.toBe(error);
  expect(error).toMatchObject({ name: 'AniHubError', message: 'No.', details: { field: 'titles' } });
});
