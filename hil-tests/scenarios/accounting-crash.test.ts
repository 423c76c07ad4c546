// @long
// What a killed cloud has counted: all but the last interval, and what is used of quotas is known at the next start.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CloudProcess } from '../system/index.ts';
import { run } from './program.ts';
import { takeInSoftware } from './software-device.ts';

const intervalSeconds = 1;
/** Beside the interval: the write of the records that were due, on a machine that is busy. */
const slackMilliseconds = 2000;

test('a cloud that is killed has lost no more than an interval of what it counted, and its sums are those of its records', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-accounting-'));
  const state = join(folder, 'cloud');
  const limits = join(folder, 'limits.toml');
  await writeFile(
    limits,
    `[accounting]\ninterim_seconds = ${intervalSeconds}\n[device]\nreadings_per_day = 1000000\n`,
  );
  let cloud = await CloudProcess.start({ state, limits });
  try {
    const { token } = await takeInSoftware(cloud, 'logger');
    const delivered: number[] = [];
    for (const end = Date.now() + 6000; Date.now() < end; ) {
      const answer = await fetchIngest(cloud, token.secret);
      assert.is(answer, 200);
      delivered.push(Date.now());
    }
    const killed = Date.now();
    await cloud.service.stop('SIGKILL');
    cloud = await CloudProcess.start({ state, limits });
    const { items } = await cloud.organisation.listUsage({ query: { by: 'device' } });
    const counted = items.reduce((sum, { readings }) => sum + readings, 0);
    const certain = delivered.filter((at) => at < killed - intervalSeconds * 1000 - slackMilliseconds).length;
    assert.ok(certain > 0 && counted >= certain, `${counted} of at least ${certain}`);
    assert.ok(counted <= delivered.length + 1, `${counted} of at most ${delivered.length + 1}`);
    const { used } = await cloud.organisation.getDeviceLimits({ device: 'logger' });
    assert.is(used.day.readings, counted, 'the quota goes on from there');
    const records = await cloud.organisation.listSessionRecords({ query: { kind: 'device' } });
    assert.is(records.items[0]?.cause, 'cloud-lost');
    await cloud.service.stop();
    const program = fileURLToPath(new URL('../../cloud/main.ts', import.meta.url));
    const launcher = fileURLToPath(new URL('../../tools/launch.mjs', import.meta.url));
    const check = await run(process.execPath, [
      launcher,
      program,
      'accounting',
      'check',
      '--state',
      state,
      '--json',
    ]);
    assert.is(check.code, 0, check.stdout + check.stderr);
    const { sums, uncounted } = JSON.parse(check.stdout);
    assert.ok(sums >= 1);
    assert.ok(uncounted.every((one: { device: string }) => one.device === 'logger'));
  } finally {
    await cloud.service.stop();
    await rm(folder, { recursive: true });
  }
});

async function fetchIngest(cloud: CloudProcess, token: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    const headers = { 'x-auth-token': token, 'content-type': 'application/json' };
    const asked = request(
      `${cloud.url}/ingest/v1`,
      { method: 'POST', headers, ca: cloud.authorityPem },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.on('error', reject);
    asked.end('{"temp":21.5}');
  });
}

test.run();
