// The client of Socket.IO from npm as a test drives it: commands come in as lines of JSON,
// and whatever the library tells an application goes out as one.
import { createInterface } from 'node:readline';
import { io } from 'socket.io-client';

const say = (on, more = {}) => console.log(JSON.stringify({ on, ...more }));

const [url, options] = process.argv.slice(2);
const socket = io(url, JSON.parse(options));
const transport = () => socket.io.engine?.transport?.name;

socket.io.on('open', () => socket.io.engine.on('upgrade', () => say('upgrade', { name: transport() })));
socket.on('connect', () => say('connect', { name: transport() }));
socket.on('connect_error', (e) =>
  say('connect_error', { message: e.message, data: e.data, name: socket.active ? 'active' : 'refused' }),
);
socket.on('disconnect', (reason) => say('disconnect', { message: reason }));
socket.onAny((name, data, meta) => say('event', { name, data, meta }));

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const { emit, data, auth } = JSON.parse(line);
    if (auth) {
      socket.auth = auth;
      socket.connect();
    } else {
      say('ack', { name: emit, data: await socket.emitWithAck(emit, ...(data ? [data] : [])) });
    }
  })
  .on('close', () => {
    socket.disconnect();
  });
