// @long
// @time-limit 300 s
// The soak as it is run for half an hour, for a minute: whether memory is flat takes ten, everything else is judged.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { soak } from './run.ts';

const test = suite('soak');

const seed = Number(process.env.LOADLINE_SEED ?? 1);

test('under faults of network and radio every frame heard whole is stored once, and every account balances', async () => {
  const out = await mkdtemp(join(tmpdir(), 'loadline-soak-'));
  const { signal } = new AbortController();
  const run = await soak({ minutes: 1, seed, out, say: () => {}, signal });
  assert.equal(run.wrong, [], `LOADLINE_SEED=${seed}, ${out}`);
  assert.ok(Object.keys(run.faults).length >= 6, JSON.stringify(run.faults));
  assert.ok(run.load.stored > 5000, JSON.stringify(run.load));
  assert.ok(run.looker.followed > 0 && run.looker.looks > 0, JSON.stringify(run.looker));
  for (const { acknowledged } of Object.values(run.clients)) assert.ok(acknowledged > 100);
  const lines = (await readFile(join(out, 'samples.csv'), 'utf8')).trim().split('\n');
  assert.ok(lines.length > 30, `${lines.length} samples`);
  assert.match(await readFile(join(out, 'memory.svg'), 'utf8'), '<polyline');
  await rm(out, { recursive: true });
});

test.run();
