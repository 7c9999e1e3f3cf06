import { describe, expect, test, vi } from 'vitest';
import { type ClientDeps, createClient, withQuery } from './client';

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

function setUp(responses: (Response | Error)[], deps: Partial<ClientDeps> = {}) {
  const fetch = vi.fn(async (_url: RequestInfo | URL, _init?: RequestInit) => {
    const next = responses.shift();
    if (!next) throw new Error('one request too many');
    if (next instanceof Error) throw next;
    return next;
  });
  const tokens = { current: vi.fn((): string | null => 'old'), refresh: vi.fn(async () => true) };
  const request = createClient({ fetch, language: () => 'en', tokens, ...deps });
  const header = (call: number, name: string) => new Headers(fetch.mock.calls[call]?.[1]?.headers).get(name);
  return { fetch, tokens, request, header };
}

const ok = { success: true, data: [1] };

describe('requests', () => {
  test('carry the language, and no token unless asked', async () => {
    const { request, header } = setUp([answer(200, ok)]);
    expect(await request('/api/x')).toEqual(ok);
    expect(header(0, 'Accept-Language')).toBe('en');
    expect(header(0, 'Authorization')).toBeNull();
  });

  test('send a file as it is, and keep going when the page does not', async () => {
    const { request, fetch, header } = setUp([answer(200, ok)]);
    const file = new Blob(['<a/>'], { type: 'application/xml' });
    await request('/api/x', { method: 'POST', file, keepalive: true });
    expect(fetch.mock.calls[0]?.[1]).toMatchObject({ body: file, keepalive: true });
    expect(header(0, 'Content-Type')).toBe('application/xml');
  });

  test('give an answer that is no JSON as it came, and failures as they are', async () => {
    const { request } = setUp([new Response('<a/>'), answer(404, { error: { code: 'NO', message: 'no' } })]);
    expect(await (await request.respond('/api/file')).text()).toBe('<a/>');
    await expect(request.respond('/api/file')).rejects.toMatchObject({ code: 'NO', status: 404 });
  });

  test('say how many wait for news, where the server does', async () => {
    const { request } = setUp([answer(200, ok, { 'X-Subscribers': '3' }), answer(200, ok)]);
    expect(await request('/api/x')).toEqual({ ...ok, subscribers: 3 });
    expect(await request('/api/x')).toEqual(ok);
  });

  test('leave out empty conditions', () => {
    expect(withQuery('/t', { a: '', b: undefined, c: 0, d: 'я', e: true })).toBe('/t?c=0&d=%D1%8F&e=true');
    expect(withQuery('/t', {})).toBe('/t');
  });

  test('tell the stream position of an answer', async () => {
    const onPosition = vi.fn();
    const { request } = setUp([answer(200, ok, { 'X-Stream-Position': 'e:5' })], { onPosition });
    await request('/api/x');
    expect(onPosition).toHaveBeenCalledWith('e:5');
  });

  test('use an early answer once', async () => {
    const early = { '/api/x': Promise.resolve(answer(200, { success: true, data: 'early' })) };
    const { request, fetch } = setUp([answer(200, ok)], { early });
    expect((await request('/api/x')).data).toBe('early');
    expect((await request('/api/x')).data).toEqual([1]);
    expect(fetch).toHaveBeenCalledOnce();
  });
});

describe('an expired token', () => {
  test('is renewed once and the request repeated with the new one', async () => {
    const { request, tokens, header } = setUp([answer(401, {}), answer(200, ok)]);
    tokens.current.mockReturnValueOnce('old').mockReturnValueOnce('old').mockReturnValue('new');
    expect((await request('/api/me', { auth: true })).data).toEqual([1]);
    expect(tokens.refresh).toHaveBeenCalledOnce();
    expect(header(0, 'Authorization')).toBe('Bearer old');
    expect(header(1, 'Authorization')).toBe('Bearer new');
  });

  test('is not renewed in circles', async () => {
    const { request, tokens, fetch } = setUp([answer(401, {}), answer(401, {})]);
    await expect(request('/api/me', { auth: true })).rejects.toMatchObject({ status: 401 });
    expect(tokens.refresh).toHaveBeenCalledOnce();
    expect(fetch).toHaveBeenCalledTimes(2);
  });

  test('stays an error when nobody can renew it', async () => {
    const { request, tokens, fetch } = setUp([answer(401, {})]);
    tokens.refresh.mockResolvedValue(false);
    await expect(request('/api/me', { auth: true })).rejects.toMatchObject({ status: 401 });
    expect(fetch).toHaveBeenCalledOnce();
  });

  test('is none of the business of a public request', async () => {
    const { request, tokens } = setUp([answer(401, {})]);
    await expect(request('/api/x')).rejects.toMatchObject({ status: 401 });
    expect(tokens.refresh).not.toHaveBeenCalled();
  });
});

describe('failures', () => {
  test('carry the code, the request number and when to try again', async () => {
    const body = {
      success: false,
      error: { code: 'UPSTREAM_UNAVAILABLE', message: 'busy', details: { a: 1 } },
      request_id: 'r1',
    };
    const { request } = setUp([answer(503, body, { 'Retry-After': '7' })]);
    await expect(request('/api/x')).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'busy',
      details: { a: 1 },
      retryAfter: 7,
      requestId: 'r1',
      temporary: true,
    });
  });

  test('of the network are temporary', async () => {
    const { request } = setUp([new TypeError('offline')]);
    await expect(request('/api/x')).rejects.toMatchObject({ code: 'NETWORK', status: 0, temporary: true });
  });

  test("a proxy's page is no data", async () => {
    const page = new Response('<html>sorry</html>', { status: 200 });
    const { request } = setUp([page, answer(200, { hello: 1 })]);
    await expect(request('/api/x')).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    await expect(request('/api/x')).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });

  test('without a body still say their status', async () => {
    const { request } = setUp([new Response('oops', { status: 502 })]);
    await expect(request('/api/x')).rejects.toMatchObject({ code: 'HTTP_502', status: 502 });
  });
});
