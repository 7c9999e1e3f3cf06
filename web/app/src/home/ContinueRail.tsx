import { watchPath } from '../catalog';
import { clock, mainName } from '../format';
import { fill, useWords } from '../i18n';
import { forgetProgress, type TitleProgress, useProgress } from '../progress';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';
import { Rail } from '../ui/Rail';

/** What was begun on this device; absent for whoever has begun nothing. */
export function ContinueRail() {
  const { t } = useWords();
  const begun = Object.values(useProgress()).sort((a, b) => b.at - a.at);
  if (begun.length === 0) return null;
  return (
    <Rail title={t.home.continue} className="continue">
      {begun.slice(0, 12).map((entry) => (
        <ContinueCard key={entry.id} entry={entry} />
      ))}
    </Rail>
  );
}

function ContinueCard({ entry }: { entry: TitleProgress }) {
  const { lang, t } = useWords();
  const now = entry.episodes[entry.episode];
  const part = now && now.duration > 0 ? now.seconds / now.duration : 0;
  return (
    <div className="continue-card">
      <Link className="continue-link" to={watchPath(entry.id, entry.episode)}>
        <Poster src={entry.poster} seed={entry.id} name="" />
        <span className="continue-text">
          <span className="continue-name">{mainName(lang, entry.names)}</span>
          <span className="continue-where">
            {fill(t.live.episode, { n: entry.episode })} · {clock(now?.seconds ?? 0)}
          </span>
          <progress value={part} max={1} aria-hidden="true" />
        </span>
      </Link>
      <button
        type="button"
        className="icon-button"
        aria-label={`${t.home.forget}: ${mainName(lang, entry.names)}`}
        onClick={() => forgetProgress(entry.id)}
      >
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}
