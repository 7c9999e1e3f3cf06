// node example.mjs https://anihub.example: prints new episodes, and goes on after a restart of
// its own where it stopped. In Node 20, which has no WebSocket, it listens to a stream.
import { readFile, writeFile } from 'node:fs/promises';
import { AniHub } from './anihub.js';

const [url, file = 'position.txt'] = process.argv.slice(2);
const position = await readFile(file, 'utf8').catch(() => null);

const hub = new AniHub({ url, position });
hub.on('state', ({ state, reason }) => console.error(state, reason ?? ''));
hub.on('lost', () => console.error('something was lost: ask GET /updates'));
hub.subscribe({ types: ['new_episode'] });

for await (const { event_id, position: here, data } of hub.events()) {
  console.log(event_id, data.title);
  await writeFile(file, here); // not hub.position, which is ahead of who is slower than the news
}
