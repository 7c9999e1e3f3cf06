import { expect, test, vi } from 'vitest';
import { actionOf } from './keys';
import { skipAt } from './skips';

function fakes() {
  return {
    toggle: vi.fn(),
    seekBy: vi.fn(),
    seekToPart: vi.fn(),
    volumeBy: vi.fn(),
    mute: vi.fn(),
    fullscreen: vi.fn(),
    next: vi.fn(),
    skip: vi.fn(),
  };
}

test('keys do what the hint on the controls says', () => {
  const actions = fakes();
  for (const code of ['Space', 'ArrowLeft', 'ArrowUp', 'Digit3', 'KeyM', 'KeyF', 'KeyN', 'KeyS']) {
    actionOf(code, actions)?.();
  }
  expect(actions.toggle).toHaveBeenCalledOnce();
  expect(actions.seekBy).toHaveBeenCalledWith(-5);
  expect(actions.volumeBy).toHaveBeenCalledWith(0.1);
  expect(actions.seekToPart).toHaveBeenCalledWith(0.3);
  for (const name of ['mute', 'fullscreen', 'next', 'skip'] as const)
    expect(actions[name]).toHaveBeenCalledOnce();
});

test('other keys stay with the browser', () => {
  expect(actionOf('KeyQ', fakes())).toBeUndefined();
  expect(actionOf('Tab', fakes())).toBeUndefined();
});

test('skipping is offered inside a span and not at its very end', () => {
  const skips = { opening: { start: 60, stop: 150 }, ending: { start: 1300, stop: 1390 } };
  expect(skipAt(skips, 59)).toBeNull();
  expect(skipAt(skips, 60)).toEqual({ kind: 'opening', to: 150 });
  expect(skipAt(skips, 149.5)).toBeNull();
  expect(skipAt(skips, 1350)).toEqual({ kind: 'ending', to: 1390 });
});

test('spans that make no sense are ignored', () => {
  expect(skipAt({ opening: { start: 90, stop: 10 }, ending: null }, 50)).toBeNull();
  expect(skipAt({ opening: null, ending: null }, 50)).toBeNull();
});
