// @vitest-environment happy-dom
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test, vi } from 'vitest';
import { en } from '../i18n/en';
import { ru } from '../i18n/ru';
import { deviceName } from './custody';
import { bytes, pushState, sameKey } from './push';

const script = readFileSync(new URL('../../public/sw.js', `file://${__dirname}/`).pathname, 'utf8');

interface Shown {
  title: string;
  body: string;
  tag: string;
  renotify: boolean;
  icon: string;
  data: { event: string; url: string };
}

/** The service worker, with everything around it in the hands of a test. */
function worker(lang: string) {
  const listeners: Record<string, (event: unknown) => void> = {};
  const shown: Shown[] = [];
  const pages: { url: string; focus: () => void }[] = [];
  const opened: string[] = [];
  const subscribed = vi.fn(async () => ({ toJSON: () => ({ endpoint: 'https://push.example/new' }) }));
  const self = {
    location: new URL(`https://site.example/sw.js?lang=${lang}`),
    addEventListener: (type: string, run: (event: unknown) => void) => {
      listeners[type] = run;
    },
    registration: {
      getNotifications: async ({ tag }: { tag: string }) => shown.filter((one) => one.tag === tag),
      showNotification: async (title: string, options: Omit<Shown, 'title'>) => {
        shown.unshift({ title, ...options });
      },
      pushManager: { subscribe: subscribed },
    },
    clients: {
      matchAll: async () => pages,
      openWindow: async (url: string) => {
        opened.push(url);
      },
    },
  };
  const asked = vi.fn();
  new Function('self', 'fetch', script)(self, asked);
  async function send(type: string, event: object): Promise<void> {
    let done: Promise<void> = Promise.resolve();
    listeners[type]?.({
      ...event,
      waitUntil: (work: Promise<void>) => {
        done = work;
      },
    });
    await done;
  }
  const push = (message: unknown) => send('push', { data: { json: () => message } });
  return { shown, pages, opened, asked, subscribed, send, push };
}

const episode = {
  type: 'new_episode',
  event_id: 'new_episode:7:3',
  title_id: 7,
  title: 'Соль',
  episode: 3,
  poster: 'https://img.example/p.jpg',
};

test('a message becomes a notification in the language of the page', async () => {
  for (const [lang, body] of [
    ['ru', 'Вышла серия 3'],
    ['en', 'Episode 3 is out'],
  ] as const) {
    const w = worker(lang);
    await w.push(episode);
    expect(w.shown[0]).toMatchObject({ title: 'Соль', body, icon: episode.poster, renotify: true });
    expect(w.shown[0]?.data.url).toBe('/title/7?ep=3');
  }
});

test('what is sent twice is heard once, and a later episode again', async () => {
  const w = worker('ru');
  await w.push(episode);
  await w.push(episode);
  await w.push({ ...episode, event_id: 'new_episode:7:4', episode: 4 });
  expect(w.shown.map(({ renotify }) => renotify)).toEqual([true, false, true]);
  expect(new Set(w.shown.map(({ tag }) => tag)).size).toBe(1);
});

test('whatever comes, something is shown', async () => {
  const w = worker('ru');
  const broken = () => {
    throw new SyntaxError();
  };
  await w.send('push', { data: null });
  await w.send('push', { data: { json: broken } });
  await w.push({ type: 'fanfare', title_id: 7, title: 'Соль' });
  await w.push({ type: 'status_change', title_id: 7, title: 'Соль', new_status: 'completed' });
  expect(w.shown.map(({ title, body }) => `${title}: ${body}`).reverse()).toEqual([
    'AniHub: Новости тайтла',
    'AniHub: Новости тайтла',
    'Соль: Новости тайтла',
    'Соль: Завершён',
  ]);
});

test('a click goes to the title, where it is open already', async () => {
  const w = worker('ru');
  await w.push(episode);
  const click = { notification: { close: vi.fn(), data: w.shown[0]?.data } };
  await w.send('notificationclick', click);
  expect(w.opened).toEqual(['https://site.example/title/7?ep=3']);
  const focus = vi.fn();
  w.pages.push(
    { url: 'https://site.example/lists', focus: vi.fn() },
    { url: 'https://site.example/title/7', focus },
  );
  await w.send('notificationclick', click);
  expect(focus).toHaveBeenCalledOnce();
  expect(w.opened).toHaveLength(1);
  expect(w.pages[0]?.focus).not.toHaveBeenCalled();
});

test('a browser that changes the endpoint tells the server', async () => {
  const w = worker('ru');
  const answers: Record<string, object> = {
    '/api/auth/refresh': { access_token: 'token' },
    '/api/users/push/key': { public_key: 'BAAA' },
  };
  w.asked.mockImplementation(async (path: string) => ({
    ok: true,
    json: async () => ({ data: answers[path] ?? null }),
  }));
  await w.send('pushsubscriptionchange', { oldSubscription: { endpoint: 'https://push.example/old' } });
  const calls = w.asked.mock.calls.map(([path, { method, body }]) => [method, path, body]);
  expect(calls.slice(2)).toEqual([
    ['POST', '/api/users/push', '{"endpoint":"https://push.example/new"}'],
    ['DELETE', '/api/users/push', '{"endpoint":"https://push.example/old"}'],
  ]);
  expect(w.asked.mock.calls[2]?.[1].headers.Authorization).toBe('Bearer token');
});

test('the key of the server is read, and told from another', () => {
  const key = bytes('-_8B');
  expect([...key]).toEqual([251, 255, 1]);
  expect(sameKey(new Uint8Array([251, 255, 1]).buffer, key)).toBe(true);
  expect(sameKey(new Uint8Array([251, 255, 2]).buffer, key)).toBe(false);
  expect(sameKey(new Uint8Array([251, 255]).buffer, key)).toBe(false);
  expect(sameKey(null, key)).toBe(false);
});

beforeEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
});

/** A browser that can be notified, with an answer to whether it may. */
function browser(permission: string, subscribed: boolean): void {
  vi.stubGlobal('isSecureContext', true);
  vi.stubGlobal('PushManager', class {});
  vi.stubGlobal('Notification', { permission });
  const pushManager = { getSubscription: async () => (subscribed ? {} : null) };
  vi.stubGlobal('navigator', { serviceWorker: { getRegistration: async () => ({ pushManager }) } });
}

test.each([
  ['denied', true, 'u', 'denied'],
  ['default', false, null, 'off'],
  ['granted', true, 'u', 'on'],
  ['granted', false, 'u', 'off'],
  // Somebody else's on this device is nobody's of mine.
  ['granted', true, 'v', 'off'],
])('permission %s, subscribed %s by %s is %s', async (permission, subscribed, whose, want) => {
  browser(permission, subscribed);
  if (whose) localStorage.setItem('anihub.push', whose);
  expect(await pushState('u')).toBe(want);
});

test('a browser without push says so', async () => {
  browser('granted', true);
  vi.stubGlobal('isSecureContext', false);
  expect(await pushState('u')).toBe('unsupported');
});

test('devices are named in the language of the page', () => {
  expect(deviceName('Firefox on Windows', ru.me)).toBe('Firefox, Windows');
  expect(deviceName('Firefox on Windows', en.me)).toBe('Firefox on Windows');
  expect(deviceName('curl', ru.me)).toBe('curl');
  expect(deviceName('Unknown device', ru.me)).toBe('Неизвестное устройство');
  expect(deviceName('', ru.me)).toBe('Неизвестное устройство');
});
