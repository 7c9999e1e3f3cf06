// localStorage that may be full, forbidden or absent: the page works without.

const prefix = 'anihub.';

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(prefix + name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, value);
  } catch {
    // A viewer in private mode simply starts afresh next time.
  }
}

export function recallJSON<T>(name: string, fallback: T): T {
  try {
    return (JSON.parse(recall(name) ?? 'null') as T | null) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Runs when another tab changes the value. */
export function onForeignChange(name: string, run: (value: string | null) => void): void {
  window.addEventListener('storage', (event) => {
    if (event.key === prefix + name) run(event.newValue);
  });
}
