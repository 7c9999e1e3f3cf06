import type { Franchise as Series } from '../api/types';
import { titlePath } from '../catalog';
import { mainName } from '../format';
import { useWords } from '../i18n';
import { Link } from '../router';

/** In which order to watch what belongs together, with this title marked. */
export function Franchise({ franchise, here }: { franchise: Series[]; here: number }) {
  const { lang, t } = useWords();
  const releases = franchise.flatMap(({ titles }) => titles);
  if (releases.length < 2) return null;
  return (
    <section className="section" aria-labelledby="franchise-title">
      <h2 id="franchise-title">{t.title.franchise}</h2>
      <ol className="franchise">
        {releases.map(({ id, names, year, type }) => (
          <li key={id} className={id === here ? 'here' : undefined}>
            <Link to={titlePath(id)} aria-current={id === here ? 'page' : undefined}>
              <span className="franchise-name">{mainName(lang, names)}</span>
              <span className="franchise-more">
                {[type ? (t.type[type] ?? type) : null, year, id === here ? t.title.here : null]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}
