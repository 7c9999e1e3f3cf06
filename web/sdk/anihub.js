// AniHub client, protocol 1. Word of new episodes the moment they appear, each once and in
// order, through lost networks and restarted servers. The protocol is docs/realtime.md.
//
//   import { AniHub } from 'https://anihub.example/sdk/anihub.js';
//   const hub = new AniHub();
//   hub.on('new_episode', ({ data }) => console.log(data.title, data.episode));
//   hub.on('lost', refetch); // more was missed than the server remembers
//   hub.subscribe({ types: ['new_episode'] });
//
// No dependency and no build step; browsers of the last years and Node from 20. MIT licence.

import { SocketLine, StreamLine, Timers, whenBack } from './line.js';
import { Listeners, report } from './listeners.js';

const protocol = 1;
const here = import.meta.url;

const stableAfter = 5_000; // then the next break is a new one
const floodPause = 60_000;
const socketsBeforeStream = 2; // openings in a row that fail
const remembered = 1000; // event ids
const fewTitles = 20; // to unsubscribe from one by one

// Close codes after which coming back would only end the same way.
const final = new Set([1002, 1003, 1007, 1009, 4403]);
// Refusals that say nothing of the command.
const passing = new Set(['TRY_AGAIN', 'TIMEOUT', 'USERS_UNAVAILABLE', 'RATE_LIMITED']);

/** A refusal of the server, or of this client: `code` is stable, `message` is a sentence. */
export class AniHubError extends Error {
  constructor({ code, message, details }) {
    super(message ?? code);
    this.name = 'AniHubError';
    this.code = code;
    this.details = details ?? {};
  }
}

/** One connection to a server, kept until close(); over whichever transport works. */
export class AniHub {
  #options;
  #base;
  #listeners = new Listeners();
  #subs = new Set();
  #state = 'closed';
  #position;
  #conn = null;
  #timers = new Timers();
  #attempt = 0;
  #failedSockets = 0;
  #planned = null; // ms that the server asked to wait
  #refused = null; // a token that is worth nothing any more
  #seen = new Set();
  #unhook = null;
  #ear = {
    heard: (...said) => this.#heard(...said),
    ended: (...why) => this.#ended(...why),
    denied: (answer) => this.#denied(answer),
  };

  /** @param {import('./anihub.d.ts').Options} [options] */
  constructor(options = {}) {
    this.#options = { random: Math.random, transport: 'auto', ...options };
    const url = new URL(options.url ?? new URL('/', here));
    if (!/^https?:$/.test(url.protocol))
      throw new TypeError(`url must be http: or https:, is ${url.protocol}`);
    this.#base = `${url.origin}${url.pathname.replace(/\/$/, '')}/api/anilibria/v2`;
    this.#position = options.position ?? null;
  }

  /** connecting, open, waiting (to try again) or closed. */
  get state() {
    return this.#state;
  }

  /** The place up to which everything was handed over; keep it to go on from here another time. */
  get position() {
    return this.#position;
  }

  /**
   * Calls fn for events of a type until the function that it returns is called. Besides the
   * server's there are `event` (any of them), `state`, `lost`, `auth` and `error`.
   */
  on(type, fn) {
    return this.#listeners.on(type, fn);
  }

  /** Every event from the moment that `for await` begins; it ends with close(). */
  async *events() {
    this.connect();
    yield* this.#listeners.events(() => this.#state === 'closed');
  }

  /** Connects, which subscribe() also does; whoever has a token hears of their own titles. */
  connect() {
    if (this.#state !== 'closed') return;
    this.#attempt = this.#failedSockets = 0;
    this.#unhook ??= whenBack(() => this.wake());
    this.#open();
  }

  /** Ends it for good: nothing comes any more, unless connect() is called. */
  close() {
    this.#stop();
  }

  /** Asks for news of these titles and, of whichever title, of these types. */
  subscribe({ titles = [], types = [], since = null }) {
    if (!titles.length && !types.length) throw new TypeError('subscribe to titles or to types');
    const sub = { titles: [...titles], types: [...types], since, known: false };
    sub.ready = new Promise((resolve, reject) => Object.assign(sub, { resolve, reject }));
    sub.ready.catch(() => {}); // who does not look at it hears of it as an error event
    if (this.#position === null && since) {
      this.#position = since; // nothing was told before: everything begins there
      sub.since = null;
    }
    this.#subs.add(sub);
    this.connect();
    if (this.#conn?.job) this.#renew();
    else if (this.#conn?.ready) this.#add(this.#conn, sub);
    return { ready: sub.ready, unsubscribe: () => this.#unsubscribe(sub) };
  }

  /** Shows who one is now: a new token, or what the `token` option says. Nobody: as a stranger. */
  auth(token) {
    if (token !== undefined) this.#options.token = token;
    this.#refused = null;
    if (this.#conn?.stream) this.#renew();
    else if (this.#conn?.ready) this.#introduce(false);
  }

  /** Does not sit out a wait, and looks whether an open connection still lives. */
  wake() {
    if (this.#conn?.ready) this.#conn.ping();
    if (!this.#timers.has('retry')) return;
    this.#attempt = 0;
    this.#open();
  }

  // --- connections -----------------------------------------------------------------------

  #open() {
    this.#timers.clear('retry', 'patient');
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (this.#options.transport === 'sse' || !Socket) this.#openStream();
    else this.#begin(new SocketLine(this.#ear, Socket, `${this.#base.replace(/^http/, 'ws')}/ws`));
    this.#setState('connecting');
  }

  async #openStream() {
    const conn = this.#begin(new StreamLine(this.#ear));
    const token = await this.#token(false);
    if (this.#conn !== conn) return;
    const { titles, types } = wishOf(this.#subs);
    const since = [...this.#subs].reduce((at, sub) => older(at, sub.since), this.#position);
    const answer = token && since ? 'resumed' : 'subscribed';
    Object.assign(conn, { token, answer, job: { subs: [...this.#subs], since } });
    // A stream without wishes would be one of everything.
    if (!titles.length && !types.length && !token) return this.#setState('open');
    const query = new URLSearchParams(spoken({ titles: titles.join(), types: types.join(), since }));
    conn.open(this.#options.fetch ?? globalThis.fetch, `${this.#base}/events?${query}`, token);
  }

  #begin(conn) {
    this.#drop();
    this.#conn = Object.assign(conn, { added: [] });
    return conn;
  }

  #drop() {
    this.#timers.clear('stable', 'auth', 'added', 'renew');
    const conn = this.#conn;
    this.#conn = null;
    conn?.close();
  }

  // Begins anew with what is wanted now, once for all that changes at the same time.
  #renew() {
    this.#timers.set('renew', 0, () => this.#open());
  }

  // Why a connection ended decides whether and when there is another.
  #ended(code, reason) {
    const { stream, hello, user } = this.#conn;
    const planned = retryIn(reason) ?? this.#planned;
    this.#planned = null;
    this.#drop();
    if (final.has(code)) return this.#stop({ code, reason });
    if (code === 4401) return void this.#unwelcome(reason, user);
    if (code === 4029) return this.#wait(floodPause, true);
    if (planned !== null) return this.#wait(planned, true);
    if (code === 4008 && this.#attempt++ === 0) return this.#wait(0);
    const blocked = !stream && !hello && ++this.#failedSockets >= socketsBeforeStream;
    if (blocked && this.#options.transport === 'auto') return void this.#openStream();
    this.#wait(this.#backoff());
  }

  // A token ended. With another, or as a stranger if one was somebody, it goes on.
  async #unwelcome(reason, user) {
    this.#setState('waiting');
    const token = await this.#token(true);
    if (this.#conn || this.#state !== 'waiting' || this.#timers.has('retry')) return;
    if (token || user) this.#wait(this.#backoff());
    else this.#stop({ code: 4401, reason });
  }

  #denied({ status, error, after }) {
    const conn = this.#conn;
    const { token, job } = conn;
    const refusal = new AniHubError(error ?? { code: `HTTP_${status}` });
    if (status === 401 && !token) return this.#ended(4401, refusal.code);
    this.#listeners.tell('error', refusal);
    if (this.#conn !== conn) return;
    if (status === 401) this.#refused = token;
    if (status === 401 || status === 429 || status >= 500) {
      this.#drop();
      return this.#wait(after || this.#backoff());
    }
    const fresh = job.subs.filter((sub) => !sub.known);
    for (const sub of fresh) this.#remove(sub, refusal);
    if (status === 403 || !fresh.length) return this.#stop({ code: status, reason: refusal.code });
    this.#open();
  }

  #stop(why = {}) {
    this.#drop();
    this.#timers.clear('retry', 'patient');
    this.#unhook?.();
    this.#unhook = null;
    if (why.code !== 4401) for (const sub of this.#subs) sub.reject(new AniHubError({ code: 'CLOSED' }));
    this.#setState('closed', why);
  }

  // A patient wait is one that the server asked for: no hint of the browser ends it.
  #wait(ms, patient = false) {
    this.#timers.set(patient ? 'patient' : 'retry', ms, () => this.#open());
    this.#setState('waiting', { retryIn: ms });
  }

  // Anywhere up to the ceiling of the attempt: those whom a restart cut off do not all return at once.
  #backoff() {
    return Math.round(this.#options.random() * Math.min(30_000, 500 * 2 ** Math.min(this.#attempt++, 10)));
  }

  // --- conversation ----------------------------------------------------------------------

  #heard(frame, job, id) {
    if (id) this.#position = id; // of a stream: nothing before it is missing
    const { type, data } = frame;
    switch (type) {
      case 'hello':
        return void this.#greeted(data);
      case 'auth_ok':
        return this.#welcome(data);
      case 'auth_expired':
        return this.#expired();
      case 'subscribed':
      case 'resumed':
        return this.#answered(type, data, job);
      case 'error':
        return this.#failed(new AniHubError(data), job);
      case 'reset':
        return this.#reset(data);
      case 'reconnect':
        this.#planned = retryIn(data);
        return;
      case 'close': // of a stream
        return this.#ended(data.code, data.reason);
    }
    if (typeof frame.event_id === 'string') this.#deliver(frame);
    else this.#listeners.tell(type, frame);
  }

  async #greeted(hello) {
    const conn = this.#conn;
    if (!conn.stream) this.#failedSockets = 0;
    this.#timers.set('stable', stableAfter, () => {
      this.#attempt = 0;
    });
    this.#position ??= hello.position;
    this.#setState('open');
    if (hello.protocol !== protocol) this.#listeners.tell('error', new AniHubError({ code: 'PROTOCOL' }));
    if (conn.stream) return; // what is wanted stood in the request
    const token = await this.#token(false);
    if (this.#conn === conn) this.#begun(conn, token);
  }

  // Everything is subscribed from now on and then resumed at once, so that what was missed
  // comes in the order of the log, whichever subscription it is for.
  #begun(conn, token) {
    conn.ready = true;
    if (token) this.#show(token);
    const all = [...this.#subs].filter((sub) => !sub.since);
    const alone = all.filter((sub) => sub.alone);
    for (const subs of [all.filter((sub) => !sub.alone), ...alone.map((sub) => [sub])]) {
      this.#ask(subs, true);
    }
    if (token || all.length) {
      const job = { subs: all, since: this.#position, resume: true };
      conn.resuming = true;
      this.#conn.command('resume', { position: this.#position }, job);
    }
    for (const sub of this.#subs) if (sub.since) this.#ask([sub]);
  }

  // What is subscribed at the same time is one command. A later one has its own past.
  #add(conn, sub) {
    if (sub.since) return this.#ask([sub]);
    conn.added.push(sub);
    this.#timers.set('added', 0, () => this.#ask(conn.added.splice(0).filter((one) => this.#subs.has(one))));
  }

  // Behind a quiet question comes a resume, whose answer is the one to tell of.
  #ask(subs, quiet = false) {
    if (!subs.length) return;
    const [{ since }] = subs; // of several there is none
    const job = { subs, since, quiet, own: Boolean(since) };
    this.#conn.command('subscribe_updates', spoken({ ...wishOf(subs), since }), job);
  }

  #answered(type, { position, recovered, count }, asked) {
    const conn = this.#conn;
    const job = type === conn.answer ? conn.job : asked;
    if (!job) return;
    if (job.since && !recovered) this.#lose(position, job.own);
    for (const sub of job.quiet ? [] : job.subs) sub.resolve({ position, recovered, count });
    conn.backlog = { job, left: count, position };
    if (!count) this.#caughtUp(conn);
  }

  #caughtUp(conn) {
    const { job, position } = conn.backlog;
    conn.backlog = null;
    for (const sub of job.subs) Object.assign(sub, { known: true, since: null });
    if (!job.resume) return;
    this.#position = position;
    Object.assign(conn, { resuming: false, early: false });
  }

  #deliver(event) {
    this.#advance(this.#conn, event.position);
    if (this.#seen.has(event.event_id)) return;
    this.#seen.add(event.event_id);
    if (this.#seen.size > remembered) this.#seen.delete(this.#seen.values().next().value);
    this.#listeners.tell(event.type, event);
    this.#listeners.tell('event', event);
  }

  // While something that was missed is still to come, the position stays before it: a
  // connection that breaks there has to ask for the rest again.
  #advance(conn, position) {
    const { backlog } = conn;
    if (backlog) {
      if (backlog.job.own) backlog.job.subs[0].since &&= position;
      else if (!conn.early && !conn.stream) this.#position = position;
      if (--backlog.left === 0) this.#caughtUp(conn);
    } else if (conn.resuming) conn.early = true;
    else if (!conn.stream) this.#position = position;
  }

  #reset({ position }) {
    Object.assign(this.#conn, { backlog: null, resuming: false, early: false });
    for (const sub of this.#subs) sub.since = null;
    this.#lose(position);
  }

  #lose(position, own = false) {
    if (!own) this.#position = position; // of all, not of one subscription that reached further back
    this.#listeners.tell('lost', { position });
  }

  #failed(refusal, job) {
    if (job?.auth) return this.#unknown(refusal);
    if (passing.has(refusal.code)) return job && this.#ended(1006, ''); // whole again after a while
    if (refusal.code === 'AUTH_REQUIRED') return this.#listeners.tell('error', refusal); // 4401 follows
    if (job?.resume)
      this.#reset(this.#conn.hello); // a position that is none
    else if (job?.subs.length > 1) return this.#single(job.subs);
    else if (job) this.#remove(job.subs[0], refusal);
    this.#listeners.tell('error', refusal);
  }

  // One of several is not acceptable: each is asked for by itself to find out which.
  #single(subs) {
    for (const sub of subs) sub.alone = !sub.known;
    this.#open(); // now: the answer to resume would speak for all of them
  }

  #remove(sub, refusal) {
    sub.reject(refusal);
    return this.#subs.delete(sub);
  }

  #unsubscribe(sub) {
    if (!this.#remove(sub, new AniHubError({ code: 'UNSUBSCRIBED' }))) return;
    const conn = this.#conn;
    if (conn?.job) this.#renew();
    if (!conn?.ready) return;
    const still = wishOf(this.#subs);
    const titles = sub.titles.filter((id) => !still.titles.includes(id));
    const types = sub.types.filter((type) => !still.types.includes(type));
    // The server ends subscriptions of titles only, and does not know whether the viewer
    // follows the title besides: then it is easier to begin anew without.
    if (types.length || conn.token || titles.length > fewTitles) return this.#renew();
    for (const title_id of titles) this.#conn.command('unsubscribe_title', { title_id });
  }

  // --- who one is ------------------------------------------------------------------------

  // A token that was refused is worth nothing: then the source is asked for another.
  async #token(renew) {
    const { token } = this.#options;
    if (typeof token !== 'function') return token && token !== this.#refused ? token : null;
    try {
      let given = await token({ renew });
      if (given && given === this.#refused && !renew) given = await token({ renew: true });
      return given && given !== this.#refused ? given : null;
    } catch (error) {
      report(error);
      return null;
    }
  }

  #show(token) {
    this.#conn.token = token;
    this.#conn.command('auth', { token }, { auth: true });
  }

  #expired() {
    if (!this.#conn.stream) return void this.#introduce(true);
    this.#refused = this.#conn.token;
    this.#renew();
  }

  async #introduce(renew) {
    const conn = this.#conn;
    const token = await this.#token(renew);
    if (this.#conn !== conn) return;
    if (token) this.#show(token);
    else if (conn.token && !renew) this.#renew(); // as a stranger
  }

  #welcome(data) {
    const late = this.#conn.late;
    Object.assign(this.#conn, { user: data.user_id, late: false });
    this.#listeners.tell('auth', data);
    if (late) this.#lose(this.#position); // the viewer's own titles were not heard meanwhile
  }

  #unknown(refusal) {
    const conn = this.#conn;
    conn.late = !conn.user;
    const soon = 2000 + 3000 * this.#options.random();
    if (passing.has(refusal.code)) return this.#timers.set('auth', soon, () => this.#introduce(false));
    if (refusal.code === 'OTHER_USER') return this.#renew();
    if (refusal.code === 'BAD_TOKEN' && this.#refused !== conn.token) {
      this.#refused = conn.token;
      this.#introduce(true);
    }
    this.#listeners.tell('error', refusal);
  }

  // --- the rest --------------------------------------------------------------------------

  #setState(state, why = {}) {
    if (this.#state === state) return;
    this.#state = state;
    this.#listeners.tell('state', { state, ...why });
  }
}

function wishOf(subs) {
  const titles = [...new Set([...subs].flatMap((sub) => sub.titles))];
  const types = [...new Set([...subs].flatMap((sub) => sub.types))];
  return { titles, types };
}

// What is empty is left out: the server takes a list of nothing for a mistake.
function spoken(data) {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value?.length));
}

// The older of two positions. Those of different epochs cannot be compared: the server says so.
function older(a, b) {
  if (!a || !b) return a || b;
  const [[epochA, at], [epochB, than]] = [a.split(':'), b.split(':')];
  return epochA === epochB && Number(at) < Number(than) ? a : b;
}

// retry_in_ms out of a frame's data, or of the JSON in a close reason.
function retryIn(source) {
  try {
    const { retry_in_ms: ms } = typeof source === 'string' ? JSON.parse(source) : source;
    return typeof ms === 'number' && ms >= 0 ? ms : null;
  } catch {
    return null;
  }
}
