import { expect, test, vi } from 'vitest';
import { ApiError } from './api/error';
import type { Envelope, Grant } from './api/types';
import { Session } from './session';

function grant(token: string): Envelope<Grant> {
  const user = {
    id: 'u',
    login: 'rin',
    email: 'rin@example.org',
    name: 'rin',
    roles: [],
    created_at: null,
    quiet_hours: null,
  };
  return { data: { access_token: token, token_type: 'Bearer', expires_in: 900, user } };
}

function setUp(signedIn: boolean) {
  let hint = signedIn;
  const post = vi.fn<(path: string, body: unknown, token: string | null) => Promise<Envelope<Grant>>>();
  const store = {
    get: () => hint,
    set: (value: boolean) => {
      hint = value;
    },
  };
  return { post, store, session: new Session(post, store) };
}

const refused = new ApiError({ code: 'UNAUTHORIZED', status: 401, message: '' });
const away = new ApiError({ code: 'NETWORK', status: 0, message: '' });

test('a guest asks the server for nothing', async () => {
  const { post, session } = setUp(false);
  await session.restore();
  expect(await session.refresh()).toBe(false);
  expect(session.snapshot().status).toBe('guest');
  expect(post).not.toHaveBeenCalled();
});

test('a returning viewer is signed in by the cookie', async () => {
  const { post, session } = setUp(true);
  post.mockResolvedValue(grant('t1'));
  expect(session.snapshot().status).toBe('loading');
  await session.restore();
  expect(session.snapshot()).toMatchObject({ status: 'user', user: { login: 'rin' } });
  expect(session.current()).toBe('t1');
});

test('however many ask, one refresh is in flight', async () => {
  const { post, session } = setUp(true);
  post.mockResolvedValueOnce(grant('t1')).mockResolvedValueOnce(grant('t2'));
  expect(await Promise.all([session.refresh(), session.refresh(), session.refresh()])).toEqual([
    true,
    true,
    true,
  ]);
  expect(post).toHaveBeenCalledOnce();
  await session.refresh();
  expect(session.current()).toBe('t2');
});

test('a refused cookie signs out, a server that is away does not', async () => {
  const { post, store, session } = setUp(true);
  post.mockRejectedValueOnce(away);
  expect(await session.refresh()).toBe(false);
  expect(store.get()).toBe(true);
  expect(session.snapshot().status).toBe('guest');
  post.mockRejectedValueOnce(refused);
  expect(await session.refresh()).toBe(false);
  expect(store.get()).toBe(false);
});

test('signing in and out is remembered and told', async () => {
  const { post, store, session } = setUp(false);
  const told = vi.fn();
  session.subscribe(told);
  post.mockResolvedValue(grant('t1'));
  await session.signIn('rin', 'password');
  expect(post).toHaveBeenCalledWith('/api/auth/login', { login: 'rin', password: 'password' }, null);
  expect(store.get()).toBe(true);
  await session.signOut();
  expect(post).toHaveBeenLastCalledWith('/api/auth/logout', {}, 't1');
  expect(session.current()).toBeNull();
  expect(store.get()).toBe(false);
  expect(told).toHaveBeenCalledTimes(2);
});

test('signs out here even when the server cannot be told', async () => {
  const { post, session } = setUp(false);
  post.mockResolvedValueOnce(grant('t1')).mockRejectedValueOnce(away);
  await session.signIn('rin', 'password');
  await session.signOut();
  expect(session.snapshot().status).toBe('guest');
});

test('a refresh that ends after signing out does not sign in again', async () => {
  const { post, session } = setUp(true);
  let finish: (value: Envelope<Grant>) => void = () => undefined;
  post
    .mockReturnValueOnce(
      new Promise((resolve) => {
        finish = resolve;
      }),
    )
    .mockResolvedValue(grant('x'));
  const refreshing = session.refresh();
  await session.signOut();
  finish(grant('late'));
  expect(await refreshing).toBe(false);
  expect(session.current()).toBeNull();
  expect(session.snapshot().status).toBe('guest');
});
