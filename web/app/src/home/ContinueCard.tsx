import { clock } from '../format';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';

interface CardProps {
  id: number;
  to: string;
  poster: string | null;
  name: string;
  episode: number;
  seconds: number;
  duration: number;
  /** How many episodes came out since. */
  fresh: number;
  forget: { label: string; run: () => void };
}

/** An episode to go on with, and how far into it. */
export function ContinueCard({ id, to, poster, name, episode, seconds, duration, fresh, forget }: CardProps) {
  const { t, count } = useWords();
  const where = [fill(t.live.episode, { n: episode }), seconds > 0 ? clock(seconds) : null];
  return (
    <div className="continue-card">
      <Link className="continue-link" to={to}>
        <Poster src={poster} seed={id} name="" />
        <span className="continue-text">
          <span className="continue-name">{name}</span>
          <span className="continue-where">
            {where.filter(Boolean).join(' · ')}
            {fresh > 0 ? <span className="continue-fresh">{count(fresh, t.plural.fresh)}</span> : null}
          </span>
          <progress value={duration > 0 ? seconds / duration : 0} max={1} aria-hidden="true" />
        </span>
      </Link>
      <button
        type="button"
        className="icon-button"
        aria-label={forget.label}
        title={forget.label}
        onClick={forget.run}
      >
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}
