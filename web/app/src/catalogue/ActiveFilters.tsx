import { fill, useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import { countConditions, type Filters, type SingleFilter, withoutConditions } from './filters';
import { valueLabel } from './labels';

interface ActiveProps {
  filters: Filters;
  change: (part: Partial<Filters>) => void;
}

/** Every condition in force, each with its own way out. */
export function ActiveFilters({ filters, change }: ActiveProps) {
  const words = useWords();
  const { t } = words;
  if (countConditions(filters) === 0 && !filters.search) return null;
  const singles = (['status', 'type', 'year', 'season'] as SingleFilter[]).filter((name) => filters[name]);
  return (
    <div className="active-filters">
      {filters.search ? <Chip label={`«${filters.search}»`} remove={() => change({ search: '' })} /> : null}
      {singles.map((name) => (
        <Chip
          key={name}
          label={valueLabel(words, name, filters[name])}
          remove={() => change({ [name]: '' })}
        />
      ))}
      {filters.genres.map((genre) => (
        <Chip
          key={genre}
          label={valueLabel(words, 'genres', genre)}
          remove={() => change({ genres: filters.genres.filter((other) => other !== genre) })}
        />
      ))}
      <button type="button" className="button quiet small" onClick={() => change(withoutConditions(filters))}>
        {t.catalogue.reset}
      </button>
    </div>
  );
}

function Chip({ label, remove }: { label: string; remove: () => void }) {
  const { t } = useWords();
  return (
    <button
      type="button"
      className="chip on"
      aria-label={fill(t.catalogue.remove, { name: label })}
      onClick={remove}
    >
      {label}
      <Icon name="close" size={14} />
    </button>
  );
}
