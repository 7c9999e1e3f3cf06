import { describe, expect, test } from 'vitest';
import {
  apiQuery,
  cataloguePath,
  countConditions,
  pageNumbers,
  parseFilters,
  withoutConditions,
} from './filters';

describe('the address', () => {
  test('without conditions is bare', () => {
    expect(cataloguePath(parseFilters(''))).toBe('/catalogue');
  });

  test('says everything that is not the default, and is read back', () => {
    const filters = {
      ...parseFilters(''),
      search: 'соль & сталь',
      genres: ['Драма', 'Боевые искусства'],
      year: '2026',
      type: 'TV',
      status: 'ongoing',
      season: 'winter',
      sort: 'name' as const,
      order: 'desc' as const,
      page: 3,
    };
    const path = cataloguePath(filters);
    expect(parseFilters(path.slice(path.indexOf('?')))).toEqual(filters);
  });

  test('keeps the natural order of a sort to itself', () => {
    expect(cataloguePath(parseFilters('?sort=name'))).toBe('/catalogue?sort=name');
    expect(parseFilters('?sort=name').order).toBe('asc');
    expect(parseFilters('?sort=rating').order).toBe('desc');
  });

  test.each([
    '?page=0',
    '?page=-2',
    '?page=x',
    '?year=20',
    '?status=maybe',
    '?season=rain',
    '?sort=luck',
    '?order=up',
  ])('forgives %s', (search) => {
    expect(parseFilters(search)).toEqual(parseFilters(''));
  });

  test('takes genres repeated or with commas', () => {
    expect(parseFilters('?genres=a,b&genres=c,').genres).toEqual(['a', 'b', 'c']);
  });
});

test('the API is asked for facets, order and one page', () => {
  const query = new URLSearchParams(apiQuery(parseFilters('?genres=a,b&year=2024&page=2')));
  expect(Object.fromEntries(query)).toEqual({
    genres: 'a,b',
    year: '2024',
    sort: 'popularity',
    order: 'desc',
    page: '2',
    limit: '24',
    facets: 'true',
  });
});

test('resetting keeps the order', () => {
  const filters = parseFilters('?search=x&genres=a&year=2024&sort=rating&order=asc&page=4');
  expect(countConditions(filters)).toBe(2);
  expect(cataloguePath(withoutConditions(filters))).toBe('/catalogue?sort=rating&order=asc');
});

test.each([
  [1, 1, [1]],
  [1, 3, [1, 2, 3]],
  [1, 9, [1, 2, null, 9]],
  [5, 9, [1, null, 4, 5, 6, null, 9]],
  [9, 9, [1, null, 8, 9]],
])('pages around %d of %d', (page, pages, expected) => {
  expect(pageNumbers(page, pages)).toEqual(expected);
});
