import { api } from '../api';
import type { Imported, UnknownEntry } from '../api/schema.gen';
import { libraryKey } from '../lists/library';
import { continueKey } from '../progress/sync';
import { refetchShown } from '../query';

// Lists come from files of other sites and go to them.

export type ListFormat = 'mal' | 'shikimori';

/** Whose file it is, by its first sign, else by its name: MyAnimeList writes XML, Shikimori JSON. */
export function formatOf(name: string, beginning: string): ListFormat {
  const first = beginning.replace(/^\uFEFF/, '').trimStart()[0];
  if (first === '<') return 'mal';
  if (first === '[' || first === '{') return 'shikimori';
  return /\.json(\.gz)?$/i.test(name) ? 'shikimori' : 'mal';
}

export async function fileFormat(file: File): Promise<ListFormat> {
  return formatOf(file.name, await file.slice(0, 64).text());
}

export interface ImportOptions {
  format: ListFormat;
  overwrite: boolean;
  dryRun: boolean;
}

export async function importLists(file: File, options: ImportOptions): Promise<Imported> {
  const query = {
    format: options.format,
    overwrite: options.overwrite || undefined,
    dry_run: options.dryRun || undefined,
  };
  const { data } = await api<Imported>('/api/users/lists/import', {
    method: 'POST',
    auth: true,
    query,
    file,
  });
  if (!options.dryRun) refetchShown((key) => key === libraryKey || key === continueKey);
  return data;
}

export type Reason = UnknownEntry['reason'];

/** What was left out, by reason, the most frequent first. */
export function byReason(unknown: UnknownEntry[]): [Reason, UnknownEntry[]][] {
  const groups = new Map<Reason, UnknownEntry[]>();
  for (const entry of unknown) groups.set(entry.reason, [...(groups.get(entry.reason) ?? []), entry]);
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

export type Export = ListFormat | 'everything';

const exports: Record<Export, { path: string; name: string }> = {
  mal: { path: '/api/users/lists/export?format=mal', name: 'anihub-mal.xml' },
  shikimori: { path: '/api/users/lists/export?format=shikimori', name: 'anihub-shikimori.json' },
  everything: { path: '/api/users/export', name: 'anihub.json' },
};

/** Fetched and then saved: a plain link could not say who asks. */
export async function download(what: Export): Promise<void> {
  const { path, name } = exports[what];
  const response = await api.respond(path, { auth: true });
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName(response.headers.get('Content-Disposition')) ?? name;
  link.click();
  // The browser has to have begun before the address may go.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function fileName(disposition: string | null): string | null {
  return disposition?.match(/filename="?([^";]+)"?/)?.[1] ?? null;
}
