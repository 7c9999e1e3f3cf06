import { useEffect, useRef, useState } from 'react';
import { useWords } from '../i18n';
import { Icon } from '../ui/Icon';
import type { ControlsProps } from './Controls';

const speeds = [0.75, 1, 1.25, 1.5, 2];

/** Quality, speed and source, behind the gear. */
export function Settings({ now, actions, streams, stream, setQuality, embeds, chooseEmbed }: ControlsProps) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  useClosing(box, open, () => setOpen(false));
  return (
    <span className="settings" ref={box}>
      <button
        type="button"
        className="control text"
        aria-expanded={open}
        aria-label={`${t.player.settings}, ${stream.quality ?? ''}`}
        onClick={() => setOpen(!open)}
      >
        <Icon name="gear" size={22} />
        <span aria-hidden="true">{stream.quality}</span>
      </button>
      {open ? (
        <div className="settings-panel">
          <Choice
            label={t.player.quality}
            options={streams.map(({ quality, url }) => ({ value: url, name: quality ?? '—' }))}
            value={stream.url}
            pick={(url) => {
              const picked = streams.find((other) => other.url === url);
              if (picked) setQuality(picked);
            }}
          />
          <Choice
            label={t.player.speed}
            options={speeds.map((speed) => ({ value: String(speed), name: `${speed}×` }))}
            value={String(now.speed)}
            pick={(speed) => actions.setSpeed(Number(speed))}
          />
          {embeds.length > 0 ? (
            <Choice
              label={t.player.source}
              options={[{ value: '', name: 'AniHub' }, ...embeds.map(({ name }) => ({ value: name, name }))]}
              value=""
              pick={(name) => {
                const picked = embeds.find((embed) => embed.name === name);
                if (picked) chooseEmbed(picked.name);
              }}
            />
          ) : null}
        </div>
      ) : null}
    </span>
  );
}

interface ChoiceProps {
  label: string;
  options: { value: string; name: string }[];
  value: string;
  pick: (value: string) => void;
}

function Choice({ label, options, value, pick }: ChoiceProps) {
  return (
    <fieldset className="settings-choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={label}
            checked={option.value === value}
            onChange={() => pick(option.value)}
          />
          <span>{option.name}</span>
        </label>
      ))}
    </fieldset>
  );
}

function useClosing(box: React.RefObject<HTMLElement | null>, open: boolean, close: () => void) {
  useEffect(() => {
    if (!open) return;
    const onPointer = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) close();
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close();
    };
    document.addEventListener('pointerdown', onPointer);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('pointerdown', onPointer);
      document.removeEventListener('keydown', onKey);
    };
  }, [box, open, close]);
}
