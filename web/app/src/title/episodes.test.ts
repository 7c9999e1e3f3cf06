import { expect, test } from 'vitest';
import type { Episode, Title } from '../api/types';
import { episodeAfter, previewURL, sortedEpisodes } from './episodes';

function episode(ordinal: number, playable = true): Episode {
  const sources = playable
    ? [{ quality: '480p', url: 'https://cdn.example/x.m3u8', type: 'hls' as const }]
    : [];
  const skips = { opening: null, ending: null };
  return {
    id: `e${ordinal}`,
    ordinal,
    name: null,
    preview: null,
    duration: null,
    skips,
    sources,
    updated_at: null,
  };
}

test('episodes sort by number, halves between', () => {
  const all = { '10': episode(10), '2': episode(2), '2.5': episode(2.5, false), '3': episode(3) };
  const sorted = sortedEpisodes({ player: { episodes: all } } as unknown as Title);
  expect(sorted.map(({ ordinal }) => ordinal)).toEqual([2, 2.5, 3, 10]);
  expect(episodeAfter(sorted, 2)?.ordinal).toBe(3);
  expect(episodeAfter(sorted, 10)).toBeNull();
  expect(sortedEpisodes({ player: null } as unknown as Title)).toEqual([]);
});

test('an episode may have no preview', () => {
  expect(previewURL(episode(1))).toBeNull();
  expect(previewURL({ ...episode(1), preview: 'p' })).toBe('p');
  expect(previewURL(null)).toBeNull();
});
