import '../styles/lists.css';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { eventPoster, unknownTitle } from '../live/apply';
import { Link, navigate, useLocation } from '../router';
import { useSession } from '../subscriptions';
import { usePageTitle } from '../ui/Header';
import { Icon } from '../ui/Icon';
import { Failure, Notice } from '../ui/States';
import { CardSkeletons, TitleCard } from '../ui/TitleCard';
import { type Entry, onShelf, type Shelf, type Sorting, shelves, sorted, sortings } from './entries';
import { CornerListButton } from './ListButton';
import { shelfIcon, shelfName } from './labels';
import { useLibrary } from './library';

/** The viewer's lists, one shelf at a time; which one and its order are in the address. */
export default function ListsPage() {
  const { t } = useWords();
  const { status } = useSession();
  usePageTitle(t.lists.title);
  return (
    <div className="lists">
      <header className="page-head">
        <h1>{t.lists.title}</h1>
      </header>
      {status === 'guest' ? <Invitation /> : <Library />}
    </div>
  );
}

function Invitation() {
  const { t } = useWords();
  return (
    <Notice icon="list" title={t.lists.invite} hint={t.lists.inviteHint}>
      <Link className="button primary" to="/sign-in?back=%2Flists">
        {t.account.enter}
      </Link>
      <Link className="button" to="/sign-up?back=%2Flists">
        {t.account.create}
      </Link>
    </Notice>
  );
}

function Library() {
  const { lang, t } = useWords();
  const { answer, error, retry } = useLibrary();
  const [shelf, sorting] = read(useLocation().search);
  if (error && !answer) return <Failure error={error} retry={retry} />;
  const entries = answer?.data;
  const nameOf = (entry: Entry) => nameOfEntry(entry, (e) => mainName(lang, e.title?.names));
  const shown = entries ? sorted(onShelf(entries, shelf), sorting, shelf, nameOf) : null;
  return (
    <>
      <div className="lists-bar">
        <Tabs shelf={shelf} sorting={sorting} entries={entries} />
        <label className="lists-sort">
          <span className="sr-only">{t.lists.sort}</span>
          <select
            value={sorting}
            onChange={(event) =>
              navigate(address(shelf, event.target.value as Sorting), { replace: true, keepScroll: true })
            }
          >
            {sortings.map((by) => (
              <option key={by} value={by}>
                {t.lists.sorts[by]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {shown?.length === 0 ? <Empty shelf={shelf} /> : null}
      <ul className="card-grid" aria-busy={shown === null}>
        {shown?.map((entry) => (
          <li key={entry.title_id} className="shelved">
            <ShelvedCard entry={entry} shelf={shelf} />
          </li>
        ))}
        {shown === null ? <CardSkeletons count={12} /> : null}
      </ul>
    </>
  );
}

function nameOfEntry(entry: Entry, name: (entry: Entry) => string): string {
  return entry.title ? name(entry) : `\uffff${entry.title_id}`;
}

function address(shelf: Shelf, sorting: Sorting): string {
  const query = new URLSearchParams({ list: shelf });
  if (sorting !== 'updated') query.set('sort', sorting);
  return `/lists?${query}`;
}

function read(search: string): [Shelf, Sorting] {
  const query = new URLSearchParams(search);
  const shelf = shelves.find((name) => name === query.get('list')) ?? 'watching';
  return [shelf, sortings.find((by) => by === query.get('sort')) ?? 'updated'];
}

function Tabs(props: { shelf: Shelf; sorting: Sorting; entries: Entry[] | undefined }) {
  const { t } = useWords();
  return (
    <nav className="shelves" aria-label={t.lists.title}>
      {shelves.map((shelf) => (
        <Link
          key={shelf}
          to={address(shelf, props.sorting)}
          replace
          keepScroll
          className="chip"
          aria-current={shelf === props.shelf ? 'page' : undefined}
        >
          <Icon name={shelfIcon(shelf)} size={14} />
          {shelfName(t, shelf)}
          <span className="chip-count">{props.entries ? onShelf(props.entries, shelf).length : ' '}</span>
        </Link>
      ))}
    </nav>
  );
}

function ShelvedCard({ entry, shelf }: { entry: Entry; shelf: Shelf }) {
  const { t } = useWords();
  if (!entry.title) return <UnknownCard id={entry.title_id} />;
  return (
    <>
      <TitleCard title={entry.title} mark={shelf === 'favorites'}>
        {entry.score ? (
          <span className="shelved-score">
            <Icon name="star" size={13} />
            {fill(t.lists.yourScore, { n: entry.score })}
          </span>
        ) : null}
      </TitleCard>
      <CornerListButton title={entry.title} />
    </>
  );
}

/** The catalogue has lost the title; the viewer can still take it off the list. */
function UnknownCard({ id }: { id: number }) {
  const { t } = useWords();
  const name = fill(t.lists.unknown, { id });
  const title = unknownTitle(id, { ru: name, en: name, alternative: null }, eventPoster(null));
  return (
    <>
      <div className="card">
        <span className="card-art unknown-art">
          <Icon name="warn" size={32} />
        </span>
        <span className="card-name">{name}</span>
        <span className="card-meta">{t.lists.unknownHint}</span>
      </div>
      <CornerListButton title={title} />
    </>
  );
}

function Empty({ shelf }: { shelf: Shelf }) {
  const { t } = useWords();
  return (
    <Notice
      icon={shelf === 'favorites' ? 'heart' : shelfIcon(shelf)}
      title={t.lists.empty[shelf]}
      hint={shelf === 'favorites' ? t.lists.emptyFavorites : t.lists.emptyHint}
    >
      <Link className="button primary" to="/catalogue?status=ongoing">
        {t.lists.toOngoing}
      </Link>
      <Link className="button" to="/profile#transfer">
        {t.lists.toImport}
      </Link>
    </Notice>
  );
}
