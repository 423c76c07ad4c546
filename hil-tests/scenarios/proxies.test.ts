// @long
// The one way out is a proxy with a password, HTTP CONNECT or SOCKS 5: the gateway enrols and delivers through it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { needs } from '../runner/debian.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('proxies');

const user = 'mast';
const password = 'correct-horse';

const folder = mkdtempSync(join(tmpdir(), 'loadline-proxies-'));
const stops: (() => Promise<unknown>)[] = [];

test.after.each(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
test.after(() => rmSync(folder, { recursive: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Starts a proxy that others have made, and waits until it listens. */
async function start(port: number, command: string, words: readonly string[]): Promise<void> {
  const child = spawn(command, words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('close', resolve));
  stops.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', () => resolve(false));
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
    });
  await until(answers, { what: `${command} listens` });
}

/** Enrols and delivers through a proxy; first with a wrong password, which is said in words and nowhere shown. */
async function assertPasses(scheme: 'http' | 'socks5', port: number, refusal: RegExp): Promise<void> {
  const passwordFile = join(folder, `${scheme}-password`);
  writeFileSync(passwordFile, 'wrong-horse\n', { mode: 0o600 });
  const site = await Site.prepare({
    sections: {
      uplink: { proxy: { url: `${scheme}://127.0.0.1:${port}`, user, password_file: passwordFile } },
    },
  });
  stops.push(() => site.close());
  site.startGateway();
  const failed = await site.said('enrolment-failed');
  assert.match(String(failed.reason), refusal);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  await site.said('enrolled');
  await site.said('uplink-connected');
  const counter = new Counter(site.port);
  await counter.send(50);
  const { stored, rejected } = await site.stored(counter.sent);
  assert.equal([stored, rejected], [50, 0]);
  assert.equal(countsIn(site.readings()), countsTo(50));
  const said = JSON.stringify(site.gateway.log) + site.gateway.errors;
  assert.not.match(said, /horse/);
  // Nothing goes past the proxy: with it goes the link.
  await stops.shift()?.();
  const lost = await site.said('uplink-lost', 2);
  assert.match(String(lost.reason), new RegExp(`the proxy 127\\.0\\.0\\.1:${port}: nothing listens`));
}

const tinyproxy = await needs('tinyproxy', 'tinyproxy-bin');
if (tinyproxy !== true) console.log(`skipped: an HTTP proxy: ${tinyproxy}`);
(tinyproxy === true ? test : test.skip)('through an HTTP proxy that wants a password', async () => {
  const port = await freePort();
  const file = join(folder, 'tinyproxy.conf');
  // Without ConnectPort, CONNECT leads anywhere.
  writeFileSync(
    file,
    `Port ${port}\nListen 127.0.0.1\nTimeout 600\nAllow 127.0.0.1\nBasicAuth ${user} ${password}\n`,
  );
  await start(port, 'tinyproxy', ['-d', '-c', file]);
  await assertPasses('http', port, /the proxy 127\.0\.0\.1:\d+: .*(407|401|password)/);
});

const microsocks = await needs('microsocks');
if (microsocks !== true) console.log(`skipped: a SOCKS proxy: ${microsocks}`);
(microsocks === true ? test : test.skip)('through a SOCKS 5 proxy that wants a password', async () => {
  const port = await freePort();
  await start(port, 'microsocks', ['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password]);
  await assertPasses('socks5', port, /the proxy 127\.0\.0\.1:\d+: .*(password|user)/);
});

test.run();
