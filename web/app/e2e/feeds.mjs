// The feeds as a browser's own parsers see them, and the row of similar titles:
// node feeds.mjs URL CHROMIUM. The first step that does not hold ends it with 1.
import assert from 'node:assert/strict';
import { browser, url } from './chromium.mjs';

const page = await (await browser.newContext({ locale: 'ru-RU' })).newPage();
page.setDefaultTimeout(60_000);

async function step(name, run) {
  try {
    await run();
    console.log(`ok   ${name}`);
  } catch (error) {
    console.error(`FAIL ${name}: ${error.stack}`);
    await browser.close();
    process.exit(1);
  }
}

await step('the page names its feeds, and they are what it says', async () => {
  await page.goto(url);
  const feeds = await page.evaluate(() =>
    Promise.all(
      [...document.querySelectorAll('link[rel=alternate]')].map(async ({ href, type }) => {
        const answer = await fetch(href);
        return { type, status: answer.status, is: answer.headers.get('Content-Type') };
      }),
    ),
  );
  assert.equal(feeds.length, 4);
  for (const { type, status, is } of feeds) {
    assert.equal(status, 200);
    assert.equal(is, `${type}; charset=utf-8`);
  }
});

await step('RSS and Atom are well-formed and tell the same', async () => {
  const [rss, atom] = await page.evaluate(async () => {
    const parse = async (name) => {
      const text = await (await fetch(`/api/anilibria/v2/feed.${name}?limit=30`)).text();
      return new DOMParser().parseFromString(text, 'application/xml');
    };
    const texts = (doc, space, parent, name) =>
      [...doc.getElementsByTagNameNS(space, parent)].map(
        (el) => el.getElementsByTagNameNS(space, name)[0]?.textContent,
      );
    const broken = (doc) => doc.getElementsByTagName('parsererror')[0]?.textContent ?? null;
    const ns = 'http://www.w3.org/2005/Atom';
    const one = await parse('rss');
    const two = await parse('atom');
    return [
      {
        broken: broken(one),
        ids: texts(one, null, 'item', 'guid'),
        titles: texts(one, null, 'item', 'title'),
      },
      { broken: broken(two), ids: texts(two, ns, 'entry', 'id'), titles: texts(two, ns, 'entry', 'title') },
    ];
  });
  assert.equal(rss.broken, null);
  assert.equal(atom.broken, null);
  assert.ok(rss.ids.length > 5, `${rss.ids.length} items`);
  assert.equal(new Set(rss.ids).size, rss.ids.length);
  // An episode may have come between the two questions.
  const both = rss.ids.filter((id) => atom.ids.includes(id));
  assert.ok(both.length >= rss.ids.length - 5, `${both.length} of ${rss.ids.length} in both`);
  for (const title of [...rss.titles, ...atom.titles]) assert.match(title, /\S/);
});

await step('a title shows what is similar, and the row leads there', async () => {
  await page.goto(`${url}/title/9901`);
  const row = page.locator('section', { has: page.getByRole('heading', { name: 'Похожее' }) });
  await row.locator('a.card').first().click();
  await page.waitForURL((at) => at.pathname.startsWith('/title/') && at.pathname !== '/title/9901');
});

await step('a title without the row is whole', async () => {
  await page.route('**/recommended**', (route) => route.fulfill({ status: 503, body: '{}' }));
  await page.goto(`${url}/title/9901`);
  await page.locator('.title-head h1').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Похожее' }).count(), 0);
});

await browser.close();
