// Looked at from /proc while it delivers and ends, a gateway has nothing open that anybody could speak to.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realClock, VirtualBaseStation, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { Site } from './site.ts';

const test = suite('a gateway listens to nothing');

/** The state of a socket in /proc/net/tcp: enum in the kernel's include/net/tcp_states.h. */
const listening = '0A';
const established = '01';

interface OpenSocket {
  readonly protocol: string;
  readonly state: string;
  /** Both as the kernel writes them: address:port in hex. */
  readonly local: string;
  readonly remote: string;
}

/** The internet sockets a process has open, as the kernel lists them (proc(5)): joined by the inode. */
function socketsOf(pid: number): OpenSocket[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        // Closed since it was listed.
        return [];
      }
    }),
  );
  return ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap((protocol) =>
    readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , , , , , , , inode]) => inodes.has(inode ?? ''))
      .map(([, local = '', remote = '', state = '']) => ({ protocol, state, local, remote })),
  );
}

/** What somebody outside could speak to: listeners, and datagram sockets that are not bound to one DNS server. */
function openDoors(pid: number): OpenSocket[] {
  return socketsOf(pid).filter(({ protocol, state, remote }) => {
    if (protocol.startsWith('tcp')) return state === listening;
    const dns = protocol.startsWith('udp') && remote.endsWith(':0035');
    return !dns;
  });
}

test('the check sees a listener and a bound datagram socket where there is one', async () => {
  assert.equal(openDoors(process.pid), []);
  const server = createServer().listen(0, '127.0.0.1');
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(socket, 'listening')]);
  assert.equal(
    openDoors(process.pid).map(({ protocol }) => protocol),
    ['tcp', 'udp'],
  );
  server.close();
  socket.close();
});

test('while it delivers and ends, the bundled gateway has nothing open that anybody could speak to', async () => {
  const site = await Site.open();
  const { pid } = site.gateway;
  const found: OpenSocket[] = [];
  let looks = 0;
  const look = setInterval(() => {
    looks += 1;
    try {
      found.push(...openDoors(pid));
    } catch (error) {
      // It has ended: there is no such process any more.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }, 20);
  const radio = new VirtualRadio(
    new VirtualBaseStation(site.port, { address: 1 }),
    [windTransmitter({ tag: 0x25df, intervalMs: 20 })],
    { clock: realClock },
  );
  radio.start();
  await site.accountWhere('a hundred readings are stored', ({ stored }) => stored >= 100);
  // It is the right process that is looked at: its one connection is to the cloud's MQTT door.
  const door = site.cloud.mqttPort.toString(16).toUpperCase().padStart(4, '0');
  const links = socketsOf(pid).filter(
    ({ state, remote }) => state === established && remote.endsWith(`:${door}`),
  );
  assert.is(links.length, 1);
  radio.stop();
  const cloud = openDoors(site.cloud.service.pid).map(({ protocol }) => protocol);
  assert.equal([...new Set(cloud)], ['tcp']);
  await site.close();
  clearInterval(look);
  assert.ok(looks > 20);
  assert.equal(found, []);
});

test.run();
