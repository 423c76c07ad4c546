// @long
// Somebody stands on site without the cloud: status and doctor of the shipped gateway say what is there and what is wrong.
import { execFile, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import { bundlePath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter } from './counter.ts';
import { gatewayId, Site } from './site.ts';

const test = suite('asked on site');

const password = 'correct-horse-battery';

let site: Site;
let counter: Counter;

test.before(async () => {
  site = await Site.open({
    link: 'proxied',
    sections: { sensors: [{ tag: '3A10', name: 'Jib hook', unit: 'kN' }] },
  });
  counter = new Counter(site.port);
});

test.after(() => site.close());

interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

function ask(...words: string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [bundlePath, ...words, '--config', site.configFile],
      { env: { ...process.env, LOADLINE_SECRET: password } },
      (_, out, errors) => resolve({ code: child.exitCode, out, errors }),
    );
  });
}

/** Follows the readings; `ended` settles with the exit code. */
function follow() {
  const words = [bundlePath, 'status', '--follow', '--json', '--config', site.configFile];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const readings: { name: string; value: number }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => readings.push(JSON.parse(line)));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { readings, ended, interrupt: () => child.kill('SIGINT') };
}

test('status says how the gateway is', async () => {
  await counter.send(3);
  await site.stored(3);
  const { code, out } = await ask('status');
  assert.is(code, 0);
  for (const words of [gatewayId, 'connected', 'Jib hook', 'kN', 'port radio'])
    assert.ok(out.includes(words), words);
  const json = JSON.parse((await ask('status', '--json')).out);
  assert.equal([json.gateway.id, json.cloud.link, json.health.readings], [gatewayId, 'up', 3]);
});

test('doctor finds nothing wrong with a gateway that is well', async () => {
  const { code, findings } = await site.doctor();
  assert.equal(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.is(code, findings.length === 0 ? 0 : 1);
});

test('status --follow shows readings as they come, without the cloud, and ends with 0 when interrupted', async () => {
  await site.proxy?.set({ newConnections: 'refuse' });
  site.proxy?.reset();
  await site.said('uplink-lost');
  const { readings, ended, interrupt } = follow();
  const shown = until(() => readings.length >= 5, { what: 'five readings are shown' });
  await counter.sendWhile(20, shown);
  assert.is(readings[0]?.name, 'Jib hook');
  const values = readings.map(({ value }) => value);
  assert.equal(
    values,
    values.map((_, index) => (values[0] as number) + index),
  );
  interrupt();
  assert.is(await ended, 0);
});

test('doctor says that the cloud is away and what to do; its exit code is that of an error', async () => {
  const { code, findings } = await site.doctor();
  assert.is(code, 2);
  // Which words the link's last end has depends on when it was looked at: cut off, or refused since.
  const errors = findings.filter(({ severity, about }) => severity === 'error' && about === 'cloud');
  assert.ok(
    errors.some(({ says }) => /^no link to .*readings are kept$/.test(says)),
    JSON.stringify(findings),
  );
  assert.ok(findings.every(({ act }) => act !== ''));
});

test('the support archive has the findings in it, and no secret', async () => {
  const archive = join(site.folder, 'support.gz');
  const { code, out } = await ask('doctor', '--bundle', archive);
  assert.is(code, 2);
  assert.is(statSync(archive).mode & 0o777, 0o600);
  const text = gunzipSync(readFileSync(archive)).toString('utf8');
  assert.ok(Object.keys(JSON.parse(text)).length > 0);
  const key = readFileSync(join(site.folder, 'gateway/state/gateway.key'), 'utf8');
  const secrets = [
    ...key.split('\n').filter((line) => line !== '' && !line.startsWith('-----')),
    'PRIVATE KEY',
    password,
    site.cloud.login.password,
  ];
  for (const secret of secrets) {
    assert.not.ok(text.includes(secret), 'a secret stands in the archive');
    assert.not.ok(out.includes(secret), 'a secret was printed');
  }
});

test('a gateway that has stopped ends who follows it, and cannot be asked: exit code 3', async () => {
  const { readings, ended } = follow();
  await counter.sendWhile(
    20,
    until(() => readings.length > 0, { what: 'a reading is shown' }),
  );
  await site.gateway.stop();
  assert.is(await ended, 3);
  const status = await ask('status');
  assert.is(status.code, 3);
  assert.match(status.errors, /gateway/);
  assert.is((await site.doctor()).code, 3);
});

test.run();
