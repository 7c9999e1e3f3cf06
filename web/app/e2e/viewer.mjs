// A viewer's way through the page in a real browser: node viewer.mjs URL CHROMIUM.
// Every step must hold; the first that does not ends it with exit code 1.
import assert from 'node:assert/strict';
import { browser, url } from './chromium.mjs';
import { signedInSteps } from './signed-in.mjs';

const trouble = [];
const patience = 60_000;

async function open(options) {
  const context = await browser.newContext({ locale: 'ru-RU', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('pageerror', (error) => trouble.push(`page error: ${error.message}`));
  page.on('console', (line) => {
    if (line.type() === 'error' && !expected(line)) trouble.push(`console: ${line.text()}`);
  });
  return page;
}

// A 401 of the refresh at start is the answer "nobody is signed in"; 422 and the
// network that is gone are what the steps arrange.
function expected(line) {
  return / 401 | 422 |ERR_INTERNET_DISCONNECTED/.test(line.text());
}

async function step(name, run) {
  try {
    await run();
    console.log(`ok   ${name}`);
  } catch (error) {
    console.error(`FAIL ${name}: ${error.message}`);
    if (trouble.length) console.error(trouble.join('\n'));
    await browser.close();
    process.exit(1);
  }
}

const page = await open({ viewport: { width: 1440, height: 900 } });

await step('home shows titles', async () => {
  await page.goto(url);
  await page.locator('a.card').first().waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'ru');
});

await step('a new episode is announced while watching', async () => {
  await page.locator('.toast').first().waitFor();
  assert.match(await page.locator('.toast .toast-name').first().innerText(), /\S/);
});

await step('a title opens from its card', async () => {
  await page.goto(`${url}/catalogue`);
  await page.locator('a.card').first().click();
  await page.locator('.title-head h1').waitFor();
  assert.match(page.url(), /\/title\/\d+/);
});

await step('the title survives a reload', async () => {
  const name = await page.locator('.title-head h1').innerText();
  await page.reload();
  await page.locator('.title-head h1').waitFor();
  assert.equal(await page.locator('.title-head h1').innerText(), name);
});

await step('a viewer signs up', async () => {
  await page.goto(`${url}/sign-up`);
  await page.locator('input[name=login]').fill('mira');
  await page.locator('input[name=email]').fill('mira@example.org');
  await page.locator('input[name=password]').fill('a long password');
  await page.locator('form.form button[type=submit]').click();
  await page.waitForURL((at) => !at.pathname.startsWith('/sign-up'));
});

await step('and is still signed in after a reload', async () => {
  await page.goto(`${url}/profile`);
  await page.getByText('mira').first().waitFor();
});

for (const [name, run] of signedInSteps(page, url)) await step(name, run);

await step('a wrong password is told', async () => {
  const other = await open({});
  await other.goto(`${url}/sign-in`);
  await other.locator('input[name=login]').fill('mira');
  await other.locator('input[name=password]').fill('not the password');
  await other.locator('form.form button[type=submit]').click();
  await other.locator('.form-failed').waitFor();
  await other.context().close();
});

await step('a phone sees it in English without scrolling sideways', async () => {
  const phone = await open({ locale: 'en-GB', viewport: { width: 390, height: 844 }, isMobile: true });
  for (const path of ['/', '/catalogue', '/schedule', '/lists', '/title/9901']) {
    await phone.goto(url + path);
    await phone.locator('main').waitFor();
    await phone.waitForLoadState('networkidle').catch(() => {});
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wide <= 0, `${path} is ${wide} px too wide`);
  }
  assert.equal(await phone.locator('html').getAttribute('lang'), 'en');
  await phone.context().close();
});

await step('nothing went wrong on the way', async () => {
  assert.deepEqual(trouble, []);
});

await browser.close();
