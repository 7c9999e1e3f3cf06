// One connection of the client to a server, over a WebSocket or, where none gets through, a
// stream of Server-Sent Events. It knows frames, commands and silence, and nothing of what they
// are about. Once it is closed, nothing is heard of it any more.

const handshake = 10_000; // until hello
const pongWithin = 10_000;

/** Timers by name; one that is set again begins anew. */
export class Timers {
  #running = new Map();

  has(name) {
    return this.#running.has(name);
  }

  set(name, ms, run) {
    this.clear(name);
    const timer = setTimeout(() => {
      this.#running.delete(name);
      run();
    }, ms);
    this.#running.set(name, timer);
  }

  clear(...names) {
    for (const name of names) {
      clearTimeout(this.#running.get(name));
      this.#running.delete(name);
    }
  }
}

/** What both transports have. `hub` is told by heard(frame, job, id) and ended(code, reason). */
class Line {
  stream = false;
  hello = null; // what the server said first
  closed = false;
  timers = new Timers();
  jobs = new Map(); // of commands that have no answer yet

  constructor(hub) {
    this.hub = hub;
  }

  close() {
    this.closed = true;
    this.timers.clear('pong', 'ping', 'budget');
  }

  ended(code = 1006, reason = '') {
    if (!this.closed) this.hub.ended(code, reason);
  }

  await(ms) {
    this.timers.set('pong', ms, () => this.ended());
  }

  read(text, id) {
    this.#alive();
    if (text === undefined) return; // a comment
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // a newer server may say what is unknown here, and a broken proxy anything
    }
    if (typeof frame?.type !== 'string') return;
    frame.data ??= {};
    if (frame.type === 'hello') {
      this.hello = frame.data;
      this.#alive();
    }
    const job = this.jobs.get(frame.id);
    this.jobs.delete(frame.id);
    this.hub.heard(frame, job, id);
  }

  #alive() {
    if (!this.hello) return;
    this.timers.clear('pong');
    this.silence((this.hello.ping_seconds ?? 25) * 1000);
  }
}

/** A WebSocket. What the hub wants is said in commands; after silence it is asked whether it lives. */
export class SocketLine extends Line {
  #socket;
  #outbox = [];
  #spent = 0;
  #ids = 0;

  constructor(hub, Socket, url) {
    super(hub);
    this.await(handshake);
    try {
      this.#socket = new Socket(url);
    } catch {
      this.await(0); // a policy of the page forbids it
      return;
    }
    this.#socket.onmessage = ({ data }) => this.closed || this.read(data);
    this.#socket.onclose = ({ code, reason }) => this.ended(code, reason);
    this.#socket.onerror = () => {}; // a close follows
  }

  close() {
    super.close();
    this.#socket?.close(1000);
  }

  command(type, data, job) {
    const id = ++this.#ids;
    if (job) this.jobs.set(id, job);
    this.#outbox.push({ type, id, data });
    this.#flush();
  }

  // Half of what is allowed in a window: the server's window may begin in the middle of ours.
  #flush() {
    const { commands = 50, commands_seconds: seconds = 10 } = this.hello.limits ?? {};
    while (this.#outbox.length && this.#spent < commands / 2) {
      this.#spent++;
      this.#say(JSON.stringify(this.#outbox.shift()));
    }
    if (this.timers.has('budget')) return;
    this.timers.set('budget', seconds * 1000, () => {
      this.#spent = 0;
      if (this.#outbox.length) this.#flush();
    });
  }

  silence(ms) {
    this.timers.set('ping', ms, () => this.ping());
  }

  ping() {
    if (this.timers.has('pong')) return;
    this.#say('{"type":"ping"}');
    this.await(pongWithin);
  }

  // A socket that is closing takes nothing and complains; what matters is said to the next one.
  #say(text) {
    if (!(this.#socket.readyState > 1)) this.#socket.send(text);
  }
}

/** A stream, for which everything stands in one request. Its hub is also told denied(answer). */
export class StreamLine extends Line {
  stream = true;
  #abort = new AbortController();

  close() {
    super.close();
    this.#abort.abort();
  }

  // By fetch: EventSource could not say who one is without a token in the URL.
  async open(fetch, url, token) {
    this.await(handshake);
    try {
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const response = await fetch(url, { headers, signal: this.#abort.signal, cache: 'no-store' });
      if (!response.ok) return await this.#denied(response);
      for await (const { data, id } of messagesOf(response.body)) {
        if (this.closed) return;
        this.read(data, id);
      }
    } catch {
      // The network; what else could have failed is caught where it happens.
    }
    this.ended();
  }

  async #denied(response) {
    const { error } = await response.json().catch(() => ({}));
    const { status, headers } = response;
    if (!this.closed) this.hub.denied({ status, error, after: Number(headers.get('Retry-After')) * 1000 });
  }

  // A comment would have come.
  silence(ms) {
    this.await(ms + pongWithin);
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

/**
 * Calls wake when the network may be back, until the function that it returns is called:
 * browsers know of it, and throttle timers of pages that nobody sees.
 */
export function whenBack(wake) {
  const { document: page } = globalThis;
  if (!page) return () => {};
  const seen = () => page.hidden || wake();
  globalThis.addEventListener('online', wake);
  page.addEventListener('visibilitychange', seen);
  return () => {
    globalThis.removeEventListener('online', wake);
    page.removeEventListener('visibilitychange', seen);
  };
}
