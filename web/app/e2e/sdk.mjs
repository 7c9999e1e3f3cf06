// The client of web/sdk in Chromium and in Node, by WebSocket and by stream, as a stranger and
// signed in: node sdk.mjs URL CHROMIUM TOKEN. Each that listens says so once, `NAME ready`, and
// then `NAME event EVENT_ID` for what it hears, until standard input ends.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import WebSocket from 'ws';
import { AniHub } from '../../sdk/anihub.js';
import { browser, url } from './chromium.mjs';

const token = process.argv[4];
const say = (name, what, more = '') => console.log(`${name} ${what} ${more}`.trim());
const fail = (name) => (error) => {
  say(name, 'failed', error.stack ?? error);
  process.exitCode = 1;
};

function inNode(name, options, titles) {
  const hub = new AniHub({ url, ...options });
  hub.on('event', ({ event_id }) => say(name, 'event', event_id));
  hub.on('lost', ({ position }) => say(name, 'lost', position));
  hub.on('state', ({ state }) => say(name, 'state', state));
  if (titles) hub.on('auth', () => say(name, 'ready'));
  else hub.subscribe({ types: ['new_episode'] }).ready.then(() => say(name, 'ready'), fail(name));
  hub.connect();
  return hub;
}

// A blank page of the server, whose policy is that of every page of it.
async function inPage(name, init) {
  const page = await (await browser.newContext()).newPage();
  page.on('pageerror', fail(name));
  await page.exposeFunction('say', (...words) => say(name, ...words));
  if (init) await page.addInitScript(init);
  await page.goto(`${url}/robots.txt`);
  await page.evaluate(async () => {
    const { AniHub } = await import('/sdk/anihub.js');
    const hub = new AniHub();
    hub.on('event', ({ event_id }) => window.say('event', event_id));
    hub.on('lost', ({ position }) => window.say('lost', position));
    hub.on('state', ({ state }) => window.say('state', state));
    await hub.subscribe({ types: ['new_episode'] }).ready;
    await window.say('ready');
  });
}

// What a proxy that knows no WebSocket makes of one.
function noSockets() {
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor() {
      super(`${location.origin.replace(/^http/, 'ws')}/robots.txt`);
    }
  };
}

// The page of the documentation is served by somebody from an origin of theirs.
async function serveElsewhere() {
  const source = await readFile(new URL('../../sdk/example.html', import.meta.url), 'utf8');
  const site = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end(source.replaceAll('https://anihub.example', url));
  });
  await new Promise((listening) => site.listen(Number(process.env.ELSEWHERE), '127.0.0.1', listening));
  return site;
}

async function elsewhere(name, init) {
  const page = await (await browser.newContext()).newPage();
  page.on('pageerror', fail(name));
  await page.exposeFunction('say', (...words) => say(name, ...words));
  if (init) await page.addInitScript(init);
  await page.addInitScript(() => {
    const seen = new Set();
    const look = () => {
      for (const { id } of document.querySelectorAll('#episodes li')) {
        if (!seen.has(id)) window.say('event', id);
        seen.add(id);
      }
    };
    document.addEventListener('DOMContentLoaded', () => {
      new MutationObserver(look).observe(document.querySelector('#episodes'), { childList: true });
    });
  });
  await page.goto(`http://127.0.0.1:${process.env.ELSEWHERE}/`);
  await page.getByText('open', { exact: true }).waitFor();
  say(name, 'ready');
}

const hubs = [
  inNode('node-socket', { WebSocket }),
  inNode('node-stream', { transport: 'sse' }),
  inNode('node-plain', {}), // whatever this Node has
  inNode('own-socket', { WebSocket, token }, true),
  inNode('own-stream', { transport: 'sse', token }, true),
];
await inPage('chromium');
await inPage('no-sockets', noSockets);
const site = await serveElsewhere();
await elsewhere('elsewhere');
await elsewhere('elsewhere-stream', noSockets);

process.stdin.resume();
await new Promise((ended) => process.stdin.once('end', ended));
for (const hub of hubs) hub.close();
site.close();
await browser.close();
