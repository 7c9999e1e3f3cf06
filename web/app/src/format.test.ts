import { describe, expect, test } from 'vitest';
import * as format from './format';
import { en } from './i18n/en';
import { fill, plural } from './i18n/plural';
import { ru } from './i18n/ru';

describe('plurals', () => {
  test.each([
    [1, '1 серия'],
    [2, '2 серии'],
    [4, '4 серии'],
    [5, '5 серий'],
    [11, '11 серий'],
    [12, '12 серий'],
    [21, '21 серия'],
    [22, '22 серии'],
    [111, '111 серий'],
    [0, '0 серий'],
    [25.5, '25,5 серии'],
  ])('%d in Russian', (n, expected) => {
    expect(plural('ru', n, ru.plural.episodes)).toBe(expected);
  });

  test('in English', () => {
    expect(plural('en', 1, en.plural.episodes)).toBe('1 episode');
    expect(plural('en', 1234, en.plural.titles)).toBe('1,234 titles');
  });

  test('with a verb that goes with it', () => {
    expect(plural('ru', 22, ru.plural.waiting)).toBe('22 зрителя ждут новую серию');
    expect(plural('ru', 21, ru.plural.waiting)).toBe('21 зритель ждёт новую серию');
  });
});

test('fill puts values in and leaves unknown places alone', () => {
  expect(fill('Серия {n}, {time} {x}', { n: 25.5, time: '1:00' })).toBe('Серия 25.5, 1:00 {x}');
});

describe('names', () => {
  const names = { ru: 'Соль и сталь', en: 'Salt and Steel', alternative: 'Shio' };

  test('follow the language', () => {
    expect(format.mainName('ru', names)).toBe('Соль и сталь');
    expect(format.mainName('en', names)).toBe('Salt and Steel');
    expect(format.otherName('ru', names)).toBe('Salt and Steel');
  });

  test('fall back to what there is', () => {
    expect(format.mainName('en', { ru: 'Соль', en: null, alternative: null })).toBe('Соль');
    expect(format.otherName('en', { ru: 'Соль', en: null, alternative: null })).toBeNull();
    expect(format.mainName('ru', { ru: '', en: null, alternative: 'Shio' })).toBe('Shio');
    expect(format.mainName('ru', null)).toBe('—');
  });
});

test.each([
  [0, '0:00'],
  [65.9, '1:05'],
  [3600, '1:00:00'],
  [3725, '1:02:05'],
  [-3, '0:00'],
  [Number.NaN, '0:00'],
])('clock(%d)', (seconds, expected) => {
  expect(format.clock(seconds)).toBe(expected);
});

test('reads times as text, seconds and milliseconds', () => {
  const moment = Date.UTC(2026, 10, 26);
  expect(format.parseTime('2026-11-26T00:00:00Z')?.getTime()).toBe(moment);
  expect(format.parseTime(moment / 1000)?.getTime()).toBe(moment);
  expect(format.parseTime(moment)?.getTime()).toBe(moment);
  for (const none of [null, undefined, '', 'soon']) expect(format.parseTime(none)).toBeNull();
});

test('says how long ago', () => {
  const now = new Date(2026, 10, 26, 12);
  const before = (seconds: number) => new Date(now.getTime() - seconds * 1000);
  expect(format.ago('en', before(0), now)).toBe('now');
  expect(format.ago('ru', before(180), now)).toBe('3 мин. назад');
  expect(format.ago('en', before(7200), now)).toBe('2 hr. ago');
  expect(format.ago('ru', before(86_400), now)).toBe('вчера');
  expect(format.ago('en', before(30 * 86_400), now)).toBe('Oct 27');
});

test('weeks begin on Monday', () => {
  expect(format.weekday(new Date(2026, 10, 23))).toBe(1);
  expect(format.weekday(new Date(2026, 10, 29))).toBe(7);
  expect(format.weekdayName('ru', 1, 'long')).toBe('понедельник');
  expect(format.weekdayName('en', 7, 'short')).toBe('Sun');
});

test('posters come in the size asked for, or in any', () => {
  expect(format.posterURL({ small: 's', medium: 'm', large: 'l' }, 'large')).toBe('l');
  expect(format.posterURL({ small: 's', medium: null, large: null }, 'large')).toBe('s');
  expect(format.posterURL({ small: null, medium: null, large: null }, 'small')).toBeNull();
  expect(format.posterURL(null, 'small')).toBeNull();
});

test('age ratings lose their dressing', () => {
  expect(format.ageRating('R16_PLUS')).toBe('16+');
  expect(format.ageRating('R0_PLUS')).toBe('0+');
  expect(format.ageRating(null)).toBeNull();
});
