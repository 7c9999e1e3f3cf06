import { withQuery } from '../api/client';

// The catalogue's state is its address. Reading is lenient, because people
// edit and truncate links; writing leaves out what is the default.

export const sorts = ['popularity', 'updated', 'rating', 'year', 'name'] as const;
export type Sort = (typeof sorts)[number];
export type Order = 'asc' | 'desc';

export interface Filters {
  search: string;
  genres: string[];
  year: string;
  type: string;
  status: string;
  season: string;
  sort: Sort;
  order: Order;
  page: number;
}

/** The filters of which one value is chosen. */
export type SingleFilter = 'year' | 'type' | 'status' | 'season';

export const perPage = 24;

export function defaultOrder(sort: Sort): Order {
  return sort === 'name' ? 'asc' : 'desc';
}

export function parseFilters(search: string): Filters {
  const query = new URLSearchParams(search);
  const text = (name: string) => query.get(name)?.trim() ?? '';
  const sort = sorts.find((known) => known === query.get('sort')) ?? 'popularity';
  const order = query.get('order');
  const page = Math.floor(Number(query.get('page')));
  return {
    search: text('search').slice(0, 100),
    genres: query
      .getAll('genres')
      .flatMap((value) => value.split(','))
      .map((g) => g.trim())
      .filter(Boolean),
    year: /^\d{4}$/.test(text('year')) ? text('year') : '',
    type: text('type'),
    status: /^(ongoing|completed|announced)$/.test(text('status')) ? text('status') : '',
    season: /^(winter|spring|summer|autumn)$/.test(text('season')) ? text('season') : '',
    sort,
    order: order === 'asc' || order === 'desc' ? order : defaultOrder(sort),
    page: page >= 1 ? page : 1,
  };
}

/** The page's own address for these filters. */
export function cataloguePath(filters: Filters): string {
  return withQuery('/catalogue', {
    ...conditions(filters),
    sort: filters.sort === 'popularity' ? undefined : filters.sort,
    order: filters.order === defaultOrder(filters.sort) ? undefined : filters.order,
    page: filters.page === 1 ? undefined : filters.page,
  });
}

/** What the API is asked for these filters. */
export function apiQuery(filters: Filters): string {
  const { sort, order, page } = filters;
  const query = { ...conditions(filters), sort, order, page, limit: perPage, facets: true };
  return withQuery('', query).slice(1);
}

function conditions({ search, genres, year, type, status, season }: Filters) {
  return { search, genres: genres.join(','), year, type, status, season };
}

export function withoutConditions(filters: Filters): Filters {
  return { ...parseFilters(''), sort: filters.sort, order: filters.order };
}

export function countConditions({ genres, year, type, status, season }: Filters): number {
  return genres.length + [year, type, status, season].filter(Boolean).length;
}

/** The page numbers to offer: the ends, the neighbours, and null for a gap. */
export function pageNumbers(page: number, pages: number): (number | null)[] {
  const wanted = new Set([1, pages, page - 1, page, page + 1]);
  const numbers = [...wanted].filter((n) => n >= 1 && n <= pages).sort((a, b) => a - b);
  return numbers.flatMap((n, index) => {
    const before = numbers[index - 1];
    return before !== undefined && n - before > 1 ? [null, n] : [n];
  });
}
