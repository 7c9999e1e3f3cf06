import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react';

// The History API and one hook. Addresses are the page's only state that must
// survive a reload, so filters, pages and the episode played all live in them.

export interface Location {
  path: string;
  search: string;
}

const changed = 'anihub:navigate';
const scrolls = new Map<string, number>();
let current = read();

function read(): Location {
  return { path: window.location.pathname, search: window.location.search };
}

function entryKey(): string {
  return (window.history.state as { key?: string } | null)?.key ?? 'first';
}

function isHere({ path, search }: Location): boolean {
  return path === window.location.pathname && search === window.location.search;
}

function announce(): void {
  if (!isHere(current)) current = read();
  window.dispatchEvent(new Event(changed));
}

/** Goes to an address of this site. `replace` for what Back should skip. */
export function navigate(to: string, how: { replace?: boolean; keepScroll?: boolean } = {}): void {
  scrolls.set(entryKey(), window.scrollY);
  const key = how.replace ? entryKey() : `${Date.now()}${Math.random()}`;
  if (how.replace) window.history.replaceState({ key }, '', to);
  else window.history.pushState({ key }, '', to);
  announce();
  if (!how.replace && !how.keepScroll) jumpTo(0);
}

// A new page begins at its place at once; only links within a page glide.
function jumpTo(top: number): void {
  window.scrollTo({ top, behavior: 'instant' });
}

/** Starts listening to Back and Forward; they return to where the reader was. */
export function startRouter(): void {
  window.history.scrollRestoration = 'manual';
  let key = entryKey();
  window.addEventListener(changed, () => {
    key = entryKey();
  });
  window.addEventListener('popstate', () => {
    // A link within the page; the browser scrolls to its target itself.
    if (isHere(current)) return;
    scrolls.set(key, window.scrollY);
    announce();
    const top = scrolls.get(entryKey()) ?? 0;
    // Two frames: one for React to render what is cached, one for its layout.
    requestAnimationFrame(() => requestAnimationFrame(() => jumpTo(top)));
  });
}

function subscribe(listener: () => void): () => void {
  window.addEventListener(changed, listener);
  return () => window.removeEventListener(changed, listener);
}

export function useLocation(): Location {
  return useSyncExternalStore(subscribe, () => current);
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
  replace?: boolean;
  keepScroll?: boolean;
}

/** An anchor that a plain click follows without loading the page again. */
export function Link({ to, replace, keepScroll, onClick, ...rest }: LinkProps) {
  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event);
    if (event.defaultPrevented || !isPlainClick(event)) return;
    event.preventDefault();
    navigate(to, { replace, keepScroll });
  }
  return <a href={to} onClick={follow} {...rest} />;
}

function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}
