// @long
// @time-limit 300 s
// Updates that are cut at random, each beginning on what the cut before it left: `npm run cuts` does it for longer.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { cutAtRandom } from './run.ts';

const test = suite('random power cuts of updates');
const strace = await needs('strace');
if (strace !== true) console.log(`skipped: random power cuts of updates: ${strace}`);

(strace === true ? test : test.skip)('a whole release is started after each, and updates go on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-cuts-'));
  const told: string[] = [];
  try {
    const result = await cutAtRandom({
      ...{ cuts: 15, seed: Number(process.env.LOADLINE_SEED ?? 1), folder },
      say: (text) => void told.push(text),
      signal: new AbortController().signal,
    });
    assert.equal(result.wrong, []);
    assert.is(result.cuts, 15);
    // Not all of them stay where they began.
    assert.ok((result.started.a ?? 0) + (result.started.b ?? 0) > 0, told.join('\n'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
