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
  return import('./progress');
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
