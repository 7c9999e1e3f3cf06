import '../styles/catalogue.css';
import { useRef, useState } from 'react';
import type { Envelope, Facets, ShortTitle } from '../api/types';
import { list } from '../catalog';
import { useWords } from '../i18n';
import { type Query, useQuery } from '../query';
import { navigate, useLocation } from '../router';
import { usePageTitle } from '../ui/Header';
import { ActiveFilters } from './ActiveFilters';
import { FilterPanel } from './FilterPanel';
import { apiQuery, cataloguePath, type Filters, parseFilters } from './filters';
import { Results } from './Results';
import { Toolbar } from './Toolbar';

export default function CataloguePage() {
  const { t, count } = useWords();
  const { search } = useLocation();
  const filters = parseFilters(search);
  const query = useQuery(list(apiQuery(filters)) as Query<ShortTitle[]>);
  const shown = useLastAnswer(query.answer);
  const sheet = useRef<HTMLDialogElement>(null);
  usePageTitle(t.catalogue.title);

  function change(part: Partial<Filters>) {
    navigate(cataloguePath({ ...filters, page: 1, ...part }), { keepScroll: part.page === undefined });
  }

  const total = shown?.pagination?.total;
  const facets: Partial<Facets> = shown?.facets ?? {};
  const panel = <FilterPanel filters={filters} facets={facets} change={change} />;
  return (
    <>
      <div className="page-head">
        <h1>{t.catalogue.title}</h1>
        <p role="status">{total === undefined ? ' ' : count(total, t.plural.titles)}</p>
      </div>
      <div className="catalogue">
        <aside className="catalogue-side">{panel}</aside>
        <div className="catalogue-main">
          <Toolbar filters={filters} change={change} openFilters={() => sheet.current?.showModal()} />
          <ActiveFilters filters={filters} change={change} />
          <Results query={query} shown={shown} filters={filters} change={change} />
        </div>
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself */}
      <dialog
        className="sheet"
        ref={sheet}
        aria-label={t.catalogue.filters}
        onClick={(event) => event.target === event.currentTarget && sheet.current?.close()}
      >
        <div className="sheet-body">{panel}</div>
        <form method="dialog" className="sheet-foot">
          <button type="submit" className="button primary large">
            {total === undefined
              ? t.catalogue.show.replace('{count}', '…')
              : t.catalogue.show.replace('{count}', count(total, t.plural.titles))}
          </button>
        </form>
      </dialog>
    </>
  );
}

/** What was shown stays, dimmed, until the next answer is there. */
function useLastAnswer<T>(answer: Envelope<T> | undefined): Envelope<T> | undefined {
  const [last, setLast] = useState(answer);
  if (answer && answer !== last) setLast(answer);
  return answer ?? last;
}
