// What a viewer has of being signed in: lists, the place in an episode, what to go on with,
// and nothing of it left behind on the way out.
import assert from 'node:assert/strict';

/** A button or link by its words, in Russian. */
const button = (page, name) => page.getByRole('button', { name });

/** A browser of a test has no push service: the subscription is made up, all else is real. */
function pretendPush() {
  const p256dh = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
  const said = { endpoint: 'https://push.invalid/1', keys: { p256dh, auth: 'BTBZMqHH6r4Tts7J_aSIgg' } };
  let made = null;
  const unsubscribe = async () => {
    made = null;
    return true;
  };
  PushManager.prototype.getSubscription = async () => made;
  PushManager.prototype.subscribe = async (options) => {
    made = { endpoint: said.endpoint, options, unsubscribe, toJSON: () => said };
    return made;
  };
}

/** Hands the service worker a message, as the browser does that has received it. */
async function deliver(page, url, message) {
  const devtools = await page.context().newCDPSession(page);
  const known = new Promise((done) => {
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      if (registrations[0]) done(registrations[0].registrationId);
    });
  });
  await devtools.send('ServiceWorker.enable');
  const registrationId = await known;
  const data = JSON.stringify(message);
  await devtools.send('ServiceWorker.deliverPushMessage', { origin: url, registrationId, data });
  await devtools.detach();
}

/** A second device of mira's, at a path. */
async function secondDevice(page, url, path) {
  const context = await page.context().browser().newContext({ locale: 'ru-RU' });
  const other = await context.newPage();
  await other.goto(`${url}/sign-in?${new URLSearchParams({ back: path })}`);
  await other.locator('input[name=login]').fill('mira');
  await other.locator('input[name=password]').fill('a long password');
  await other.locator('form.form button[type=submit]').click();
  await other.waitForURL(url + path);
  return other;
}

/** Takes the player to a place and stops there, which is then on the server. */
async function watchUntil(page, seconds) {
  await page.waitForFunction(() => document.querySelector('video')?.readyState > 2);
  const saved = page.waitForResponse((answer) => answer.url().endsWith('/api/users/progress') && answer.ok());
  await page.evaluate(async (to) => {
    const video = document.querySelector('video');
    video.currentTime = to;
    await new Promise((moved) => video.addEventListener('seeked', moved, { once: true }));
    if (video.paused) await video.play();
    video.pause();
  }, seconds);
  await saved;
}

const placeOf = (page) => page.evaluate(() => document.querySelector('video').currentTime);

/** The steps, each a name and what must hold; `page` belongs to somebody signed in. */
export function signedInSteps(page, url) {
  // Those that stand in for cards on their way have no link.
  const cards = page.locator('.continue-card:has(a)');
  return [
    [
      'a title goes on a list, with a score and a heart, and stays there',
      async () => {
        await page.goto(`${url}/title/9901`);
        await button(page, 'В список').click();
        await button(page, 'Смотрю').click();
        await button(page, 'Оценка 9 из 10').click();
        await page.keyboard.press('Escape');
        const saved = page.waitForResponse((answer) => answer.url().endsWith('/api/users/favorites/9901'));
        await button(page, 'В избранное').click();
        await saved;
        await page.reload();
        await page.locator('.button.marked', { hasText: 'Смотрю' }).waitFor();
        assert.match(await page.locator('.button.marked .own-score').innerText(), /9/);
        assert.equal(await button(page, 'В избранное').getAttribute('aria-pressed'), 'true');
      },
    ],
    [
      'it is at /lists, and its card says so',
      async () => {
        await page.goto(`${url}/lists`);
        await page.locator('.shelved a[href="/title/9901"]').waitFor();
        await page.locator('.shelves a', { hasText: 'Избранное' }).click();
        await page.locator('.shelved a[href="/title/9901"] .card-mark').waitFor();
      },
    ],
    [
      'a change that is refused is taken back and told',
      async () => {
        const refuse = (route) => route.fulfill({ status: 422, contentType: 'application/json', body: '{}' });
        await page.route('**/api/users/lists/9901', refuse);
        await page.goto(`${url}/title/9901`);
        await page.locator('.button.marked', { hasText: 'Смотрю' }).click();
        await button(page, 'Брошено').click();
        await page.keyboard.press('Escape');
        await page.locator('.toast.note.failed').waitFor();
        await page.locator('.button.marked', { hasText: 'Смотрю' }).waitFor();
        await page.unroute('**/api/users/lists/9901', refuse);
      },
    ],
    [
      'the place in an episode is on the server once it is left',
      async () => {
        await page.goto(`${url}/title/9901?ep=2&play=1`);
        await page.waitForFunction(() => document.querySelector('video')?.currentTime > 1);
        await page.evaluate(() => {
          document.querySelector('video').currentTime = 600;
        });
        await page.waitForFunction(() => document.querySelector('video').currentTime > 601);
        const saved = page.waitForResponse(
          (answer) => answer.url().endsWith('/api/users/progress') && answer.ok(),
        );
        await page.locator('header .logo').click();
        await saved;
      },
    ],
    [
      'home says where to go on, on a device that has seen nothing',
      async () => {
        await page.evaluate(() => localStorage.removeItem('anihub.progress'));
        await page.goto(url);
        await cards.first().waitFor();
        assert.match(await cards.first().textContent(), /Серия 2 · 10:0\d/);
        await cards.first().locator('a').click();
        await page.waitForFunction(() => document.querySelector('video')?.currentTime > 590);
      },
    ],
    [
      'what is seen without network arrives when it is back',
      async () => {
        const from = await placeOf(page);
        await page.waitForFunction((from) => document.querySelector('video').currentTime > from + 1, from);
        await page.context().setOffline(true);
        await page.evaluate(() => document.querySelector('video').pause());
        await page.waitForFunction(() =>
          Object.keys(localStorage).some((key) => key.startsWith('anihub.outbox.')),
        );
        const saved = page.waitForResponse(
          (answer) => answer.url().endsWith('/api/users/progress') && answer.ok(),
        );
        await page.context().setOffline(false);
        await saved;
        await page.waitForFunction(
          () => !Object.keys(localStorage).some((key) => key.startsWith('anihub.outbox.')),
        );
      },
    ],
    [
      'what one device watches another sees at once, and a player that runs is left alone',
      async () => {
        const other = await secondDevice(page, url, '/title/9901');
        const label = (text) => other.locator('.title-actions .button.primary', { hasText: text }).waitFor();
        await label('Продолжить: серия 2');
        await page.goto(`${url}/title/9901?ep=3&play=1`);
        await watchUntil(page, 300);
        await label('5:00');
        await other.locator('.cover-text', { hasText: 'Серия 3' }).waitFor();
        await other.locator('header .logo').click();
        const card = other.locator('.continue-card', { hasText: 'Серия 3 · 5:00' });
        await card.waitFor();
        await watchUntil(page, 480);
        await other.locator('.continue-card', { hasText: 'Серия 3 · 8:00' }).locator('a').click();
        await other.waitForFunction(() => document.querySelector('video')?.currentTime > 480);
        await watchUntil(page, 720);
        await other.locator('.episode progress').first().waitFor();
        assert.ok((await placeOf(other)) < 600, 'the running player went elsewhere');
        await watchUntil(other, 540);
        await page.locator('.player-note', { hasText: '9:0' }).getByRole('button').click();
        await page.waitForFunction(() => Math.abs(document.querySelector('video').currentTime - 540) < 5);
        await other.context().close();
      },
    ],
    [
      'the page of a title says that others wait, too',
      async () => {
        await page.evaluate(async () => {
          for (let n = 0; n < 2; n++) new EventSource('/api/anilibria/v2/events?titles=9902');
          const waiting = async () =>
            Number((await fetch('/api/anilibria/v2/titles/9902')).headers.get('X-Subscribers'));
          while ((await waiting()) < 2) await new Promise((later) => setTimeout(later, 500));
          history.pushState(null, '', '/title/9902');
          dispatchEvent(new PopStateEvent('popstate'));
        });
        await page.locator('.title-waiting', { hasText: '2 зрителя ждут новую серию' }).waitFor();
      },
    ],
    [
      'a webhook is added, shows its secret, and goes',
      async () => {
        await page.goto(`${url}/profile`);
        const panel = page.locator('section[aria-labelledby=webhooks-title]');
        await panel.locator('input[name=webhook]').fill('https://127.0.0.1/hook');
        await panel.getByRole('button', { name: 'Добавить' }).click();
        await panel.locator('.field-note.wrong').waitFor();
        // Nobody ever answers under this name (RFC 6761).
        await panel.locator('input[name=webhook]').fill('https://hooks.invalid/anihub');
        await panel.getByRole('button', { name: 'Добавить' }).click();
        assert.match(await panel.locator('.copy-row input').inputValue(), /^whsec_/);
        await panel.locator('.webhook', { hasText: 'hooks.invalid' }).waitFor();
        await panel.getByRole('button', { name: 'Удалить вебхук https://hooks.invalid/anihub' }).click();
        await panel.locator('.webhook').waitFor({ state: 'detached' });
      },
    ],
    [
      'quiet hours are kept',
      async () => {
        const panel = page.locator('form[aria-labelledby=quiet-title]');
        const save = async () => {
          await panel.getByRole('button', { name: 'Сохранить' }).click();
          await panel.locator('[role=status]', { hasText: 'Сохранено' }).waitFor();
        };
        await panel.getByLabel('Не беспокоить').check();
        await panel.locator('input[name=from]').fill('22:30');
        await save();
        await page.reload();
        assert.equal(await panel.locator('input[name=from]').inputValue(), '22:30');
        assert.equal(await panel.getByLabel('Не беспокоить').isChecked(), true);
        await panel.getByLabel('Не беспокоить').uncheck();
        await save();
      },
    ],
    [
      'the browser is told once it is switched on, and not once it is off',
      async () => {
        await page.context().grantPermissions(['notifications'], { origin: url });
        await page.evaluate(pretendPush);
        const told = page.waitForResponse(
          (answer) => answer.url().endsWith('/api/users/push') && answer.ok(),
        );
        await page.getByLabel('Показывать на этом устройстве').click();
        await told;
        await page.getByText('Новые серии ваших тайтлов появятся здесь').waitFor();
        const message = { type: 'new_episode', event_id: 'e', title_id: 9901, title: 'Фонарщик', episode: 3 };
        await deliver(page, url, message);
        // waitForFunction takes the first answer of a function that is async, whatever it is.
        const shown = await page.evaluate(async () => {
          const worker = await navigator.serviceWorker.ready;
          for (let tried = 0; tried < 200; tried++) {
            const [first] = await worker.getNotifications();
            if (first) return `${first.title}: ${first.body}, ${first.data.url}`;
            await new Promise((later) => setTimeout(later, 50));
          }
        });
        assert.equal(shown, 'Фонарщик: Вышла серия 3, /title/9901?ep=3');
        const gone = page.waitForResponse((answer) => answer.request().method() === 'DELETE' && answer.ok());
        await page.getByLabel('Показывать на этом устройстве').click();
        await gone;
        await page.getByText('Браузер покажет новые серии').waitFor();
      },
    ],
    [
      'signing out leaves nothing behind',
      async () => {
        await page.goto(`${url}/profile`);
        await button(page, 'Выйти').click();
        await page.locator('.header .account-link', { hasText: 'Войти' }).waitFor();
        assert.equal(await cards.count(), 0);
        assert.equal(await page.evaluate(() => localStorage.getItem('anihub.progress')), '{}');
        await page.goto(`${url}/lists`);
        await page.getByText('Войдите, чтобы вести списки').waitFor();
      },
    ],
    [
      'a guest who wants a title on a list finds it there after signing in',
      async () => {
        await page.goto(`${url}/title/9901`);
        await page.evaluate(async () => {
          localStorage.setItem(
            'anihub.progress',
            JSON.stringify({
              9901: {
                id: 9901,
                names: { ru: 'Ф', en: null, alternative: null },
                poster: null,
                episode: 4,
                at: Date.now(),
                episodes: { 4: { seconds: 300, duration: 1440, watched: false } },
              },
            }),
          );
        });
        await page.reload();
        await button(page, 'В список').click();
        await button(page, 'В планах').click();
        await page.waitForURL((at) => at.pathname === '/sign-in');
        await page.locator('.sign-other a').click();
        await page.locator('input[name=login]').fill('rin');
        await page.locator('input[name=email]').fill('rin@example.org');
        await page.locator('input[name=password]').fill('a long password');
        await page.locator('form.form button[type=submit]').click();
        await page.waitForURL((at) => at.pathname === '/title/9901');
        await page.locator('.button.marked', { hasText: 'В планах' }).waitFor();
        await page.goto(url);
        await page.waitForFunction(() =>
          document.querySelector('.continue-card')?.textContent.includes('Серия 4 · 5:00'),
        );
      },
    ],
  ];
}
