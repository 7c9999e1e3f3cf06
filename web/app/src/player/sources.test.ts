import { expect, test } from 'vitest';
import type { Episode, Source } from '../api/types';
import { choicesOf, embedOf, pickStream, streamBelow } from './sources';

const hls = (quality: string | null, url = `https://cdn.example/${quality}.m3u8`): Source => ({
  quality,
  url,
  type: 'hls',
});

function episode(sources: Source[]): Episode {
  const skips = { opening: null, ending: null };
  return { id: 'e', ordinal: 1, name: null, preview: null, duration: null, skips, sources, updated_at: null };
}

test('streams come best first, video hosts apart', () => {
  const rutube: Source = { quality: null, url: 'https://rutube.ru/play/embed/abc', type: 'rutube' };
  const { streams, embeds } = choicesOf(episode([hls('480p'), rutube, hls('1080p'), hls('720p')]));
  expect(streams.map(({ quality }) => quality)).toEqual(['1080p', '720p', '480p']);
  expect(embeds).toEqual([{ name: 'Rutube', url: 'https://rutube.ru/play/embed/abc' }]);
});

test('an episode without sources has no choices', () => {
  expect(choicesOf(episode([]))).toEqual({ streams: [], embeds: [] });
  expect(choicesOf(episode([hls('480p', 'javascript:alert(1)')])).streams).toEqual([]);
});

test('quality: the one liked, else the next below, else the least', () => {
  const streams = [hls('1080p'), hls('480p')];
  expect(pickStream(streams, '1080p')?.quality).toBe('1080p');
  expect(pickStream(streams, '720p')?.quality).toBe('480p');
  expect(pickStream(streams, '360p')?.quality).toBe('480p');
  expect(pickStream(streams, null)?.quality).toBe('1080p');
  expect(pickStream([], null)).toBeUndefined();
  expect(streamBelow(streams, hls('1080p'))?.quality).toBe('480p');
  expect(streamBelow(streams, hls('480p'))).toBeUndefined();
});

test.each([
  ['https://rutube.ru/video/0a1b/', 'https://rutube.ru/play/embed/0a1b'],
  ['https://rutube.ru/video/private/0a1b/?p=k-y', 'https://rutube.ru/play/embed/0a1b?p=k-y'],
  ['https://rutube.ru/play/embed/0a1b', 'https://rutube.ru/play/embed/0a1b'],
  ['https://www.youtube.com/watch?v=AbC_123-xyz', 'https://www.youtube-nocookie.com/embed/AbC_123-xyz'],
  ['https://youtu.be/AbC_123-xyz?t=5', 'https://www.youtube-nocookie.com/embed/AbC_123-xyz'],
  ['https://m.youtube.com/embed/AbC_123-xyz', 'https://www.youtube-nocookie.com/embed/AbC_123-xyz'],
])('%s is embedded', (url, expected) => {
  expect(embedOf({ quality: null, url, type: 'youtube' })?.url).toBe(expected);
});

test.each([
  'https://rutube.ru.example/video/0a1b/',
  'https://example.org/watch?v=AbC_123-xyz',
  'https://www.youtube.com/watch?v=../../x',
  'https://www.youtube.com/',
  'javascript:alert(1)',
  'not an address',
])('%s is not embedded', (url) => {
  expect(embedOf({ quality: null, url, type: 'youtube' })).toBeNull();
});
