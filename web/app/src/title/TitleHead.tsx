import type { Episode, Title } from '../api/types';
import { ageRating, leadPosterURL, mainName, otherName } from '../format';
import { useWords } from '../i18n';
import { genreName } from '../i18n/genres';
import { Heart, ListButton } from '../lists/ListButton';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';
import { Bell } from './Bell';
import { Description } from './Description';
import { WatchButton } from './WatchButton';

interface HeadProps {
  title: Title;
  /** How many connections wait for news of it. */
  waiting: number;
  play: (episode: Episode) => void;
}

export function TitleHead({ title, waiting, play }: HeadProps) {
  const { lang, t } = useWords();
  const name = mainName(lang, title.names);
  const poster = leadPosterURL(title.poster);
  return (
    <header className="title-head">
      {poster ? (
        <img className="title-glow" src={poster} alt="" aria-hidden="true" referrerPolicy="no-referrer" />
      ) : null}
      <div className="title-poster">
        <Poster src={poster} seed={title.id} name={name} eager />
      </div>
      <div className="title-info">
        <Facts title={title} />
        <h1>{name}</h1>
        <p className="title-other">
          {[otherName(lang, title.names), title.names.alternative].filter(Boolean).join(' / ')}
        </p>
        <Score title={title} />
        <div className="title-actions">
          <WatchButton title={title} play={play} />
          <ListButton title={title} />
          <Heart title={title} />
          <Bell id={title.id} />
        </div>
        <Waiting n={title.status === 'completed' ? 0 : waiting} />
        <ul className="title-genres" aria-label={t.catalogue.genre}>
          {title.genres?.map((genre) => (
            <li key={genre}>
              <Link className="chip" to={`/catalogue?${new URLSearchParams({ genres: genre })}`}>
                {genreName(lang, genre)}
              </Link>
            </li>
          ))}
        </ul>
        <Description text={title.description} />
        {title.blocked && isBlocked(title.blocked) ? (
          <p className="title-blocked">
            <Icon name="warn" size={18} />
            {t.title.blocked}
          </p>
        ) : null}
      </div>
    </header>
  );
}

// A single one may well be the viewer, to whom it says nothing.
function Waiting({ n }: { n: number }) {
  const { t, count } = useWords();
  if (n < 2) return null;
  return (
    <p className="title-waiting">
      <Icon name="bell" size={16} />
      {count(n, t.plural.waiting)}
    </p>
  );
}

function isBlocked(blocked: NonNullable<Title['blocked']>): boolean {
  return blocked === true || Object.values(blocked).some(Boolean);
}

function Facts({ title }: { title: Title }) {
  const { t, count } = useWords();
  const total = title.episodes?.total ?? title.episodes?.current;
  const when = [title.season ? (t.season[title.season] ?? title.season) : null, title.year];
  const facts = [
    title.type ? (t.type[title.type] ?? title.type) : null,
    when.filter(Boolean).join(' ') || null,
    total ? count(total, t.plural.episodes) : null,
    ageRating(title.age_rating),
  ].filter(Boolean);
  return (
    <p className="title-facts">
      {title.status ? (
        <span className={`status ${title.status}`}>{t.status[title.status] ?? title.status}</span>
      ) : null}
      {facts.join(' · ')}
    </p>
  );
}

function Score({ title }: { title: Title }) {
  const { lang, t } = useWords();
  if (!title.rating) return null;
  const kept = title.popularity ? new Intl.NumberFormat(lang).format(title.popularity) : null;
  return (
    <p className="score">
      <span className="score-value">
        <Icon name="star" size={18} />
        <span className="sr-only">{t.title.rating}: </span>
        {title.rating.toFixed(1)}
      </span>
      {kept ? (
        <span className="score-kept">
          {t.title.favourites} {kept}
        </span>
      ) : null}
    </p>
  );
}
