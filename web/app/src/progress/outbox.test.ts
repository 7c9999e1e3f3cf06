import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '../api/error';
import type { ProgressEdit } from './book';
import { asTitles, type Box, hasMark, Outbox, type TitleEdits, withEdits, withoutSent } from './outbox';

const at = Date.parse('2026-11-26T10:00:00Z');
const place = (seconds: number, when = at, title_id = 7, episode = 3): ProgressEdit => ({
  title_id,
  episode,
  seconds,
  at: when,
});
const mark = (when = at): ProgressEdit => ({ title_id: 7, episode: 3, watched: true, at: when });
const failure = (status: number, retryAfter?: number) =>
  new ApiError({ code: 'X', status, message: '', retryAfter });

test('of several edits of a thing the latest is kept, whatever order they come in', () => {
  const newest = place(30, at + 2);
  expect(Object.values(withEdits({}, [place(10), newest, place(20, at + 1)]))).toEqual([newest]);
});

test('a mark keeps its own time beside a place', () => {
  const box = withEdits({}, [place(1300), mark(), place(1310, at + 5000)]);
  expect(asTitles(Object.values(box))).toEqual([
    {
      title_id: 7,
      episodes: [
        { episode: 3, seconds: 1310, updated_at: '2026-11-26T10:00:05.000Z' },
        { episode: 3, watched: true, updated_at: '2026-11-26T10:00:00.000Z' },
      ],
    },
  ]);
});

test('says which marks are still to be sent', () => {
  const box = withEdits({}, [mark(), place(10, at, 7, 4)]);
  expect([hasMark(box, 7, 3), hasMark(box, 7, 4), hasMark(box, 8, 3)]).toEqual([true, false, false]);
});

test('what changed while it was sent stays to be sent', () => {
  const sent = [place(10), mark()];
  const box = withEdits(withEdits({}, sent), [place(15, at + 1)]);
  expect(Object.values(withoutSent(box, sent))).toEqual([place(15, at + 1)]);
});

function office(answer: (titles: TitleEdits[]) => Promise<unknown>) {
  let box: Box = {};
  const sent: TitleEdits[][] = [];
  const outbox = new Outbox({
    read: () => box,
    write: (next) => {
      box = next;
    },
    send: (titles) => {
      sent.push(titles);
      return answer(titles);
    },
    onSent: () => undefined,
  });
  return { outbox, sent, left: () => Object.values(box) };
}

beforeEach(() => {
  vi.useFakeTimers({ now: at });
});

afterEach(() => {
  vi.useRealTimers();
});

test('edits of ten seconds go in one request', async () => {
  const { outbox, sent, left } = office(async () => undefined);
  outbox.add([place(5)]);
  await vi.advanceTimersByTimeAsync(5000);
  outbox.add([place(10, at + 5000), place(1, at + 5000, 8)]);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toHaveLength(1);
  expect(sent[0]?.map(({ title_id }) => title_id)).toEqual([7, 8]);
  expect(left()).toEqual([]);
});

test('a failure is tried again, later each time, and nothing is lost', async () => {
  let down = true;
  const { outbox, sent, left } = office(() => (down ? Promise.reject(failure(503)) : Promise.resolve()));
  outbox.add([place(5)]);
  await outbox.flush();
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(sent).toHaveLength(2);
  outbox.add([place(25, at + 15_000)]);
  await vi.advanceTimersByTimeAsync(29_000);
  expect(sent).toHaveLength(2);
  down = false;
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(3);
  expect(sent[2]?.[0]?.episodes[0]?.seconds).toBe(25);
  expect(left()).toEqual([]);
  outbox.add([place(30, at + 60_000)]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(4);
});

test('waits as long as the server asks for', async () => {
  const { outbox, sent } = office(() => Promise.reject(failure(429, 60)));
  outbox.add([place(5)]);
  await outbox.flush();
  await vi.advanceTimersByTimeAsync(59_000);
  expect(sent).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(2);
});

test('a title that is refused for good does not hold up the others', async () => {
  const { outbox, sent, left } = office(async (titles) => {
    if (titles.some(({ title_id }) => title_id === 8)) throw failure(422);
  });
  outbox.add([place(5), place(6, at, 8), place(7, at, 9)]);
  await outbox.flush();
  expect(sent.map((titles) => titles.map(({ title_id }) => title_id))).toEqual([[7, 8, 9], [7], [8], [9]]);
  expect(left()).toEqual([]);
});

test('without anybody signed in it waits without asking again', async () => {
  const { outbox, sent, left } = office(() => Promise.reject(failure(401)));
  outbox.add([place(5)]);
  await outbox.flush();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(sent).toHaveLength(1);
  expect(left()).toEqual([place(5)]);
});

test('many titles go in several requests', async () => {
  const { outbox, sent, left } = office(async () => undefined);
  outbox.add(Array.from({ length: 250 }, (_, i) => place(1, at, i + 1)));
  await outbox.flush();
  expect(sent.map((titles) => titles.length)).toEqual([100, 100, 50]);
  expect(left()).toEqual([]);
});

test('on the way out it sends at once, beside a request that hangs', async () => {
  const { outbox, sent } = office(() => new Promise(() => undefined));
  outbox.add([place(5)]);
  void outbox.flush();
  outbox.add([place(9, at + 1)]);
  void outbox.flush(true);
  expect(sent.map((titles) => titles[0]?.episodes[0]?.seconds)).toEqual([5, 9]);
});
