import type { CSSProperties } from 'react';
import type { Episode, Span } from '../api/types';
import { clock } from '../format';
import { useWords } from '../i18n';
import type { VideoState } from './useVideo';

interface SeekProps {
  now: VideoState;
  skips: Episode['skips'];
  seekTo: (seconds: number) => void;
}

/** Where the video is; opening and ending are marked on it. */
export function SeekBar({ now, skips, seekTo }: SeekProps) {
  const { t } = useWords();
  const { duration } = now;
  const percent = (seconds: number) => `${duration > 0 ? (seconds / duration) * 100 : 0}%`;
  const place = (span: Span): CSSProperties => ({
    left: percent(span.start),
    width: percent(span.stop - span.start),
  });
  const bar = { '--played': percent(now.time), '--loaded': percent(now.buffered) } as CSSProperties;
  const marks = [skips?.opening, skips?.ending].filter((span): span is Span => Boolean(span));
  return (
    <div className="seek" style={bar}>
      {marks.map((span) => (
        <span key={span.start} className="seek-mark" style={place(span)} />
      ))}
      <input
        type="range"
        min={0}
        max={Math.max(1, Math.floor(duration))}
        step={1}
        value={Math.floor(now.time)}
        aria-label={t.player.seek}
        aria-valuetext={`${clock(now.time)} / ${clock(duration)}`}
        onChange={(event) => seekTo(Number(event.target.value))}
      />
    </div>
  );
}
