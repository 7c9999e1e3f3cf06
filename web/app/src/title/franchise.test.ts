import { expect, test } from 'vitest';
import type { Episode, Title } from '../api/types';
import { episodeAfter, previewURL, sortedEpisodes } from './episodes';
import { releasesOf } from './franchise';

const names = { ru: 'Соль', en: null };

test('releases come in watch order, whatever envelope they are in', () => {
  const releases = [
    { id: 2, names, ordinal: 2 },
    { id: 1, names, ordinal: 1, year: 2020, type: 'TV' },
  ];
  const expected = [1, 2];
  expect(releasesOf({ releases }).map(({ id }) => id)).toEqual(expected);
  expect(releasesOf([{ releases }]).map(({ id }) => id)).toEqual(expected);
  expect(releasesOf({ titles: [{ title_id: 5, names }] })).toEqual([
    { id: 5, names, year: null, type: null },
  ]);
});

test.each([null, undefined, {}, [], [null], { releases: null }, { releases: [{ id: 1 }] }])(
  'no releases in %j',
  (franchise) => {
    expect(releasesOf(franchise)).toEqual([]);
  },
);

function episode(ordinal: number, playable = true): Episode {
  const sources = playable
    ? [{ quality: '480p', url: 'https://cdn.example/x.m3u8', type: 'hls' as const }]
    : [];
  return { id: `e${ordinal}`, ordinal, name: null, preview: null, duration: null, skips: null, sources };
}

test('episodes sort by number, halves between', () => {
  const all = { '10': episode(10), '2': episode(2), '2.5': episode(2.5, false), '3': episode(3) };
  const sorted = sortedEpisodes({ player: { episodes: all } } as unknown as Title);
  expect(sorted.map(({ ordinal }) => ordinal)).toEqual([2, 2.5, 3, 10]);
  expect(episodeAfter(sorted, 2)?.ordinal).toBe(3);
  expect(episodeAfter(sorted, 10)).toBeNull();
  expect(sortedEpisodes({ player: null } as unknown as Title)).toEqual([]);
});

test('a preview may be all null', () => {
  expect(previewURL({ ...episode(1), preview: { small: null, medium: null, large: null } })).toBeNull();
  expect(previewURL({ ...episode(1), preview: { small: 's' } })).toBe('s');
  expect(previewURL({ ...episode(1), preview: 'p' })).toBe('p');
});
