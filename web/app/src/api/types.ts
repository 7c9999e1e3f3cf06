// Shapes of the public REST API, as far as this page reads them.

export interface Freshness {
  level?: string;
  stored_at?: string;
  fresh_until?: string;
  stale?: boolean;
  reason?: string;
}

export interface Meta {
  source?: string;
  cached?: boolean;
  freshness?: Freshness;
  facets?: Facets;
}

export interface Pagination {
  page: number;
  limit: number;
  total: number;
  pages: number;
}

export interface FacetValue {
  value: string | number;
  count: number;
}

export type FacetName = 'genres' | 'years' | 'types' | 'statuses' | 'seasons';
export type Facets = Partial<Record<FacetName, FacetValue[]>>;

/** A successful answer. */
export interface Envelope<T> {
  data: T;
  pagination?: Pagination;
  meta?: Meta;
  facets?: Facets;
}

export interface Names {
  ru: string | null;
  en: string | null;
  alternative?: string | null;
}

export interface PosterSet {
  small: string | null;
  medium: string | null;
  large: string | null;
}

export type TitleStatus = 'announced' | 'ongoing' | 'completed';

export interface ShortTitle {
  id: number;
  code: string;
  names: Names;
  description?: string | null;
  type: string | null;
  status: TitleStatus | null;
  genres: string[] | null;
  year: number | null;
  season: string | null;
  weekday: number | null;
  age_rating: string | null;
  episodes: { total: number | null; current: number | null } | null;
  poster: PosterSet | null;
  rating: number | null;
  popularity: number | null;
  updated_at?: string | null;
  fresh_at?: string | null;
  next_episode?: number | null;
  expected?: Expected | null;
  latest_episode?: { ordinal: number | null; name: string | null } | null;
}

/** When the next episode is likely to come out, and how surely (0 to 1). */
export interface Expected {
  at: string;
  confidence: number;
}

export interface Span {
  start: number;
  stop: number;
}

export type SourceType = 'hls' | 'rutube' | 'youtube';

export interface Source {
  quality: string | null;
  url: string;
  type: SourceType;
}

export interface Episode {
  id: string;
  ordinal: number;
  name: string | null;
  preview: string | Partial<PosterSet> | null;
  duration: number | null;
  skips: { opening: Span | null; ending: Span | null } | null;
  sources: Source[] | null;
}

export interface Member {
  id?: string;
  role: string | { value?: string | null; description?: string | null } | null;
  nickname: string | null;
}

export interface Title extends ShortTitle {
  player: { episodes: Record<string, Episode> | null } | null;
  franchise: unknown;
  members: Member[] | null;
  blocked?: boolean | Record<string, unknown> | null;
}

export interface ScheduleDay {
  day: number;
  titles: ShortTitle[];
}

export interface User {
  id: string;
  login: string;
  email?: string;
  name?: string | null;
  roles?: string[];
  created_at?: string;
}

export interface Grant {
  access_token: string;
  expires_in: number;
  user: User;
}

export interface Subscription {
  title_id: number;
  since?: string;
}
