import { useState } from 'react';
import type { FacetName, Facets } from '../api/types';
import { fill, useWords } from '../i18n';
import type { Filters, SingleFilter } from './filters';
import { valueLabel } from './labels';

interface PanelProps {
  filters: Filters;
  facets: Partial<Facets>;
  change: (part: Partial<Filters>) => void;
}

// Always offered, in this order; years and genres are known only to the server.
const known: Record<SingleFilter, string[]> = {
  status: ['ongoing', 'completed', 'announced'],
  type: ['TV', 'MOVIE', 'OVA', 'ONA', 'SPECIAL'],
  season: ['winter', 'spring', 'summer', 'autumn'],
  year: [],
};

const facetOf: Record<SingleFilter, FacetName> = {
  status: 'statuses',
  type: 'types',
  season: 'seasons',
  year: 'years',
};

interface Option {
  value: string;
  count?: number;
}

export function FilterPanel({ filters, facets, change }: PanelProps) {
  const options = (name: SingleFilter) => withCounts(facets, facetOf[name], known[name], [filters[name]]);
  const years = options('year').sort((a, b) => Number(b.value) - Number(a.value));
  const genres = withCounts(facets, 'genres', [], filters.genres);
  const { t } = useWords();
  const toggle = (genre: string) => {
    const chosen = filters.genres.includes(genre);
    change({ genres: chosen ? filters.genres.filter((g) => g !== genre) : [...filters.genres, genre] });
  };
  return (
    <div className="filters">
      <Choice
        filter="status"
        label={t.catalogue.status}
        {...{ filters, change }}
        options={options('status')}
      />
      <Choice filter="type" label={t.catalogue.type} {...{ filters, change }} options={options('type')} />
      <YearSelect years={years} value={filters.year} onPick={(year) => change({ year })} />
      <Choice
        filter="season"
        label={t.catalogue.season}
        {...{ filters, change }}
        options={options('season')}
      />
      <Genres genres={genres} chosen={filters.genres} toggle={toggle} />
    </div>
  );
}

function withCounts(facets: Partial<Facets>, name: FacetName, always: string[], chosen: string[]): Option[] {
  const counted = facets[name];
  const counts = new Map(counted?.map(({ value, count }) => [String(value), count]));
  // A place of its own for every choice, whatever the counts are just now;
  // and what is chosen stays in sight even when nothing matches it.
  const values = new Set([...always, ...counts.keys(), ...chosen.filter(Boolean)]);
  return [...values].map((value) => ({ value, count: counted ? (counts.get(value) ?? 0) : undefined }));
}

interface ChoiceProps {
  filter: SingleFilter;
  label: string;
  options: Option[];
  filters: Filters;
  change: PanelProps['change'];
}

function Choice({ filter, label, options, filters, change }: ChoiceProps) {
  const words = useWords();
  if (options.length === 0) return null;
  return (
    <fieldset className="filter">
      <legend>{label}</legend>
      <div className="chips">
        {options.map(({ value, count }) => {
          const on = filters[filter] === value;
          return (
            <button
              type="button"
              key={value}
              className={count === 0 && !on ? 'chip none' : 'chip'}
              aria-pressed={on}
              onClick={() => change({ [filter]: on ? '' : value })}
            >
              {valueLabel(words, filter, value)}
              {count === undefined ? null : <span className="chip-count">{count}</span>}
            </button>
          );
        })}
      </div>
    </fieldset>
  );
}

interface YearProps {
  years: Option[];
  value: string;
  onPick: (year: string) => void;
}

function YearSelect({ years, value, onPick }: YearProps) {
  const { t } = useWords();
  if (years.length === 0) return null;
  return (
    <label className="filter">
      <span className="filter-name">{t.catalogue.year}</span>
      <select value={value} onChange={(event) => onPick(event.target.value)}>
        <option value="">{t.catalogue.any}</option>
        {years.map((year) => (
          <option key={year.value} value={year.value}>
            {year.count === undefined ? year.value : `${year.value} (${year.count})`}
          </option>
        ))}
      </select>
    </label>
  );
}

interface GenresProps {
  genres: Option[];
  chosen: string[];
  toggle: (genre: string) => void;
}

const atFirst = 14;

function Genres({ genres, chosen, toggle }: GenresProps) {
  const words = useWords();
  const { t } = words;
  const [all, setAll] = useState(false);
  if (genres.length === 0) return null;
  const shown = genres.filter(({ value }, index) => all || index < atFirst || chosen.includes(value));
  const hidden = genres.length - shown.length;
  return (
    <fieldset className="filter">
      <legend>{t.catalogue.genre}</legend>
      <div className="chips">
        {shown.map(({ value, count }) => (
          <button
            type="button"
            key={value}
            className="chip"
            aria-pressed={chosen.includes(value)}
            onClick={() => toggle(value)}
          >
            {valueLabel(words, 'genres', value)}
            {count === undefined ? null : <span className="chip-count">{count}</span>}
          </button>
        ))}
        {hidden > 0 || all ? (
          <button type="button" className="chip link" onClick={() => setAll(!all)}>
            {all ? t.catalogue.less : fill(t.catalogue.more, { n: hidden })}
          </button>
        ) : null}
      </div>
    </fieldset>
  );
}
