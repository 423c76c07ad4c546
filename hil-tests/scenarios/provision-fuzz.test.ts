// @long
// @time-limit 900 s
// The cable falls silent after a random number of bytes, and comes back whole: the board is always one of the two, and running it
// again succeeds. LOADLINE_CUTS says how many (default 8), LOADLINE_SEED which.
import { rm } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { Workbench } from './workbench.ts';

const test = suite('a cable that is cut at any byte');

const cuts = Number(process.env.LOADLINE_CUTS ?? 8);
const seed = Number(process.env.LOADLINE_SEED ?? 7);
const random = new SeededRandom(seed);

let bench: Workbench;
let token: string;
/** Bytes, of both directions, of a provisioning that nobody cuts. */
let whole = 0;

test.before(async () => {
  bench = await Workbench.prepare({ wait: 1 });
  token = await bench.token('technician');
  await bench.act(true);
});
test.after(async () => {
  await bench.close();
});

async function begin(id: string): Promise<string> {
  await rm(bench.site, { recursive: true, force: true });
  await bench.startGateway();
  return await bench.siteFile(id, '', `${id}.toml`);
}

test('a provisioning passes so many bytes', async () => {
  const site = await begin('whole-1');
  const from = bench.cable.bytes;
  const { code, result } = await bench.provision(site, token);
  assert.is(code, 0, JSON.stringify(result));
  whole = bench.cable.bytes - from;
  assert.ok(whole > 10_000, `${whole}`);
  await bench.stopGateway();
});

for (let cut = 1; cut <= cuts; cut++) {
  test(`cut ${cut} of seed ${seed}`, async () => {
    const id = `fuzz-${cut}`;
    const site = await begin(id);
    const bytes = random.integer(1, whole);
    void bench.cable.cutAfter(bytes);
    const { code, result } = await bench.provision(site, token);
    const at = `cut after ${bytes} of ${whole} bytes, at ${result?.step}: ${result?.says}`;
    bench.cable.mend();
    const { path } = bench.cable.left;
    const { events } = await bench.start(['provision', 'find', '--port', path, '--json']).ended;
    const found = events.find(({ event }) => event === 'gateway')?.description as
      | { state: string }
      | undefined;
    // Where all that counts was done before the cut, the mode is over, and nobody answers.
    if (code !== 0) {
      assert.ok(found, `nobody answers; ${at}`);
      const reached = result?.result === 'not-delivered' || result?.result === 'record-not-kept';
      const wanted = reached
        ? ['provisioned']
        : ['unprovisioned', ...(result?.step === 'commit' ? ['provisioned'] : [])];
      assert.ok(wanted.includes(found.state), `it is ${found.state}; ${at}`);
      const again = await bench.provision(site, token);
      assert.is(again.code, 0, `${JSON.stringify(again.result)}; ${at}`);
    }
    await bench.stored(id, 1);
    await bench.stopGateway();
  });
}

test.run();
