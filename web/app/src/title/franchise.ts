import type { Names } from '../api/types';

export interface Release {
  id: number;
  names: Names;
  year: number | null;
  type: string | null;
}

interface RawRelease {
  id?: number;
  title_id?: number;
  names?: Names;
  year?: number | null;
  type?: string | null;
  ordinal?: number | null;
}

interface RawFranchise {
  releases?: RawRelease[] | null;
  titles?: RawRelease[] | null;
}

/** The releases of a title's franchise in their watch order; none for a lone title. */
export function releasesOf(franchise: unknown): Release[] {
  const groups = (Array.isArray(franchise) ? franchise : [franchise]) as (RawFranchise | null | undefined)[];
  const raw = groups.flatMap((group) => group?.releases ?? group?.titles ?? []);
  return raw
    .map((release, index) => ({ release, rank: release.ordinal ?? index }))
    .sort((a, b) => a.rank - b.rank)
    .flatMap(({ release: { id, title_id, names, year, type } }) => {
      const known = id ?? title_id;
      if (known === undefined || !names) return [];
      return [{ id: known, names, year: year ?? null, type: type ?? null }];
    });
}
