import { type ApiError, toApiError } from './api/error';
import type { Envelope, Grant, User } from './api/types';

export type SessionState = { status: 'loading' } | { status: 'guest' } | { status: 'user'; user: User };

export type Post = (path: string, body: unknown, token: string | null) => Promise<Envelope<Grant>>;

/**
 * Remembers that somebody signed in on this device, never who or how. Guests
 * therefore ask for no refresh, which would answer every first visit with 401.
 */
export interface Hint {
  get(): boolean;
  set(signedIn: boolean): void;
}

/**
 * Holds the access token in memory and renews it through the HttpOnly cookie.
 * However many requests find the token expired, one refresh is in flight.
 */
export class Session {
  private state: SessionState;
  private token: string | null = null;
  private inFlight: Promise<boolean> | null = null;
  // Counts sign-outs: a refresh that was under way then must not sign in again.
  private ended = 0;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly post: Post,
    private readonly hint: Hint,
  ) {
    this.state = hint.get() ? { status: 'loading' } : { status: 'guest' };
  }

  readonly snapshot = (): SessionState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  current(): string | null {
    return this.token;
  }

  /** Called once at start; a guest's page stays silent. */
  async restore(): Promise<void> {
    if (this.hint.get()) await this.refresh();
  }

  async signIn(login: string, password: string): Promise<void> {
    this.accept((await this.post('/api/auth/login', { login, password }, null)).data);
  }

  async signUp(login: string, email: string, password: string): Promise<void> {
    this.accept((await this.post('/api/auth/register', { login, email, password }, null)).data);
  }

  /** Ends the session here even when the server cannot be told. */
  async signOut(): Promise<void> {
    const token = this.token;
    this.forget();
    await this.post('/api/auth/logout', {}, token).catch(() => undefined);
  }

  refresh(): Promise<boolean> {
    if (!this.hint.get()) return Promise.resolve(false);
    this.inFlight ??= this.renew().finally(() => {
      this.inFlight = null;
    });
    return this.inFlight;
  }

  updateUser(user: User): void {
    if (this.state.status === 'user') this.become({ status: 'user', user });
  }

  /** Another tab signed out. */
  forget(): void {
    this.ended++;
    this.token = null;
    this.hint.set(false);
    this.become({ status: 'guest' });
  }

  private async renew(): Promise<boolean> {
    const ended = this.ended;
    try {
      const { data } = await this.post('/api/auth/refresh', {}, null);
      if (ended !== this.ended) return false;
      this.accept(data);
      return true;
    } catch (cause) {
      if (ended === this.ended) this.refused(toApiError(cause));
      return false;
    }
  }

  // A server that cannot answer is no reason to sign anybody out: the cookie
  // is still there and the next request tries again.
  private refused(error: ApiError): void {
    if (!error.temporary) this.forget();
    else if (this.state.status === 'loading') this.become({ status: 'guest' });
  }

  private accept(grant: Grant): void {
    this.token = grant.access_token;
    this.hint.set(true);
    this.become({ status: 'user', user: grant.user });
  }

  private become(state: SessionState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}
