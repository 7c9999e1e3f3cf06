// @vitest-environment happy-dom
import { beforeEach, expect, test, vi } from 'vitest';

const moment = {
  id: 7,
  names: { ru: 'Соль', en: null, alternative: null },
  poster: null,
  episode: 3,
  seconds: 600,
  duration: 1400,
};

async function load() {
  vi.resetModules();
  return import('./book');
}

beforeEach(() => {
  localStorage.clear();
});

test('continues where the viewer stopped, also after a reload', async () => {
  (await load()).saveProgress(moment);
  const { resumePoint, progressOf } = await load();
  expect(resumePoint(7, 3)).toBe(600);
  expect(resumePoint(7, 4)).toBe(0);
  expect(progressOf(7)?.episode).toBe(3);
});

test('an episode seen to the end begins anew and stays watched', async () => {
  const { saveProgress, resumePoint, progressOf } = await load();
  saveProgress({ ...moment, seconds: 1350 });
  expect(resumePoint(7, 3)).toBe(0);
  saveProgress({ ...moment, seconds: 30 });
  expect(resumePoint(7, 3)).toBe(30);
  expect(progressOf(7)?.episodes[3]?.watched).toBe(true);
});

test('the first seconds are not worth returning to', async () => {
  const { saveProgress, resumePoint } = await load();
  saveProgress({ ...moment, seconds: 6 });
  expect(resumePoint(7, 3)).toBe(0);
});

test('remembers a bounded number of titles, the latest ones', async () => {
  const { saveProgress, progressOf, forgetProgress } = await load();
  for (let id = 1; id <= 70; id++) saveProgress({ ...moment, id }, id);
  expect(progressOf(10)).toBeUndefined();
  expect(progressOf(11)).toBeDefined();
  forgetProgress(70);
  expect(progressOf(70)).toBeUndefined();
});

test('a broken notebook is an empty one', async () => {
  localStorage.setItem('anihub.progress', '{oops');
  expect((await load()).progressOf(7)).toBeUndefined();
});

test('tells the place of every save, and a mark once', async () => {
  const { saveProgress, onEdits } = await load();
  const told: unknown[] = [];
  onEdits((edits) => told.push(...edits));
  saveProgress(moment, 1000);
  saveProgress({ ...moment, seconds: 1300 }, 2000);
  saveProgress({ ...moment, seconds: 1310 }, 3000);
  const of = { title_id: 7, episode: 3 };
  expect(told).toEqual([
    { ...of, at: 1000, seconds: 600 },
    { ...of, at: 2000, seconds: 1300 },
    { ...of, at: 2000, watched: true },
    { ...of, at: 3000, seconds: 1310 },
  ]);
});

test('the whole book can be told, also one of before it had times', async () => {
  const old = {
    id: 7,
    names: moment.names,
    poster: null,
    episode: 3,
    at: 500,
    episodes: { 3: { seconds: 9, duration: 10, watched: true } },
  };
  localStorage.setItem('anihub.progress', JSON.stringify({ 7: old }));
  const { bookEdits, saveProgress } = await load();
  saveProgress({ ...moment, id: 8, episode: 1 }, 1000);
  expect(bookEdits()).toEqual([
    { title_id: 7, episode: 3, at: 500, seconds: 9 },
    { title_id: 7, episode: 3, at: 500, watched: true },
    { title_id: 8, episode: 1, at: 1000, seconds: 600 },
  ]);
});

test.each([
  ['newer elsewhere', { seconds: 900, watched: false, at: 2000 }, { seconds: 900, watched: false }],
  ['older elsewhere', { seconds: 900, watched: false, at: 500 }, { seconds: 600, watched: false }],
  ['watched elsewhere, before', { seconds: 0, watched: true, at: 500 }, { seconds: 600, watched: true }],
])('what is %s', async (_, remote, want) => {
  const { saveProgress, absorb, progressOf } = await load();
  saveProgress(moment, 1000);
  absorb(moment, [{ episode: 3, duration: 1400, ...remote }]);
  expect(progressOf(7)?.episodes[3]).toMatchObject({ ...want, duration: 1400 });
});

test('the episode played last anywhere is the one to go on with', async () => {
  const { saveProgress, absorb, progressOf, resumePoint } = await load();
  saveProgress(moment, 1000);
  absorb(moment, [{ episode: 5, seconds: 300, watched: false, at: 2000, duration: 1400 }]);
  expect(progressOf(7)).toMatchObject({ episode: 5, at: 2000 });
  expect(resumePoint(7, 5)).toBe(300);
  expect(resumePoint(7, 3)).toBe(600);
  absorb(moment, []);
  expect(progressOf(7)?.episode).toBe(5);
});

test('an answer of nothing leaves no entry', async () => {
  const { absorb, progressOf } = await load();
  absorb(moment, []);
  expect(progressOf(7)).toBeUndefined();
});
