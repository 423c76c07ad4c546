// @long
// Tags that nobody configured: a stray one is no series, one that keeps coming is, and only so many may.
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { counterFrame, countsIn } from './counter.ts';
import { Site } from './site.ts';

const test = suite('unconfigured tags');

const configured = 0x3a10;
const stray = 0x0bad;
const persistent = [0x1001, 0x1002, 0x1003] as const;

let site: Site;

test.before(async () => {
  site = await Site.open({
    sections: {
      sensors: [{ tag: '3A10', name: 'Hook load', unit: 't', simulated: true }],
      unconfigured: { sightings: 3, max_series: 2 },
    },
  });
});

test.after(() => site.close());

async function send(...frames: Uint8Array[]): Promise<void> {
  await site.port.write(Buffer.concat(frames));
}

test('a stray tag is suppressed and counted, a configured one counts from its first frame', async () => {
  await send(counterFrame(stray, 1), counterFrame(configured, 2), counterFrame(stray, 3));
  const { frames, stored, health } = await site.stored(1);
  assert.equal([frames, stored, health?.suppressed, health?.other], [3, 1, 2, 0]);
  assert.equal(countsIn(site.readings()), [2]);
});

test('one that has been heard three times is a series from then on, as many as may be', async () => {
  const [first, second, third] = persistent;
  for (const tag of [first, second, third]) {
    await send(...[10, 11, 12, 13].map((value) => counterFrame(tag, value)));
  }
  // The first two from their third frame on; the third finds the list full.
  const { frames, stored, health } = await site.stored(1 + 2 * 2);
  assert.equal([frames, stored, health?.suppressed, health?.other], [3 + 12, 5, 2 + 4 + 4, 0]);
  assert.equal(
    (await site.cloud.organisation.listSeries()).items
      .map(({ tag, count, name }) => [tag, count, name])
      .sort(),
    [
      ['1001', 2, null],
      ['1002', 2, null],
      ['3A10', 1, 'Hook load'],
    ],
  );
});

test('a frame that is no data provider is counted as such, and every frame is one of these', async () => {
  const nak = encodePacket({ kind: 'nak', flags: 0, from: 0x123456, rssi: 0, cv: 0 });
  const unknown = encodePacket({ kind: 'unknown', flags: 0, type: 0x1e, bytes: Uint8Array.of(1, 2, 3) });
  await send(encodeFrame(1, nak), encodeFrame(2, unknown), counterFrame(configured, 3));
  const { frames, readings, health } = await site.stored(6);
  assert.equal([frames, readings, health?.copies, health?.suppressed, health?.other], [18, 6, 0, 10, 2]);
});

test.run();
