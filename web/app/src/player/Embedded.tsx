import type { Episode } from '../api/types';
import { useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import type { Embed } from './sources';

interface EmbeddedProps {
  embed: Embed;
  embeds: Embed[];
  label: string;
  next: Episode | null;
  open: (episode: Episode) => void;
  choose: (name: Embed['name']) => void;
  /** Returns to our own streams, when there are any. */
  back?: () => void;
}

/** A video host's player, with the ways to other sources and to the next episode under it. */
export function Embedded({ embed, embeds, label, next, open, choose, back }: EmbeddedProps) {
  const { t } = useWords();
  return (
    <div className="embedded">
      <div className="stage">
        <iframe
          src={embed.url}
          title={`${label} (${embed.name})`}
          allow="autoplay; fullscreen; encrypted-media; picture-in-picture"
          referrerPolicy="strict-origin-when-cross-origin"
        />
      </div>
      <div className="embedded-bar">
        <span className="embedded-label">{t.player.source}</span>
        {back ? (
          <button type="button" className="chip" aria-pressed={false} onClick={back}>
            AniHub
          </button>
        ) : null}
        {embeds.map(({ name }) => (
          <button
            type="button"
            className="chip"
            key={name}
            aria-pressed={name === embed.name}
            onClick={() => choose(name)}
          >
            {name}
          </button>
        ))}
        {next ? (
          <button type="button" className="button small" onClick={() => open(next)}>
            {t.player.next}
            <Icon name="next" size={16} />
          </button>
        ) : null}
      </div>
    </div>
  );
}
