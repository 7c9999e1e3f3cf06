import { useEffect, useEffectEvent } from 'react';

export interface KeyActions {
  toggle(): void;
  seekBy(seconds: number): void;
  seekToPart(part: number): void;
  volumeBy(step: number): void;
  mute(): void;
  fullscreen(): void;
  next(): void;
  skip(): void;
}

/** The action a key stands for. By position, so that Russian layouts work too. */
export function actionOf(code: string, actions: KeyActions): (() => void) | undefined {
  const digit = code.match(/^Digit(\d)$/)?.[1];
  if (digit) return () => actions.seekToPart(Number(digit) / 10);
  return {
    Space: actions.toggle,
    KeyK: actions.toggle,
    ArrowLeft: () => actions.seekBy(-5),
    ArrowRight: () => actions.seekBy(5),
    KeyJ: () => actions.seekBy(-10),
    KeyL: () => actions.seekBy(10),
    ArrowUp: () => actions.volumeBy(0.1),
    ArrowDown: () => actions.volumeBy(-0.1),
    KeyM: actions.mute,
    KeyF: actions.fullscreen,
    KeyN: actions.next,
    KeyS: actions.skip,
  }[code];
}

// Keys that fields, buttons and scrolling lists need for themselves.
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  return event.code === 'Space' && /^(BUTTON|A)$/.test(target.tagName);
}

/** Listens on the whole page: a viewer does not aim at the video first. */
export function usePlayerKeys(actions: KeyActions): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    const action = actionOf(event.code, actions);
    if (!action) return;
    event.preventDefault();
    action();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, []);
}
