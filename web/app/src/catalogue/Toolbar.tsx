import { type FormEvent, useEffect, useEffectEvent, useState } from 'react';
import { useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import { countConditions, defaultOrder, type Filters, type Sort, sorts } from './filters';

interface ToolbarProps {
  filters: Filters;
  change: (part: Partial<Filters>) => void;
  openFilters: () => void;
}

/** Search, order, and on a phone the way to the filters. */
export function Toolbar({ filters, change, openFilters }: ToolbarProps) {
  const { t } = useWords();
  const conditions = countConditions(filters);
  const ascending = filters.order === 'asc';
  const direction = ascending ? t.catalogue.asc : t.catalogue.desc;
  return (
    <div className="toolbar">
      <SearchField value={filters.search} apply={(search) => change({ search })} />
      <button type="button" className="button filters-button" onClick={openFilters}>
        <Icon name="filter" size={18} />
        {t.catalogue.filters}
        {conditions > 0 ? <span className="badge">{conditions}</span> : null}
      </button>
      <span className="order">
        <select
          aria-label={t.catalogue.sort}
          value={filters.sort}
          onChange={(event) => {
            const sort = event.target.value as Sort;
            change({ sort, order: defaultOrder(sort) });
          }}
        >
          {sorts.map((sort) => (
            <option key={sort} value={sort}>
              {t.catalogue.sorts[sort]}
            </option>
          ))}
        </select>
        <button
          type="button"
          className={ascending ? 'icon-button framed flipped' : 'icon-button framed'}
          aria-label={direction}
          title={direction}
          onClick={() => change({ order: ascending ? 'desc' : 'asc' })}
        >
          <Icon name="sort" />
        </button>
      </span>
    </div>
  );
}

function SearchField({ value, apply }: { value: string; apply: (text: string) => void }) {
  const { t } = useWords();
  const [text, setText] = useState(value);
  const [applied, setApplied] = useState(value);
  // Changed from outside, by Back or a removed chip: the field follows. What
  // was typed here is already in it and must not be overwritten.
  if (value !== applied) {
    setApplied(value);
    setText(value);
  }

  const send = useEffectEvent((wanted: string) => {
    setApplied(wanted);
    apply(wanted);
  });

  useEffect(() => {
    const wanted = text.trim();
    if (wanted === value || wanted.length === 1) return;
    const timer = setTimeout(() => send(wanted), 350);
    return () => clearTimeout(timer);
  }, [text, value]);

  function submit(event: FormEvent) {
    event.preventDefault();
    setApplied(text.trim());
    apply(text.trim());
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: <search> is not announced by all readers yet
    <form className="field-search" role="search" aria-label={t.catalogue.search} onSubmit={submit}>
      <Icon name="search" size={18} />
      <input
        type="search"
        value={text}
        maxLength={100}
        aria-label={t.catalogue.search}
        placeholder={t.catalogue.search}
        onChange={(event) => setText(event.target.value)}
      />
    </form>
  );
}
