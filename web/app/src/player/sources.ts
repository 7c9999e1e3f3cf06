import type { Episode, Source } from '../api/types';

export interface Embed {
  name: 'Rutube' | 'YouTube';
  url: string;
}

export interface Choices {
  /** HLS streams, best first. */
  streams: Source[];
  embeds: Embed[];
}

export function choicesOf(episode: Episode): Choices {
  const sources = episode.sources ?? [];
  const streams = sources.filter(({ type, url }) => type === 'hls' && isWeb(url));
  streams.sort((a, b) => lines(b) - lines(a));
  return { streams, embeds: sources.flatMap((source) => embedOf(source) ?? []) };
}

/** `1080p` as 1080. */
function lines(source: Source): number {
  return Number.parseInt(source.quality ?? '', 10) || 0;
}

/** The stream the viewer likes, else the best that is not above it, else the least. */
export function pickStream(streams: Source[], wanted: string | null): Source | undefined {
  const limit = Number.parseInt(wanted ?? '', 10) || Number.POSITIVE_INFINITY;
  return streams.find((stream) => lines(stream) <= limit) ?? streams.at(-1);
}

export function streamBelow(streams: Source[], current: Source): Source | undefined {
  return streams.find((stream) => lines(stream) < lines(current));
}

/** The player page of a video host; null for an address that is not one's. */
export function embedOf(source: Source): Embed | null {
  if (!isWeb(source.url)) return null;
  const { hostname, pathname, searchParams } = new URL(source.url);
  const host = hostname.replace(/^(www|m)\./, '');
  if (host === 'rutube.ru') {
    const id = pathname.match(/\/(?:play\/embed|video(?:\/private)?)\/(\w+)/)?.[1];
    const key = searchParams.get('p');
    const query = key ? `?${new URLSearchParams({ p: key })}` : '';
    return id ? { name: 'Rutube', url: `https://rutube.ru/play/embed/${id}${query}` } : null;
  }
  const id = youtubeId(host, pathname, searchParams);
  return id ? { name: 'YouTube', url: `https://www.youtube-nocookie.com/embed/${id}` } : null;
}

function youtubeId(host: string, path: string, query: URLSearchParams): string | null {
  const id =
    host === 'youtu.be'
      ? path.slice(1)
      : host === 'youtube.com' || host === 'youtube-nocookie.com'
        ? (query.get('v') ?? path.match(/^\/(?:embed|shorts|live)\/([^/]+)/)?.[1])
        : null;
  return id && /^[\w-]{6,20}$/.test(id) ? id : null;
}

function isWeb(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
