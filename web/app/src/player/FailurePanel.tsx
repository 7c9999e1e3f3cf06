import type { Source } from '../api/types';
import { fill, useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import { Notice } from '../ui/States';
import { type Embed, streamBelow } from './sources';

interface FailureProps {
  streams: Source[];
  stream: Source;
  embeds: Embed[];
  retry: () => void;
  setQuality: (stream: Source) => void;
  chooseEmbed: (name: Embed['name']) => void;
}

/** A video that does not come is no dead end: again, smaller, or from elsewhere. */
export function FailurePanel({ streams, stream, embeds, retry, setQuality, chooseEmbed }: FailureProps) {
  const { t } = useWords();
  const lower = streamBelow(streams, stream);
  return (
    <div className="player-failed">
      <Notice icon="warn" title={t.player.failed} hint={t.player.failedHint} role="alert">
        <button type="button" className="button primary" onClick={retry}>
          <Icon name="retry" size={18} />
          {t.player.retry}
        </button>
        {lower ? (
          <button type="button" className="button" onClick={() => setQuality(lower)}>
            {fill(t.player.lower, { quality: lower.quality ?? '' })}
          </button>
        ) : null}
        {embeds.map(({ name }) => (
          <button type="button" className="button" key={name} onClick={() => chooseEmbed(name)}>
            {fill(t.player.other, { name })}
          </button>
        ))}
      </Notice>
    </div>
  );
}
