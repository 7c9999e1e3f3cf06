// @vitest-environment happy-dom
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test, vi } from 'vitest';

const script = readFileSync('public/boot.js', 'utf8');

function boot(
  path: string,
  {
    languages = ['ru-RU'],
    light = false,
    stored = {} as Record<string, string>,
    answer = { data: [] } as object,
  } = {},
) {
  const asked: string[] = [];
  localStorage.clear();
  for (const [key, value] of Object.entries(stored)) localStorage.setItem(key, value);
  vi.stubGlobal('location', { pathname: path });
  vi.stubGlobal('navigator', { languages });
  vi.stubGlobal('matchMedia', () => ({ matches: light }));
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(JSON.stringify(answer)));
  });
  new Function(script)();
  return { asked, root: document.documentElement };
}

beforeEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
  document.head.innerHTML = '<meta name="theme-color" content="">';
});

test('the system decides until the viewer does', () => {
  expect(boot('/x').root.dataset.theme).toBe('dark');
  expect(boot('/x', { light: true }).root.dataset.theme).toBe('light');
  expect(boot('/x', { light: true, stored: { 'anihub.theme': 'dark' } }).root.dataset.theme).toBe('dark');
});

test('the first language spoken here wins, Russian when none is', () => {
  expect(boot('/x', { languages: ['de-DE', 'en-GB', 'ru'] }).root.lang).toBe('en');
  expect(boot('/x', { languages: ['ja'] }).root.lang).toBe('ru');
  expect(boot('/x', { languages: ['ru'], stored: { 'anihub.lang': 'en' } }).root.lang).toBe('en');
});

test('asks early for exactly what the first screen will ask for', async () => {
  const { asked } = boot('/');
  const { titleById, ...catalog } = await import('./catalog');
  for (const query of [catalog.updates, catalog.ongoing, catalog.schedule, catalog.popular])
    await query.load();
  expect(asked).toHaveLength(4);

  const later = boot('/title/42');
  vi.resetModules();
  const again = await import('./catalog');
  await again.titleById(42).load();
  expect(later.asked).toEqual(['/api/anilibria/v2/titles/42']);
  expect(titleById(42).key).toBe('title:42');
});

test('hurries the picture that the page will show largest', async () => {
  const pictures: string[] = [];
  vi.stubGlobal(
    'Image',
    class {
      set src(url: string) {
        pictures.push(url);
      }
    },
  );
  const poster = { small: 's.jpg', medium: 'm.jpg', large: 'l.jpg' };
  const { leadPosterURL } = await import('./format');
  for (const innerWidth of [390, 1440]) {
    vi.stubGlobal('innerWidth', innerWidth);
    boot('/title/7', { answer: { data: { poster } } });
    await vi.waitFor(() => expect(pictures.at(-1)).toBe(leadPosterURL(poster)));
  }
  expect(pictures).toEqual(['m.jpg', 'l.jpg']);
});

test('asks for nothing where nothing is known to be needed', () => {
  expect(boot('/sign-in').asked).toEqual([]);
  expect(boot('/title/abc').asked).toEqual([]);
});
