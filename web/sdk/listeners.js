/** Who listens to the client, by the type of what is told. */
export class Listeners {
  #of = new Map();

  /** Returns a function that ends it. */
  on(type, fn) {
    if (!this.#of.has(type)) this.#of.set(type, new Set());
    this.#of.get(type).add(fn);
    return () => this.#of.get(type).delete(fn);
  }

  tell(type, value) {
    for (const fn of [...(this.#of.get(type) ?? [])]) {
      try {
        fn(value);
      } catch (error) {
        report(error);
      }
    }
  }

  /** Every event from now on, until the client is closed; what is not taken is kept. */
  async *events(isClosed) {
    const queue = [];
    let wake = () => {};
    const come = (event) => {
      queue.push(event);
      wake();
    };
    const off = [this.on('event', come), this.on('state', () => wake())];
    try {
      for (;;) {
        while (queue.length) yield queue.shift();
        if (isClosed()) return;
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      for (const stop of off) stop();
    }
  }
}

/** A defect of whoever uses the client is nobody else's, and is not swallowed either. */
export function report(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else console.error(error);
}
