import { useEffect, useRef, useState } from 'react';
import type { Source } from '../api/types';
import { clock, mainName, posterURL } from '../format';
import { fill, useWords } from '../i18n';
import { keep, recall } from '../memory';
import { resumePoint } from '../progress/book';
import { previewURL } from '../title/episodes';
import { Icon } from '../ui/Icon';
import { Controls } from './Controls';
import { FailurePanel } from './FailurePanel';
import { usePlayerKeys } from './keys';
import { NextUp } from './NextUp';
import type { PlayerProps } from './Player';
import { skipAt } from './skips';
import { type Embed, pickStream } from './sources';
import { useActions } from './useActions';
import { useElsewhere } from './useElsewhere';
import { useIdle } from './useIdle';
import { useMediaSession } from './useMediaSession';
import { useSaving } from './useSaving';
import { useStream } from './useStream';
import { useVideo } from './useVideo';

export interface StreamPlayerProps extends PlayerProps {
  streams: Source[];
  embeds: Embed[];
  label: string;
  chooseEmbed: (name: Embed['name']) => void;
}

export function StreamPlayer(props: StreamPlayerProps) {
  const { title, episode, next, open, streams, embeds, label } = props;
  const { lang, t } = useWords();
  const box = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const [resumed] = useState(() => resumePoint(title.id, episode.ordinal));
  const startAt = useRef(resumed);
  const [stream, setStream] = useState(() => pickStream(streams, recall('quality')) as Source);
  // Before the stream, whose end takes the place with it.
  useSaving(video, title, episode, resumed);
  const [state, retry] = useStream(video, stream.url, startAt);
  const now = useVideo(video);
  const elsewhere = useElsewhere(title.id, episode.ordinal, now);
  const skip = skipAt(episode.skips, now.time);
  const actions = useActions({ box, video, skip, next: next ? () => open(next) : null });
  const { idle, wake, rest } = useIdle(now.paused || state !== 'ready');
  usePlayerKeys(actions);
  useMediaSession(actions, {
    title: `${fill(t.live.episode, { n: episode.ordinal })} ${episode.name ?? ''}`.trim(),
    artist: mainName(lang, title.names),
    artwork: posterURL(title.poster, 'medium'),
  });

  function setQuality(next: Source) {
    startAt.current = video.current?.currentTime ?? startAt.current;
    keep('quality', next.quality);
    setStream(next);
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a player is a group of controls, not a form's fieldset
    <div
      ref={box}
      role="group"
      aria-label={label}
      className={idle ? 'stage player idle' : 'stage player'}
      onPointerMove={(event) => event.pointerType === 'mouse' && wake()}
      onPointerLeave={(event) => event.pointerType === 'mouse' && rest()}
      onKeyDown={wake}
      onFocus={wake}
    >
      {/* biome-ignore lint/a11y/useMediaCaption: the catalogue has no caption tracks */}
      <video
        ref={video}
        playsInline
        preload="auto"
        poster={previewURL(episode) ?? undefined}
        onClick={(event) => {
          const touch = (event.nativeEvent as PointerEvent).pointerType === 'touch';
          if (!touch) actions.toggle();
          else if (idle) wake();
          else rest();
        }}
        onDoubleClick={actions.fullscreen}
      />
      {state === 'loading' || now.waiting ? (
        <span className="player-spinner" role="status">
          <span className="sr-only">{t.player.loading}</span>
        </span>
      ) : null}
      {state === 'failed' ? (
        <FailurePanel {...{ streams, stream, embeds, retry, setQuality }} chooseEmbed={props.chooseEmbed} />
      ) : (
        <>
          {elsewhere ? (
            <ElsewhereNote at={elsewhere} go={() => actions.seekTo(elsewhere)} />
          ) : (
            <ResumeNote from={resumed} restart={() => actions.seekTo(0)} />
          )}
          {skip ? (
            <button type="button" className="button player-skip" onClick={actions.skip}>
              {skip.kind === 'opening' ? t.player.skipOpening : t.player.skipEnding}
              <Icon name="next" size={18} />
            </button>
          ) : null}
          {now.ended && next ? <NextUp episode={next} open={() => open(next)} /> : null}
          <Controls
            {...{ now, actions, streams, stream, setQuality, embeds, episode, next }}
            chooseEmbed={props.chooseEmbed}
          />
        </>
      )}
    </div>
  );
}

function ElsewhereNote({ at, go }: { at: number; go: () => void }) {
  const { t } = useWords();
  return (
    <p className="player-note" role="status">
      {fill(t.player.elsewhere, { time: clock(at) })}
      <button type="button" className="link-button" onClick={go}>
        {t.player.goThere}
      </button>
    </p>
  );
}

const noteFor = 6000;

function ResumeNote({ from, restart }: { from: number; restart: () => void }) {
  const { t } = useWords();
  const [shown, setShown] = useState(from > 0);
  useEffect(() => {
    const timer = setTimeout(() => setShown(false), noteFor);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return null;
  return (
    <p className="player-note" role="status">
      {fill(t.player.resumed, { time: clock(from) })}
      <button
        type="button"
        className="link-button"
        onClick={() => {
          restart();
          setShown(false);
        }}
      >
        {t.player.restart}
      </button>
    </p>
  );
}
