// Names of the public REST API for this page. The types are made from the OpenAPI
// document: `npm run generate`.

import type {
  BatchMeta,
  FacetedTitlesAnswer,
  Facets,
  ShortTitle as ListedTitle,
  Pagination,
} from './schema.gen';

export type {
  Episode,
  Expected,
  Facets,
  Franchise,
  Freshness,
  Member,
  Names,
  Pagination,
  Poster as PosterSet,
  ScheduleDay,
  ScheduledTitle,
  Session as Grant,
  Source,
  Span,
  Subscription,
  Title,
  TitleStatus,
  User,
  ValueCount as FacetValue,
} from './schema.gen';

export type FacetName = keyof Facets;

/** A title of a list; an event that came since says which episode is the latest. */
export type ShortTitle = ListedTitle & { latest_episode?: { ordinal: number; name: string | null } };

/** A successful answer. */
export interface Envelope<T> {
  data: T;
  pagination?: Pagination;
  meta?: BatchMeta;
  facets?: FacetedTitlesAnswer['facets'];
  /** How many connections wait for news of the title; absent when none does. */
  subscribers?: number;
}
