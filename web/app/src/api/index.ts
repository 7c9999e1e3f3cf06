import { keep, onForeignChange, recall } from '../memory';
import { language } from '../prefs';
import { Session } from '../session';
import { createClient } from './client';
import type { Grant } from './types';

declare global {
  interface Window {
    /** Put there by public/boot.js. */
    anihubEarly?: Record<string, Promise<Response>>;
  }
}

const browserFetch: typeof fetch = (...args) => window.fetch(...args);
const nobody = { current: () => null, refresh: async () => false };
const anonymous = createClient({ fetch: browserFetch, language, tokens: nobody });

export const session = new Session(
  (path, body, token) => anonymous<Grant>(path, { method: 'POST', body, token }),
  {
    get: () => recall('signed-in') === '1',
    set: (signedIn) => keep('signed-in', signedIn ? '1' : null),
  },
);

onForeignChange('signed-in', (value) => {
  if (value === null) session.forget();
  else if (session.current() === null) void session.refresh();
});

const positionListeners = new Set<(position: string) => void>();

/** Tells the position at which catalogue answers were read. */
export function onPosition(listener: (position: string) => void): void {
  positionListeners.add(listener);
}

export const api = createClient({
  fetch: browserFetch,
  language,
  tokens: session,
  early: window.anihubEarly,
  onPosition: (position) => {
    for (const listener of positionListeners) listener(position);
  },
});
