import type { Envelope, ShortTitle } from '../api/types';
import { fill, useWords } from '../i18n';
import type { QueryState } from '../query';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Failure, Notice } from '../ui/States';
import { CardSkeletons, TitleCard } from '../ui/TitleCard';
import { cataloguePath, type Filters, pageNumbers, perPage, withoutConditions } from './filters';

interface ResultsProps {
  query: QueryState<ShortTitle[]> & { retry: () => void };
  shown: Envelope<ShortTitle[]> | undefined;
  filters: Filters;
  change: (part: Partial<Filters>) => void;
}

export function Results({ query, shown, filters, change }: ResultsProps) {
  const { t } = useWords();
  if (query.error && !query.answer) return <Failure error={query.error} retry={query.retry} />;
  if (shown && shown.data.length === 0 && query.answer) {
    return (
      <Notice icon="search" title={t.catalogue.empty} hint={t.catalogue.emptyHint}>
        <button type="button" className="button" onClick={() => change(withoutConditions(filters))}>
          {t.catalogue.reset}
        </button>
      </Notice>
    );
  }
  return (
    <>
      <div className={query.answer ? 'card-grid' : 'card-grid waiting'} aria-busy={!query.answer}>
        {shown ? (
          shown.data.map((title, index) => <TitleCard key={title.id} title={title} eager={index < 4} />)
        ) : (
          <CardSkeletons count={perPage} />
        )}
      </div>
      <Pager filters={filters} pages={shown?.pagination?.pages ?? 1} />
    </>
  );
}

function Pager({ filters, pages }: { filters: Filters; pages: number }) {
  const { t } = useWords();
  const { page } = filters;
  if (pages <= 1) return null;
  const to = (n: number) => cataloguePath({ ...filters, page: n });
  return (
    <nav className="pager" aria-label={t.catalogue.pages}>
      {page > 1 ? (
        <Link className="button" to={to(page - 1)} rel="prev" aria-label={t.catalogue.previous}>
          <Icon name="left" size={18} />
        </Link>
      ) : null}
      {pageNumbers(page, pages).map((n, index) =>
        n === null ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a gap is known only by where it stands
          <span key={`gap${index}`} className="pager-gap" aria-hidden="true">
            …
          </span>
        ) : (
          <Link
            key={n}
            className="pager-page"
            to={to(n)}
            aria-current={n === page ? 'page' : undefined}
            aria-label={fill(t.catalogue.page, { n })}
          >
            {n}
          </Link>
        ),
      )}
      {page < pages ? (
        <Link className="button" to={to(page + 1)} rel="next" aria-label={t.catalogue.next}>
          <span className="pager-next">{t.catalogue.next}</span>
          <Icon name="right" size={18} />
        </Link>
      ) : null}
    </nav>
  );
}
