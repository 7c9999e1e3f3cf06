import type { ShortTitle } from '../api/types';
import { updates, watchPath } from '../catalog';
import { ago, lastEpisode, mainName, parseTime, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { useLiveStatus } from '../live/live';
import { useQuery } from '../query';
import { Link } from '../router';
import { usePageTitle } from '../ui/Header';
import { Poster } from '../ui/Poster';
import { Failure, Notice } from '../ui/States';
import { useNow } from '../ui/useNow';
import { Feature, FeatureSkeleton } from './Feature';

const rows = 6;

/** The head of the page: the episode that came out last, and those before it. */
export function OnAir() {
  const { t } = useWords();
  const { answer, error, retry } = useQuery(updates);
  usePageTitle(t.live.title);
  const [first, ...rest] = answer?.data ?? [];

  if (!answer && error) return <Failure error={error} retry={retry} />;
  if (answer && !first) return <Notice icon="calendar" title={t.home.noUpdates} />;
  return (
    <div className="on-air">
      {first ? <Feature key={first.id} title={first} /> : <FeatureSkeleton />}
      <section className="tape" aria-labelledby="tape-title">
        <div className="tape-head">
          <h2 id="tape-title">{t.live.title}</h2>
          <LiveSign />
        </div>
        <ol className="tape-rows">
          {first ? null : <TapeSkeleton />}
          {rest.slice(0, rows).map((title) => (
            <TapeRow key={`${title.id}:${lastEpisode(title)}`} title={title} />
          ))}
        </ol>
      </section>
    </div>
  );
}

function LiveSign() {
  const { t } = useWords();
  const status = useLiveStatus();
  const live = status === 'open';
  const words = live ? t.live.live : status === 'connecting' ? t.live.connecting : t.live.waiting;
  return (
    <p className={live ? 'live-sign' : 'live-sign off'} role="status">
      <span className="bars" aria-hidden="true" />
      {words}
    </p>
  );
}

function TapeRow({ title }: { title: ShortTitle }) {
  const { lang, t } = useWords();
  const now = useNow();
  const episode = lastEpisode(title);
  const at = parseTime(title.fresh_at ?? title.updated_at);
  return (
    <li>
      <Link className="tape-row" to={watchPath(title.id, episode)}>
        <Poster src={posterURL(title.poster, 'small')} seed={title.id} name="" />
        <span className="tape-text">
          <span className="tape-name">{mainName(lang, title.names)}</span>
          {at ? <time dateTime={at.toISOString()}>{ago(lang, at, now)}</time> : null}
        </span>
        {episode ? (
          <span className="tape-episode">
            <span className="sr-only">{fill(t.live.episode, { n: episode })}</span>
            <span aria-hidden="true">{episode}</span>
          </span>
        ) : null}
      </Link>
    </li>
  );
}

function TapeSkeleton() {
  return ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
    <li key={key} className="tape-row" aria-hidden="true">
      <span className="poster skeleton" />
      <span className="tape-text">
        <span className="skeleton skeleton-line" />
        <span className="skeleton skeleton-line short" />
      </span>
    </li>
  ));
}
