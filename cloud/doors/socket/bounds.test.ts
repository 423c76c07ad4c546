// @long
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { limits } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Receipt } from '../../router/index.ts';
import { until } from '../test-doors.ts';
import { SocketConnection } from './connection.ts';
import { Room } from './room.ts';
import { LineTaker } from './taker.ts';
import { LineClient, openSite, type Site } from './test-site.ts';

const test = suite<{ site: Site; client: LineClient; secret: string }>('what a connection may cost');

test.before(async (context) => {
  context.site = await openSite();
});

test.before.each(async (context) => {
  await context.site.fresh();
  context.secret = (await context.site.make('socket-token')).secret;
  context.client = LineClient.tcp(context.site);
});

test.after.each(({ client }) => void client.close());

test.after(({ site }) => site.close());

test('who brings no good line in time is told so, and closed', async ({ site, client }) => {
  client.send('hello');
  await client.got(1);
  site.clock.offset += limits.socketLineMilliseconds;
  assert.match(String((await client.ended()).at(-1)), /^ERR too-slow no good line within 10 s$/);
});

test('a line that does not come to its end is not waited for', async ({ site, client, secret }) => {
  await client.ask(`LL1 ${secret} temp=1`);
  site.clock.offset += limits.socketLineMilliseconds * 2;
  await client.ask(`LL1 ${secret} temp=2`);
  client.socket.write(`LL1 ${secret} te`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  site.clock.offset += limits.socketLineMilliseconds;
  assert.match(String((await client.ended()).at(-1)), /^ERR too-slow a line takes 10 s at most$/);
});

test('one on which nothing comes any more is closed after the time that is given for it', async ({
  site,
  client,
  secret,
}) => {
  await client.ask(`LL1 ${secret} temp=1`);
  site.clock.offset += limits.socketIdleMilliseconds - 5000;
  assert.equal(await client.ask(`LL1 ${secret} temp=1`), ['OK 1']);
  site.clock.offset += limits.socketIdleMilliseconds;
  assert.match(String((await client.ended()).at(-1)), /^ERR connection-idle /);
});

test('a line that is too long is named and ends it, whether its end came or not', async ({
  site,
  secret,
}) => {
  for (const line of [
    'x'.repeat(limits.socketLineBytes),
    `LL1 ${secret} temp="${'x'.repeat(limits.socketLineBytes)}"\n`,
    Buffer.alloc(100_000),
  ]) {
    const client = LineClient.tcp(site);
    client.socket.write(line);
    assert.equal(await client.ended(), ['ERR line-too-long a line has 4096 bytes at most']);
  }
  const most = `LL1 ${secret} #${'x'.repeat(32)} `;
  const readings = 'a=1 '.repeat(Math.floor((limits.socketLineBytes - most.length) / 4)).trimEnd();
  const client = LineClient.tcp(site);
  assert.match(String(await client.ask(most + readings)), /^OK \d+ #x/);
  client.close();
});

test('what is not committed in time is not acknowledged, and said so', async ({ site, client, secret }) => {
  const release = site.hold();
  client.send(`LL1 ${secret} temp=1`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  site.clock.offset += limits.commitMilliseconds;
  assert.match(String(await client.ended()), /^ERR commit-timeout /);
  release();
});

test('no more is read than may wait for its commit, and others are served meanwhile', async ({
  site,
  client,
  secret,
}) => {
  const release = site.hold();
  const line = `LL1 ${secret} temp=1\n`;
  const sent = 200_000;
  client.socket.write(line.repeat(sent));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(client.socket.writableLength > (line.length * sent) / 2, 'most of it is still with its sender');
  assert.is(site.waiting(), limits.socketPendingLines);
  const other = LineClient.tcp(site);
  other.send('hello');
  assert.match(String(await other.got(1)), /^ERR line-malformed/);
  other.close();
  release();
  await client.got(200);
  client.socket.resetAndDestroy();
});

/** A socket whose other end sends and takes nothing. */
class Untaken extends Duplex {
  readonly remoteAddress = '127.0.0.1';
  override _read(): void {}
  override _write(): void {}
  setNoDelay(): void {}
}

test('who does not take his replies is not read, and then closed', async ({ site, secret }) => {
  const { directory, accounts, clock } = site;
  const router = {
    deliver: (_: unknown, settle: (receipt: Receipt) => void) =>
      settle({ kind: 'committed', stored: 1, duplicate: 0 }),
  };
  const socket = new Untaken();
  const connection = new SocketConnection({
    ...{ socket: socket as unknown as Socket, transport: 'tcp', room: new Room(10), onKnown: () => {} },
    taker: new LineTaker({ router, directory, credentialHolders: accounts.credentialHolders }),
    monotonic: () => performance.now() + clock.offset,
  });
  const line = Buffer.from(`LL1 ${secret} temp=1\n`.repeat(100));
  let taken = 0;
  for (; !socket.isPaused() && taken < 1e6; taken += 100) {
    socket.push(line);
    await new Promise(setImmediate);
  }
  assert.ok(socket.isPaused());
  assert.ok(socket.writableLength < 200_000, `${socket.writableLength} characters of replies`);
  connection.tick();
  assert.not.ok(socket.destroyed);
  clock.offset += limits.socketLineMilliseconds + 1000;
  connection.tick();
  assert.ok(socket.destroyed);
});

test('of more connections than a device may have the oldest ends', async ({ site, client, secret }) => {
  await client.ask(`LL1 ${secret} temp=1`);
  const others: LineClient[] = [];
  for (let n = 0; n < limits.socketConnectionsPerDevice; n += 1) {
    const other = LineClient.tcp(site);
    others.push(other);
    assert.equal(await other.ask(`LL1 ${secret} temp=1`), ['OK 1']);
  }
  assert.match(String((await client.ended()).at(-1)), /^ERR too-many-connections /);
  assert.equal(await (others[0] as LineClient).ask(`LL1 ${secret} temp=1`), ['OK 1']);
  for (const other of others) other.close();
});

test('of many that come at once all but so many end, however long they take to', async ({ site, secret }) => {
  const many = Array.from({ length: 3 * limits.socketConnectionsPerDevice }, () => LineClient.tcp(site));
  for (const one of many) one.send(`LL1 ${secret} temp=1`);
  await Promise.all(many.map((one) => one.got(1)));
  const open = () => many.filter(({ socket }) => !socket.readableEnded).length;
  await until(() => open() <= limits.socketConnectionsPerDevice, 'the end of those that are too many');
  assert.is(open(), limits.socketConnectionsPerDevice);
  for (const one of many) one.close();
});

test('an address has so many connections that have proven nothing; those that have do not count', async ({
  site,
  client,
  secret,
}) => {
  await client.ask(`LL1 ${secret} temp=1`);
  const idle = Array.from({ length: limits.socketUnprovenPerAddress }, () => LineClient.tcp(site));
  const unknown = () => site.door.connections().find(({ kind }) => kind === 'unknown')?.count;
  await until(() => unknown() === idle.length, 'all of them');
  const late = LineClient.tcp(site);
  assert.match(String(await late.ended()), /^ERR too-many-connections /);
  assert.equal(await client.ask(`LL1 ${secret} temp=1`), ['OK 1']);
  for (const one of idle) one.close();
  await until(() => unknown() === 0, 'their end');
  const next = LineClient.tcp(site);
  assert.equal(await next.ask(`LL1 ${secret} temp=1`), ['OK 1']);
  next.close();
});

test('when the door closes, what was read is answered, and everybody hears why', async () => {
  const site = await openSite();
  const { secret } = await site.make('socket-token');
  const client = LineClient.tcp(site);
  const idle = LineClient.tls(site);
  await idle.ask(`LL1 ${secret} temp=1`);
  await client.ask(`LL1 ${secret} temp=1`);
  const release = site.hold();
  client.send(`LL1 ${secret} temp=2`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closing = site.door.close();
  client.send(`LL1 ${secret} temp=3`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  assert.equal((await client.ended()).slice(1), ['OK 1', 'ERR cloud-stopping connect again in a moment']);
  assert.equal((await idle.ended()).slice(1), ['ERR cloud-stopping connect again in a moment']);
  await closing;
  assert.is((await site.ledger()).readings.stored, 3);
  await site.close();
});

test('the door closes in time although a commit hangs', async () => {
  const site = await openSite();
  const { secret } = await site.make('socket-token');
  const client = LineClient.tcp(site);
  site.hold();
  client.send(`LL1 ${secret} temp=2`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await site.door.close(200);
  assert.match(String(await client.ended()), /^ERR cloud-stopping connect again and resend$/);
  await site.close();
});

test.run();
