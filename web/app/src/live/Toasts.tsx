import { useEffect, useEffectEvent, useState } from 'react';
import { watchPath } from '../catalog';
import { mainName, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { Link } from '../router';
import { Icon } from '../ui/Icon';
import { Poster } from '../ui/Poster';
import { eventNames, eventPoster } from './apply';
import { dismissToast, type Toast, useToasts } from './live';
import { dismissNote, type Note, useNotes } from './notes';

const lifetime = 9000;

/** News of episodes and of what was done, in a corner. Pointing at one, or focusing it, keeps it. */
export function Toasts() {
  const { t } = useWords();
  const toasts = useToasts();
  const notes = useNotes();
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
      {notes.map((note) => (
        <NoteToast key={note.key} note={note} held={held} />
      ))}
      {toasts.map((toast) => (
        <EpisodeToast key={toast.key} toast={toast} held={held} />
      ))}
    </section>
  );
}

function useLifetime(held: boolean, end: () => void) {
  const over = useEffectEvent(end);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => over(), lifetime);
    return () => clearTimeout(timer);
  }, [held]);
}

function NoteToast({ note, held }: { note: Note; held: boolean }) {
  const words = useWords();
  const { action, failed, key } = note;
  useLifetime(held, () => dismissNote(key));
  return (
    <div className={failed ? 'toast note failed' : 'toast note'}>
      <Icon name={failed ? 'warn' : 'check'} />
      <p className="note-text">{note.text(words)}</p>
      {action ? (
        <button
          type="button"
          className="link-button"
          onClick={() => {
            dismissNote(key);
            action.run();
          }}
        >
          {action.label(words)}
        </button>
      ) : null}
      <button
        type="button"
        className="icon-button"
        aria-label={words.t.live.dismiss}
        onClick={() => dismissNote(key)}
      >
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}

function EpisodeToast({ toast, held }: { toast: Toast; held: boolean }) {
  const { lang, t } = useWords();
  const { event, key } = toast;
  useLifetime(held, () => dismissToast(key));

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
