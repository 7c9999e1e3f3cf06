export const feedFormats = ['atom', 'rss', 'json', 'ics'] as const;
export type FeedFormat = (typeof feedFormats)[number];

/** Where a reader of feeds finds the viewer's own. */
export function feedAddress(token: string, format: FeedFormat): string {
  return `${window.location.origin}/api/users/feed/${encodeURIComponent(token)}.${format}`;
}
