// @long
// A line with more noise than frames: every frame is delivered, every byte accounted for, and the noise is said.
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { lace, playRecording } from '../rig/index.ts';
import { counterFrame, countsIn, countsTo } from './counter.ts';
import { assertBalanced, elapsed, Site } from './site.ts';

const test = suite('noisy line');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
const frameCount = 200;
const frames = Buffer.concat(countsTo(frameCount).map((value) => counterFrame(0x3a10, value)));
const laced = lace(frames, { seed, leastBytes: 20, mostBytes: 60 });

/** Seconds that the gateway has from its start until a minute of its clock is over. */
const untilTheMinute = 6;
/**
 * Noise is judged by whole minutes of the monotonic clock, which counts from boot. In a time namespace of its own
 * (time_namespaces(7)) the gateway has a boot that was just as long ago as this test wants. It needs root.
 */
const minuteSoon = (): readonly string[] => {
  const now = Number(process.hrtime.bigint() / 1_000_000_000n);
  const offset = 60 - ((now + untilTheMinute) % 60);
  return ['unshare', '--time', '--monotonic', String(offset)];
};
const mayMakeTime = spawnSync('unshare', ['--time', '--monotonic', '1', 'true']).status === 0;
const withTime = mayMakeTime ? test : test.skip;

let site: Site;

test.before(async () => {
  site = await Site.prepare();
  site.startGateway(mayMakeTime ? minuteSoon() : []);
  await site.gateway.line('port-open');
  await site.gateway.line('uplink-connected');
});

test.after(() => site.close());

test('every frame between the noise is delivered, once and in order, and every byte is somewhere', async () => {
  await playRecording(laced.bytes, site.port, {
    chunks: { kind: 'random', seed },
    speed: { kind: 'paced', baud: 230_400 },
  });
  const { health, discardedBytes, duplicate } = await site.accountWhere(
    'all is stored, and nothing held any more',
    ({ stored }, { ports }) =>
      stored === frameCount && ports[0]?.bytes === laced.bytes.length && ports[0].heldBytes === 0,
  );
  if (health) assertBalanced(health);
  assert.equal([discardedBytes, duplicate], [laced.noiseBytes, 0]);
  assert.equal(countsIn(site.readings()), countsTo(frameCount));
});

withTime(
  'that most of it is noise is said once: in the log, in the ledger, to the cloud, by the doctor',
  async () => {
    // It is judged with the first bytes of the next minute, and where all this took too long, of the one after it.
    const said = site.gateway.line('port-noisy', 75_000);
    let done = false;
    const settled = () => {
      done = true;
    };
    said.then(settled, settled);
    while (!done) {
      await site.port.write(new Uint8Array(40).fill(0xff));
      await elapsed(100);
    }
    const { detail, subject, level } = await said;
    assert.equal([subject, level], ['radio', 'warn']);
    assert.match(String(detail), /^\d+ of \d+ bytes of the last minutes on .* were no valid frames$/);
    const { health } = await site.accountWhere('trouble', (_, { ports }) => ports[0]?.trouble !== undefined);
    assert.match(health?.ports[0]?.trouble ?? '', 'most bytes of the last minutes');
    assert.ok((await site.events()).includes('port-noisy radio'));
    const { code, findings } = await site.doctor();
    const found = findings.find(({ about }) => about === 'port-noisy radio');
    assert.match(found?.act ?? '', 'check baud rate, cable and ground');
    assert.ok(code >= 1);
  },
);

test.run();
