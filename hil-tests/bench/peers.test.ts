import { Framer } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeLine } from './framer-line.ts';
import { judge, ofLoadline, ofSerialport, type Parser } from './framer-peers.ts';
import { forms, type Sample } from './wire-forms.ts';

const test = suite('what is compared with others');

test('a framer is judged by each packet that went in: what it loses, repeats or invents is counted', async () => {
  const line = makeLine('noise', 200, ofLoadline.wrap);
  assert.equal(await judge(ofLoadline, line, 64), { found: 200, wrong: 0 });
  const careless: Parser = {
    ...ofLoadline,
    open: (onPacket) => {
      const framer = new Framer();
      let turn = 0;
      return (chunk) => {
        for (const framed of framer.push(chunk)) {
          if (framed.kind !== 'frame') continue;
          turn += 1;
          if (turn === 10) continue;
          onPacket(turn === 20 ? framed.packet.with(3, 0xff) : framed.packet);
          if (turn === 30) onPacket(framed.packet);
        }
      };
    },
  };
  assert.equal(await judge(careless, line, 1), { found: 198, wrong: 2 });
});

for (const parser of ofSerialport) {
  test(`${parser.by} finds every frame of a clean line, and not of a noisy one`, async () => {
    const clean = makeLine('clean', 200, parser.wrap);
    for (const chunk of [1, 64]) assert.equal(await judge(parser, clean, chunk), { found: 200, wrong: 0 });
    const { found, wrong } = await judge(parser, makeLine('noise', 200, parser.wrap), 64);
    assert.ok(found < 200 && wrong > 0, `${found} found, ${wrong} wrong`);
  });
}

for (const form of forms) {
  test(`${form.by} brings over every bit of a float32, every millisecond, and the quality of each reading`, () => {
    const values = [0, -0.01, 12.34, 1e-7, 3.402_823_4e38, 16_777_217, 1 / 3].map(Math.fround);
    const samples = values.map(
      (value, at): Sample => ({
        ...{ tag: 0x1000 + (at % 3), time: Date.UTC(2026, 0, 1) + 7 * at, value },
        quality: { rssi: 255 - at, cv: at },
      }),
    );
    assert.equal(form.decode(form.encode(samples)), samples);
    const without = samples.map((sample) => ({ ...sample, quality: undefined }));
    assert.equal(form.decode(form.encode(without)), without);
    assert.ok(form.encode(without).length < form.encode(samples).length);
  });
}

test.run();
