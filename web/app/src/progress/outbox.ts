import { type ApiError, toApiError } from '../api/error';
import type { ProgressEdit } from './book';

// Edits on their way to the server: kept until they are acknowledged, sent
// together, and again when they did not arrive. Sending twice does no harm: the
// server lets the latest `updated_at` win.

export type Box = Record<string, ProgressEdit>;

export interface TitleEdits {
  title_id: number;
  episodes: { episode: number; seconds?: number; watched?: true; updated_at: string }[];
}

// Place and mark are apart, as they are on the server: that an episode was
// watched must not be dated anew by every second of its credits.
function keyOf({ title_id, episode, watched }: ProgressEdit): string {
  return `${title_id}:${episode}:${watched ? 'mark' : 'place'}`;
}

/** Whether the server has still to hear that the episode was watched. */
export function hasMark(box: Box, title_id: number, episode: number): boolean {
  return keyOf({ title_id, episode, watched: true, at: 0 }) in box;
}

/** Of several edits of the same thing the latest is enough. */
export function withEdits(box: Box, edits: ProgressEdit[]): Box {
  const next = { ...box };
  for (const edit of edits) {
    const known = next[keyOf(edit)];
    if (!known || known.at <= edit.at) next[keyOf(edit)] = edit;
  }
  return next;
}

/** Takes out what arrived, unless there is something newer to say by now. */
export function withoutSent(box: Box, sent: ProgressEdit[]): Box {
  const next = { ...box };
  for (const edit of sent) {
    const known = next[keyOf(edit)];
    if (known && known.at <= edit.at) delete next[keyOf(edit)];
  }
  return next;
}

export function asTitles(edits: ProgressEdit[]): TitleEdits[] {
  const titles = new Map<number, TitleEdits>();
  for (const { title_id, episode, seconds, watched, at } of edits) {
    const title = titles.get(title_id) ?? { title_id, episodes: [] };
    titles.set(title_id, title);
    const updated_at = new Date(at).toISOString();
    const said = watched ? { watched } : { seconds: Math.round((seconds ?? 0) * 100) / 100 };
    title.episodes.push({ episode, ...said, updated_at });
  }
  return [...titles.values()];
}

export interface OutboxDeps {
  read(): Box;
  write(box: Box): void;
  /** `urgent` when the page is going away. */
  send(titles: TitleEdits[], urgent: boolean): Promise<unknown>;
  /** Something arrived. */
  onSent(): void;
}

const pause = 10_000;
const firstRetry = 15_000;
const lastRetry = 300_000;
// One request takes 500 titles; edits bound its size as well.
const mostTitles = 100;
const mostEdits = 1000;

export class Outbox {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = Number.POSITIVE_INFINITY;
  private failures = 0;
  private running: Promise<void> | null = null;

  constructor(private readonly deps: OutboxDeps) {}

  /** Keeps edits and sends them soon, with those that follow. */
  add(edits: ProgressEdit[]): void {
    if (edits.length === 0) return;
    this.deps.write(withEdits(this.deps.read(), edits));
    if (this.failures === 0) this.sendIn(pause);
  }

  /** Sends now; also when an earlier try has failed. */
  async flush(urgent = false): Promise<void> {
    this.rest();
    if (urgent) {
      await this.attempt(() => this.sendBatch(true));
      return;
    }
    this.running ??= this.attempt(() => this.sendAll()).finally(() => {
      this.running = null;
    });
    await this.running;
  }

  /** Stops until there is something to say again; what is kept stays kept. */
  rest(): void {
    clearTimeout(this.timer);
    this.due = Number.POSITIVE_INFINITY;
  }

  private sendIn(ms: number): void {
    const due = Date.now() + ms;
    if (due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => void this.flush(), ms);
  }

  private async attempt(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
      this.failures = 0;
    } catch (cause) {
      this.failed(toApiError(cause));
    }
  }

  private async sendAll(): Promise<void> {
    let more = true;
    while (more) more = await this.sendBatch(false);
  }

  /** False when nothing is left. */
  private async sendBatch(urgent: boolean): Promise<boolean> {
    const edits = Object.values(this.deps.read()).slice(0, mostEdits);
    const titles = asTitles(edits).slice(0, mostTitles);
    if (titles.length === 0) return false;
    const ids = new Set(titles.map(({ title_id }) => title_id));
    const going = edits.filter(({ title_id }) => ids.has(title_id));
    try {
      await this.deps.send(titles, urgent);
    } catch (cause) {
      if (!refusedForGood(toApiError(cause))) throw cause;
      await this.sendEach(titles, urgent);
    }
    this.deps.write(withoutSent(this.deps.read(), going));
    this.deps.onSent();
    return true;
  }

  // One title that the server will never take must not hold up the others.
  private async sendEach(titles: TitleEdits[], urgent: boolean): Promise<void> {
    if (titles.length === 1) return;
    for (const title of titles) {
      try {
        await this.deps.send([title], urgent);
      } catch (cause) {
        if (!refusedForGood(toApiError(cause))) throw cause;
      }
    }
  }

  private failed(error: ApiError): void {
    // Nobody is signed in: the next one who is will send it.
    if (error.status === 401 || error.status === 403) {
      this.failures = 0;
      return;
    }
    const wait = Math.min(firstRetry * 2 ** this.failures, lastRetry);
    this.failures++;
    this.sendIn(Math.max(wait, (error.retryAfter ?? 0) * 1000));
  }
}

function refusedForGood(error: ApiError): boolean {
  return !error.temporary && error.status !== 401 && error.status !== 403;
}
