// A name with two addresses, of which one answers late and the other is not to be had from here.
import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openTunnel } from './proxy.ts';

const test = suite('slow address');

/** A listener that can be stopped: a process of its own, which takes one connection at a time. */
const listener = `
const server = require('node:net').createServer((socket) => socket.resume().on('error', () => {}));
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

const both = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

const { lookup } = dns;
test.after(() => {
  dns.lookup = lookup;
});

/** Connects until the system puts no more of them in the listener's queue. */
async function fill(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    sockets.push(socket);
    const waited = new Promise((resolve) => setTimeout(resolve, 150, 'full'));
    if ((await Promise.race([once(socket, 'connect'), waited])) === 'full') return sockets;
  }
}

test('is waited for as long as a satellite link takes, before the next one is tried', async () => {
  const child = spawn(process.execPath, ['-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  child.kill('SIGSTOP');
  const fillers = await fill(port);
  // What the system's resolver says where a cloud has both.
  dns.lookup = ((_host: string, _options: unknown, done: (error: null, found: typeof both) => void) =>
    queueMicrotask(() => done(null, both))) as unknown as typeof dns.lookup;
  try {
    const tunnel = openTunnel({ host: 'cloud.example', port }, undefined, AbortSignal.timeout(30_000));
    // What asks for the connection is lost by now: the system asks again after a second, and is answered then.
    for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
    child.kill('SIGCONT');
    const socket = await tunnel;
    assert.is(socket.remoteAddress, '127.0.0.1');
    socket.destroy();
  } finally {
    child.kill('SIGKILL');
    for (const socket of fillers) socket.destroy();
  }
});

test.run();
