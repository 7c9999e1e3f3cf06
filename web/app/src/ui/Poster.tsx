import { useState } from 'react';
import { Icon } from './Icon';

interface PosterProps {
  src: string | null;
  /** Seeds the placeholder's colour, so that a title keeps its own. */
  seed: number;
  name: string;
  /** The first picture a viewer sees is worth hurrying for. */
  eager?: boolean;
}

/** A title's poster, or a drawn one when there is none or it does not load. */
export function Poster({ src, seed, name, eager }: PosterProps) {
  const [failed, setFailed] = useState<string | null>(null);
  if (!src || failed === src) return <PosterPlaceholder seed={seed} name={name} />;
  return (
    <img
      className="poster"
      src={src}
      alt=""
      width={300}
      height={450}
      loading={eager ? 'eager' : 'lazy'}
      fetchPriority={eager ? 'high' : 'auto'}
      decoding="async"
      referrerPolicy="no-referrer"
      onError={() => setFailed(src)}
    />
  );
}

function PosterPlaceholder({ seed, name }: { seed: number; name: string }) {
  return (
    <span className={`poster poster-none poster-none-${seed % 5}`} aria-hidden="true">
      <Icon name="play" size={36} />
      <span className="poster-none-name">{name}</span>
    </span>
  );
}
