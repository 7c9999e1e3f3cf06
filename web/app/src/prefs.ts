import { useSyncExternalStore } from 'react';
import type { Language } from './i18n';
import { keep, recall } from './memory';

// What the viewer chose on this device. public/boot.js reads the first two
// under the same names before the bundle is there.

export type Theme = 'dark' | 'light';
export type ToastChoice = 'all' | 'mine' | 'none';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(): void {
  for (const listener of listeners) listener();
}

export function language(): Language {
  return document.documentElement.lang === 'en' ? 'en' : 'ru';
}

export function setLanguage(next: Language): void {
  keep('lang', next);
  document.documentElement.lang = next;
  notify();
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language);
}

function theme(): Theme {
  return document.documentElement.dataset.theme === 'light' ? 'light' : 'dark';
}

function paint(next: Theme): void {
  document.documentElement.dataset.theme = next;
  const bar = next === 'light' ? '#f3f4f9' : '#10121b';
  document.querySelector('meta[name=theme-color]')?.setAttribute('content', bar);
  notify();
}

export function setTheme(next: Theme): void {
  keep('theme', next);
  paint(next);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme);
}

/** Until the viewer chooses, the page goes with the system, sunset included. */
export function followSystemTheme(): void {
  const light = window.matchMedia('(prefers-color-scheme: light)');
  light.addEventListener('change', () => {
    if (!recall('theme')) paint(light.matches ? 'light' : 'dark');
  });
}

export function toastChoice(): ToastChoice {
  const choice = recall('toasts');
  return choice === 'mine' || choice === 'none' ? choice : 'all';
}

export function setToastChoice(next: ToastChoice): void {
  keep('toasts', next);
  notify();
}

export function useToastChoice(): ToastChoice {
  return useSyncExternalStore(subscribe, toastChoice);
}
