import { useEffect, useState } from 'react';
import type { Episode } from '../api/types';
import { fill, useWords } from '../i18n';
import { Icon } from '../ui/Icon';

const seconds = 8;

/** At the end the next episode begins by itself, unless the viewer says no. */
export function NextUp({ episode, open }: { episode: Episode; open: () => void }) {
  const { t } = useWords();
  const [left, setLeft] = useState(seconds);
  const [cancelled, setCancelled] = useState(false);
  useEffect(() => {
    if (cancelled) return;
    const timer = setTimeout(() => (left <= 1 ? open() : setLeft(left - 1)), 1000);
    return () => clearTimeout(timer);
  }, [left, cancelled, open]);
  return (
    <div className="player-next">
      <p className="player-next-kind">
        {t.player.next}
        {cancelled ? null : ` · ${left}`}
      </p>
      <p className="player-next-name">
        {fill(t.live.episode, { n: episode.ordinal })}
        {episode.name ? ` · ${episode.name}` : ''}
      </p>
      <div className="player-next-actions">
        <button type="button" className="button primary" onClick={open}>
          <Icon name="play" size={18} />
          {t.player.play}
        </button>
        {cancelled ? null : (
          <button type="button" className="button" onClick={() => setCancelled(true)}>
            {t.player.cancel}
          </button>
        )}
      </div>
    </div>
  );
}
