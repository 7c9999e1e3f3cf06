// Shows what the server pushes while no page is open. It answers no fetch: the page is
// the same with it and without. Its language comes with its address (account/push.ts).
const words = {
  ru: {
    new_episode: (m) => `Вышла серия ${m.episode}`,
    episode_update: (m) => `Обновлена серия ${m.episode}`,
    status_change: (m) => ({ completed: 'Завершён', ongoing: 'Выходит', announced: 'Анонс' })[m.new_status],
    other: 'Новости тайтла',
  },
  en: {
    new_episode: (m) => `Episode ${m.episode} is out`,
    episode_update: (m) => `Episode ${m.episode} was updated`,
    status_change: (m) =>
      ({ completed: 'Completed', ongoing: 'Airing', announced: 'Announced' })[m.new_status],
    other: 'News of the title',
  },
};
const lang = new URL(self.location.href).searchParams.get('lang') === 'en' ? 'en' : 'ru';

self.addEventListener('push', (event) => event.waitUntil(show(read(event.data))));

function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {}; // a browser that was woken must show something all the same
  }
}

function say(message) {
  const numbered = message.type === 'status_change' || message.episode !== undefined;
  return (numbered && words[lang][message.type]?.(message)) || words[lang].other;
}

async function show(message) {
  const tag = `title-${message.title_id ?? 0}`;
  const shown = await self.registration.getNotifications({ tag });
  // What was sent twice is shown once; a later episode takes the place of the one before, and is heard.
  const repeated = shown.some(({ data }) => data?.event === message.event_id);
  await self.registration.showNotification(message.title || 'AniHub', {
    body: say(message),
    tag,
    renotify: !repeated,
    silent: repeated,
    icon: message.poster || '/favicon.svg',
    image: message.poster || undefined,
    timestamp: Date.parse(message.at) || Date.now(),
    data: { event: message.event_id, url: goal(message) },
  });
}

function goal({ type, title_id, episode }) {
  if (!Number.isInteger(title_id)) return '/notifications';
  return type === 'status_change' || episode === undefined
    ? `/title/${title_id}`
    : `/title/${title_id}?ep=${episode}`;
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? '/notifications'));
});

/** A page that is there already is shown; no other page is led away from what it plays. */
async function open(url) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const wanted = new URL(url, self.location.origin);
  const there = pages.find((page) => new URL(page.url).pathname === wanted.pathname);
  await (there ? there.focus() : self.clients.openWindow(wanted.href));
}

// A browser may take the endpoint away and give another, while no page is open. The
// refresh cookie is all that says who this is.
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew(event)));

async function renew({ oldSubscription, newSubscription }) {
  const grant = await ask('POST', '/api/auth/refresh', {});
  const { public_key } = await ask('GET', '/api/users/push/key', undefined, grant.access_token);
  const options = { userVisibleOnly: true, applicationServerKey: bytes(public_key) };
  const subscription = newSubscription ?? (await self.registration.pushManager.subscribe(options));
  await ask('POST', '/api/users/push', subscription.toJSON(), grant.access_token);
  if (oldSubscription) {
    await ask('DELETE', '/api/users/push', { endpoint: oldSubscription.endpoint }, grant.access_token);
  }
}

async function ask(method, path, body, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()).data;
}

function bytes(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}
