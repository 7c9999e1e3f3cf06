import { useEffect, useState } from 'react';
import type { Episode, Source } from '../api/types';
import { clock } from '../format';
import { useWords } from '../i18n';
import { Icon, type IconName } from '../ui/Icon';
import { SeekBar } from './SeekBar';
import { Settings } from './Settings';
import type { Embed } from './sources';
import type { PlayerActions } from './useActions';
import type { VideoState } from './useVideo';

export interface ControlsProps {
  now: VideoState;
  actions: PlayerActions;
  streams: Source[];
  stream: Source;
  setQuality: (stream: Source) => void;
  embeds: Embed[];
  chooseEmbed: (name: Embed['name']) => void;
  episode: Episode;
  next: Episode | null;
}

export function Controls(props: ControlsProps) {
  const { now, actions, episode, next } = props;
  const { t } = useWords();
  const full = useFullscreen();
  const silent = now.muted || now.volume === 0;
  return (
    <div className="controls">
      <SeekBar now={now} skips={episode.skips} seekTo={actions.seekTo} />
      <div className="controls-row" title={t.player.keys}>
        <Button
          icon={now.paused ? 'play' : 'pause'}
          label={now.paused ? t.player.play : t.player.pause}
          act={actions.toggle}
        />
        {next ? <Button icon="next" label={t.player.next} act={actions.next} /> : null}
        <span className="controls-volume">
          <Button
            icon={silent ? 'mute' : 'volume'}
            label={silent ? t.player.unmute : t.player.mute}
            act={actions.mute}
          />
          <input
            type="range"
            min={0}
            max={1}
            step={0.05}
            value={now.muted ? 0 : now.volume}
            aria-label={t.player.volume}
            onChange={(event) => actions.setVolume(Number(event.target.value))}
          />
        </span>
        <span className="controls-time">
          {clock(now.time)} <span>/ {clock(now.duration)}</span>
        </span>
        <span className="controls-gap" />
        <Settings {...props} />
        {document.pictureInPictureEnabled ? (
          <Button icon="pip" label={t.player.pip} act={actions.pictureInPicture} className="controls-pip" />
        ) : null}
        <Button
          icon={full ? 'unfull' : 'full'}
          label={full ? t.player.exitFullscreen : t.player.fullscreen}
          act={actions.fullscreen}
        />
      </div>
    </div>
  );
}

interface ButtonProps {
  icon: IconName;
  label: string;
  act: () => void;
  className?: string;
}

function Button({ icon, label, act, className = '' }: ButtonProps) {
  return (
    <button type="button" className={`control ${className}`} aria-label={label} title={label} onClick={act}>
      <Icon name={icon} size={22} />
    </button>
  );
}

function useFullscreen(): boolean {
  const [full, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const update = () => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', update);
    return () => document.removeEventListener('fullscreenchange', update);
  }, []);
  return full;
}
