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

const protocol = 1;
const here = import.meta.url;

const handshake = 10_000; // until hello
const pongWithin = 10_000;
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
  #listeners = new Map();
  #subs = new Set();
  #state = 'closed';
  #position;
  #conn = null;
  #timers = new Map();
  #attempt = 0;
  #failedSockets = 0;
  #planned = null; // ms that the server asked to wait
  #refused = null; // a token that is worth nothing any more
  #seen = new Set();
  #ids = 0;
  #unhook = null;

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
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(fn);
    return () => this.#listeners.get(type).delete(fn);
  }

  /** Every event from the moment that `for await` begins; it ends with close(). */
  async *events() {
    const queue = [];
    let wake;
    const come = (event) => {
      queue.push(event);
      wake?.();
    };
    const off = [this.on('event', come), this.on('state', () => wake?.())];
    this.connect();
    try {
      while (queue.length || this.#state !== 'closed') {
        if (queue.length) yield queue.shift();
        else {
          await new Promise((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      for (const stop of off) stop();
    }
  }

  /** Connects, which subscribe() also does; whoever has a token hears of their own titles. */
  connect() {
    if (this.#state !== 'closed') return;
    this.#attempt = this.#failedSockets = 0;
    this.#hook();
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
    if (this.#conn?.ready && !this.#timers.has('pong')) this.#ping();
    if (!this.#timers.has('retry')) return;
    this.#attempt = 0;
    this.#open();
  }

  // --- connections -----------------------------------------------------------------------

  #open() {
    this.#clear('retry', 'patient');
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (this.#options.transport === 'sse' || !Socket) this.#openStream();
    else this.#openSocket(Socket);
    this.#setState('connecting');
  }

  #openSocket(Socket) {
    const conn = this.#begin({ stream: false });
    try {
      const socket = new Socket(`${this.#base.replace(/^http/, 'ws')}/ws`);
      conn.send = (command) => socket.send(JSON.stringify(command));
      conn.close = () => socket.close(1000);
      socket.onmessage = ({ data }) => this.#conn === conn && this.#read(data);
      socket.onclose = ({ code, reason }) => this.#conn === conn && this.#ended(code, reason);
      socket.onerror = () => {}; // a close follows
    } catch {
      this.#later('pong', 0, () => this.#ended(1006, '')); // a policy of the page forbids it
    }
  }

  // The same over fetch: EventSource could not say who one is without a token in the URL.
  async #openStream() {
    const abort = new AbortController();
    const conn = this.#begin({ stream: true, close: () => abort.abort() });
    const token = await this.#token(false);
    if (this.#conn !== conn) return;
    const { titles, types } = wishOf(this.#subs);
    const since = [...this.#subs].reduce((at, sub) => older(at, sub.since), this.#position);
    const answer = token && since ? 'resumed' : 'subscribed';
    Object.assign(conn, { token, answer, job: { subs: [...this.#subs], since } });
    if (!titles.length && !types.length && !token) return this.#idle();
    const query = new URLSearchParams();
    if (titles.length) query.set('titles', titles.join());
    if (types.length) query.set('types', types.join());
    if (since) query.set('since', since);
    const get = this.#options.fetch ?? globalThis.fetch;
    try {
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const how = { headers, signal: abort.signal, cache: 'no-store' };
      const response = await get(`${this.#base}/events?${query}`, how);
      if (this.#conn !== conn) return;
      if (!response.ok) return await this.#denied(conn, response);
      for await (const message of messagesOf(response.body)) {
        if (this.#conn !== conn) return;
        this.#read(message.data, message.id);
      }
    } catch {
      // The network; what else could have failed is caught where it happens.
    }
    if (this.#conn === conn) this.#ended(1006, '');
  }

  // A stream without wishes would be one of everything.
  #idle() {
    this.#clear('pong');
    this.#setState('open');
  }

  #begin(conn) {
    this.#drop();
    this.#conn = { jobs: new Map(), outbox: [], added: [], spent: 0, close() {}, ...conn };
    this.#later('pong', handshake, () => this.#ended(1006, ''));
    return this.#conn;
  }

  #drop() {
    this.#clear('ping', 'pong', 'stable', 'budget', 'auth', 'added', 'renew');
    const conn = this.#conn;
    this.#conn = null;
    conn?.close();
  }

  // Begins anew with what is wanted now, once for all that changes at the same time.
  #renew() {
    this.#later('renew', 0, () => this.#open());
  }

  // Why a connection ended decides whether and when there is another.
  #ended(code, reason) {
    const { stream, greeted, user } = this.#conn;
    const planned = retryIn(reason) ?? this.#planned;
    this.#planned = null;
    this.#drop();
    if (final.has(code)) return this.#stop({ code, reason });
    if (code === 4401) return void this.#unwelcome(reason, user);
    if (code === 4029) return this.#wait(floodPause, true);
    if (planned !== null) return this.#wait(planned, true);
    if (code === 4008 && this.#attempt++ === 0) return this.#wait(0);
    const blocked = !stream && !greeted && ++this.#failedSockets >= socketsBeforeStream;
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

  async #denied(conn, response) {
    const { error } = await response.json().catch(() => ({}));
    if (this.#conn !== conn) return;
    const { status } = response;
    const refusal = new AniHubError(error ?? { code: `HTTP_${status}` });
    if (status === 401 && !conn.token) return this.#ended(4401, refusal.code);
    this.#emit('error', refusal);
    if (this.#conn !== conn) return;
    if (status === 401) this.#refused = conn.token;
    if (status === 401 || status === 429 || status >= 500) {
      this.#drop();
      return this.#wait(Number(response.headers.get('Retry-After')) * 1000 || this.#backoff());
    }
    const fresh = conn.job.subs.filter((sub) => !sub.known);
    for (const sub of fresh) this.#remove(sub, refusal);
    if (status === 403 || !fresh.length) return this.#stop({ code: status, reason: refusal.code });
    this.#open();
  }

  #stop(why = {}) {
    this.#drop();
    this.#clear('retry', 'patient');
    this.#unhook?.();
    this.#unhook = null;
    if (why.code !== 4401) for (const sub of this.#subs) sub.reject(new AniHubError({ code: 'CLOSED' }));
    this.#setState('closed', why);
  }

  // A patient wait is one that the server asked for: no hint of the browser ends it.
  #wait(ms, patient = false) {
    this.#later(patient ? 'patient' : 'retry', ms, () => this.#open());
    this.#setState('waiting', { retryIn: ms });
  }

  // Anywhere up to the ceiling of the attempt: those whom a restart cut off do not all return at once.
  #backoff() {
    return Math.round(this.#options.random() * Math.min(30_000, 500 * 2 ** Math.min(this.#attempt++, 10)));
  }

  // --- conversation ----------------------------------------------------------------------

  #read(text, id) {
    this.#alive();
    if (text === undefined) return; // a comment
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // a newer server may say what is unknown here, and a broken proxy anything
    }
    if (typeof frame?.type !== 'string') return;
    if (id) this.#position = id; // of a stream: nothing before it is missing
    const job = this.#conn.jobs.get(frame.id);
    this.#conn.jobs.delete(frame.id);
    this.#take(frame, frame.data ?? {}, job);
  }

  #take(frame, data, job) {
    switch (frame.type) {
      case 'hello':
        return void this.#greeted(data);
      case 'auth_ok':
        return this.#welcome(data);
      case 'auth_expired':
        return this.#expired();
      case 'subscribed':
      case 'resumed':
        return this.#answered(frame.type, data, job);
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
    else this.#emit(frame.type, frame);
  }

  async #greeted(hello) {
    const conn = this.#conn;
    Object.assign(conn, { greeted: true, hello });
    this.#alive();
    this.#failedSockets = conn.stream ? this.#failedSockets : 0;
    this.#later('stable', stableAfter, () => {
      this.#attempt = 0;
    });
    this.#position ??= hello.position;
    this.#setState('open');
    if (hello.protocol !== protocol) this.#emit('error', new AniHubError({ code: 'PROTOCOL' }));
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
      this.#ask(subs, { quiet: true });
    }
    if (token || all.length) {
      const job = { subs: all, since: this.#position, resume: true };
      conn.resuming = true;
      this.#command('resume', { position: this.#position }, job);
    }
    for (const sub of this.#subs) if (sub.since) this.#ask([sub], { since: sub.since });
  }

  // What is subscribed at the same time is one command. A later one has its own past.
  #add(conn, sub) {
    if (sub.since) return this.#ask([sub], { since: sub.since });
    conn.added.push(sub);
    this.#later('added', 0, () => this.#ask(conn.added.splice(0).filter((one) => this.#subs.has(one))));
  }

  // Behind a quiet question comes a resume, whose answer is the one to tell of.
  #ask(subs, { quiet, since } = {}) {
    if (!subs.length) return;
    const job = { subs, since, quiet, own: Boolean(since) };
    this.#command('subscribe_updates', spoken({ ...wishOf(subs), since }), job);
  }

  #answered(type, { position, recovered, count }, asked) {
    const conn = this.#conn;
    const job = conn.stream && type === conn.answer ? conn.job : asked;
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
    this.#emit(event.type, event);
    this.#emit('event', event);
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
    this.#emit('lost', { position });
  }

  #failed(refusal, job) {
    if (job?.auth) return this.#unknown(refusal);
    if (passing.has(refusal.code)) return job && this.#ended(1006, ''); // whole again after a while
    if (refusal.code === 'AUTH_REQUIRED') return this.#emit('error', refusal); // 4401 follows
    if (job?.resume)
      this.#reset(this.#conn.hello); // a position that is none
    else if (job?.subs.length > 1) return this.#single(job.subs);
    else if (job) this.#remove(job.subs[0], refusal);
    this.#emit('error', refusal);
  }

  // One of several is not acceptable: each is asked for by itself to find out which.
  #single(subs) {
    for (const sub of subs) sub.alone = !sub.known;
    this.#open(); // now: the answer to resume would speak for all of them
  }

  #remove(sub, refusal) {
    this.#subs.delete(sub);
    sub.reject(refusal);
  }

  #unsubscribe(sub) {
    if (!this.#subs.delete(sub)) return;
    sub.reject(new AniHubError({ code: 'UNSUBSCRIBED' }));
    const conn = this.#conn;
    if (conn?.job) this.#renew();
    if (!conn?.ready) return;
    const still = wishOf(this.#subs);
    const titles = sub.titles.filter((id) => !still.titles.includes(id));
    const types = sub.types.filter((type) => !still.types.includes(type));
    // The server ends subscriptions of titles only, and does not know whether the viewer
    // follows the title besides: then it is easier to begin anew without.
    if (types.length || conn.token || titles.length > fewTitles) return this.#renew();
    for (const title_id of titles) this.#command('unsubscribe_title', { title_id });
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
    this.#command('auth', { token }, { auth: true });
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
    this.#emit('auth', data);
    if (late) this.#lose(this.#position); // the viewer's own titles were not heard meanwhile
  }

  #unknown(refusal) {
    const conn = this.#conn;
    conn.late = !conn.user;
    const soon = 2000 + 3000 * this.#options.random();
    if (passing.has(refusal.code)) return this.#later('auth', soon, () => this.#introduce(false));
    if (refusal.code === 'OTHER_USER') return this.#renew();
    if (refusal.code === 'BAD_TOKEN' && this.#refused !== conn.token) {
      this.#refused = conn.token;
      this.#introduce(true);
    }
    this.#emit('error', refusal);
  }

  // --- the rest --------------------------------------------------------------------------

  // Half of what is allowed in a window: the server's window may begin in the middle of ours.
  #command(type, data, job) {
    const conn = this.#conn;
    const id = ++this.#ids;
    if (job) conn.jobs.set(id, job);
    conn.outbox.push({ type, id, data });
    this.#flush(conn);
  }

  #flush(conn) {
    const { commands = 50, commands_seconds: seconds = 10 } = conn.hello.limits ?? {};
    while (conn.outbox.length && conn.spent < commands / 2) {
      conn.spent++;
      conn.send(conn.outbox.shift());
    }
    if (this.#timers.has('budget')) return;
    this.#later('budget', seconds * 1000, () => {
      conn.spent = 0;
      if (conn.outbox.length) this.#flush(conn);
    });
  }

  // Something was heard. After silence a socket is asked; a stream would have had a comment.
  #alive() {
    const conn = this.#conn;
    if (!conn?.greeted) return;
    const silence = (conn.hello.ping_seconds ?? 25) * 1000;
    this.#clear('pong');
    if (conn.stream) this.#later('pong', silence + pongWithin, () => this.#ended(1006, ''));
    else this.#later('ping', silence, () => this.#ping());
  }

  #ping() {
    if (this.#conn.stream) return;
    this.#conn.send({ type: 'ping' });
    this.#later('pong', pongWithin, () => this.#ended(1006, ''));
  }

  // Browsers know when the network is back, and throttle timers of pages that nobody sees.
  #hook() {
    const { document: page } = globalThis;
    if (this.#unhook || !page) return;
    const back = () => this.wake();
    const seen = () => page.hidden || this.wake();
    globalThis.addEventListener('online', back);
    page.addEventListener('visibilitychange', seen);
    this.#unhook = () => {
      globalThis.removeEventListener('online', back);
      page.removeEventListener('visibilitychange', seen);
    };
  }

  #setState(state, why = {}) {
    if (this.#state === state) return;
    this.#state = state;
    this.#emit('state', { state, ...why });
  }

  #emit(type, value) {
    for (const fn of [...(this.#listeners.get(type) ?? [])]) {
      try {
        fn(value);
      } catch (error) {
        report(error);
      }
    }
  }

  #later(name, ms, run) {
    this.#clear(name);
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      run();
    }, ms);
    this.#timers.set(name, timer);
  }

  #clear(...names) {
    for (const name of names) {
      clearTimeout(this.#timers.get(name));
      this.#timers.delete(name);
    }
  }
}

// One listener's defect is nobody else's, and is not swallowed either.
function report(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else console.error(error);
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

// Messages of an event stream (HTML standard §9.2.6), as our server writes them.
async function* messagesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const messages = (rest + value).split('\n\n');
    rest = messages.pop();
    for (const message of messages) {
      yield Object.fromEntries(message.split('\n').map((line) => line.split(/: (.*)/s)));
    }
  }
}
