import type { ShortTitle } from '../api/types';
import { titlePath, watchPath } from '../catalog';
import { ago, lastEpisode, leadPosterURL, mainName, otherName, parseTime } from '../format';
import { fill, useWords } from '../i18n';
import { genreName } from '../i18n/genres';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';
import { useNow } from '../ui/useNow';

/** The newest episode. Its number is the largest thing on the page: it is the news. */
export function Feature({ title }: { title: ShortTitle }) {
  const { lang, t } = useWords();
  const now = useNow();
  const name = mainName(lang, title.names);
  const episode = lastEpisode(title);
  const at = parseTime(title.fresh_at ?? title.updated_at);
  const art = leadPosterURL(title.poster);
  return (
    <article className="feature">
      <div className="feature-art">
        <Poster src={art} seed={title.id} name="" eager />
      </div>
      <div className="feature-text">
        <p className="feature-kind">
          {t.live.newEpisode}
          {at ? <time dateTime={at.toISOString()}>{ago(lang, at, now)}</time> : null}
        </p>
        {episode ? (
          <p className="feature-episode">
            <span className="feature-number">{episode}</span>
            <span className="feature-episode-name">
              {fill(t.live.episode, { n: '' }).trim()}
              {title.latest_episode?.name ? <em>{title.latest_episode.name}</em> : null}
            </span>
          </p>
        ) : null}
        <h2 className="feature-name">
          <Link to={titlePath(title.id)}>{name}</Link>
        </h2>
        <p className="feature-more">
          {otherName(lang, title.names)}
          {title.genres?.length ? (
            <span>
              {title.genres
                .slice(0, 3)
                .map((genre) => genreName(lang, genre))
                .join(', ')}
            </span>
          ) : null}
        </p>
        <div className="feature-actions">
          <Link className="button primary large" to={watchPath(title.id, episode)}>
            <Icon name="play" />
            {t.live.watch}
          </Link>
          <Link className="button large" to={titlePath(title.id)}>
            {t.home.about}
          </Link>
        </div>
      </div>
    </article>
  );
}

export function FeatureSkeleton() {
  return (
    <div className="feature" aria-hidden="true">
      <div className="feature-art skeleton" />
      <div className="feature-text">
        <span className="skeleton skeleton-line short" />
        <span className="skeleton skeleton-block" />
        <span className="skeleton skeleton-line" />
      </div>
    </div>
  );
}
