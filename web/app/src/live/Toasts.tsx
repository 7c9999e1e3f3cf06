import { useEffect, useState } from 'react';
import { watchPath } from '../catalog';
import { mainName, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';
import { eventNames, eventPoster } from './apply';
import { dismissToast, type Toast, useToasts } from './live';

const lifetime = 9000;

/** News of episodes, in a corner. Pointing at one, or focusing it, keeps it. */
export function Toasts() {
  const { t } = useWords();
  const toasts = useToasts();
  const [held, setHeld] = useState(false);
  return (
    <section
      className="toasts"
      aria-label={t.live.region}
      aria-live="polite"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {toasts.map((toast) => (
        <EpisodeToast key={toast.key} toast={toast} held={held} />
      ))}
    </section>
  );
}

function EpisodeToast({ toast, held }: { toast: Toast; held: boolean }) {
  const { lang, t } = useWords();
  const { event, key } = toast;
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismissToast(key), lifetime);
    return () => clearTimeout(timer);
  }, [held, key]);

  const name = mainName(lang, eventNames(event.title));
  return (
    <div className="toast">
      <Link
        className="toast-link"
        to={watchPath(event.title_id, event.episode)}
        onClick={() => dismissToast(key)}
      >
        <Poster src={posterURL(eventPoster(event.poster), 'small')} seed={event.title_id} name="" eager />
        <span className="toast-text">
          <span className="toast-kind">{t.live.newEpisode}</span>
          <span className="toast-name">{name}</span>
          <span className="toast-episode">
            {fill(t.live.episode, { n: event.episode })}
            {event.episode_name ? ` · ${event.episode_name}` : ''}
          </span>
        </span>
      </Link>
      <button
        type="button"
        className="icon-button"
        aria-label={t.live.dismiss}
        onClick={() => dismissToast(key)}
      >
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}
