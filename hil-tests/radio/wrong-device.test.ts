// Something answers that is not what the configuration expects: it is refused, said so, and nothing of it is heard.
import { mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('wrong device');

let adapter: VirtualPort;
let listening: Listening;
/** What a test has opened besides, and the link it has made: closed and removed, however it ends. */
const others: VirtualPort[] = [];

test.before.each(async () => {
  adapter = await VirtualPort.open();
});

test.after.each(async () => {
  await listening.radio.stop();
  await Promise.all([adapter, ...others.splice(0)].map((port) => port.close()));
});

const isListening = () => until(() => listening.ledger().trouble?.startsWith('listening on '));
const refused = (times = 1) =>
  until(() => listening.log.filter(({ event }) => event === 'port-closed').length >= times);

test('on a fixed path is closed, and named in the event and in the ledger', async () => {
  listening = new Listening([portConfig({ path: adapter.path, base_addresses: [1, 3] })]);
  await isListening();
  await adapter.write(measurementFrame(2, 7, 1));
  await refused();
  const detail = `${adapter.path} is base station 2; expected is base station 1 or 3`;
  assert.equal(listening.events, [{ code: 'port-wrong-device', subject: 'radio', detail }]);
  assert.equal(listening.heard, []);
  const { open, trouble, bytes, frameBytes, discardedBytes, frames } = listening.ledger();
  assert.equal([open, trouble], [false, detail]);
  assert.equal([bytes, frameBytes, discardedBytes, frames], [18 - 2, 0, 16, 0]);
});

test('is tried again slowly, said once, and welcome when it is the right one', async () => {
  listening = new Listening([portConfig({ path: adapter.path, base_addresses: [1] })], {
    timing: { refused: 150 },
  });
  for (let time = 1; time <= 3; time++) {
    await until(async () => {
      await adapter.write(measurementFrame(2, 7, 1));
      return listening.log.filter(({ event }) => event === 'port-closed').length >= time;
    });
  }
  assert.equal(listening.codes, ['radio port-wrong-device']);
  await until(async () => {
    await adapter.write(measurementFrame(1, 7, 5));
    return listening.heard.length > 0;
  });
  assert.ok(listening.values.every((value) => value === 'radio 5'));
  assert.is(listening.ledger().trouble, undefined);
  assert.equal(listening.codes, ['radio port-wrong-device', 'radio port-open']);
});

test('plugged out for the right one, is forgotten at once', async () => {
  listening = new Listening([portConfig({ path: adapter.path, base_addresses: [1] })]);
  await isListening();
  await adapter.write(measurementFrame(2, 7, 1));
  await refused();
  await adapter.unplug();
  // Takes the number: one that comes back under it within a tick of the kernel's clock looks like the same appearance.
  others.push(await VirtualPort.open());
  await adapter.replug();
  await until(async () => {
    await adapter.write(measurementFrame(1, 7, 5));
    return listening.heard.length > 0;
  });
});

test('the link of a refused device is followed at once when it leads to another', async () => {
  listening = new Listening([portConfig({ path: adapter.path, base_addresses: [1] })]);
  await isListening();
  await adapter.write(measurementFrame(2, 7, 1));
  await refused();
  const right = await VirtualPort.open();
  others.push(right);
  symlinkSync(right.device ?? '', `${adapter.path}.new`);
  renameSync(`${adapter.path}.new`, adapter.path);
  await until(async () => {
    await right.write(measurementFrame(1, 7, 5));
    return listening.heard.length > 0;
  });
  rmSync(adapter.path);
});

test('that comes while the port is open is noticed after three frames, and none of them is heard', async () => {
  listening = new Listening([portConfig({ path: adapter.path, base_addresses: [1] })]);
  await isListening();
  await adapter.write(measurementFrame(1, 7, 1));
  await listening.hears(1);
  await adapter.write(measurementFrame(2, 7, 2));
  await adapter.write(measurementFrame(2, 7, 3));
  await adapter.write(measurementFrame(2, 7, 4));
  await refused();
  assert.equal(listening.values, ['radio 1']);
  assert.equal(listening.codes, ['radio port-open', 'radio port-wrong-device']);
});

test('one foreign frame among its own may be noise, and is not heard under another’s name for it', async () => {
  listening = new Listening([portConfig({ path: adapter.path, base_addresses: [1] })]);
  await isListening();
  for (const [base, value] of [
    [1, 1],
    [2, 2],
    [2, 3],
    [1, 4],
    [2, 5],
    [2, 6],
    [1, 7],
  ] as const) {
    const { length } = measurementFrame(base, 7, value);
    const { bytes } = listening.ledger();
    await adapter.write(measurementFrame(base, 7, value));
    // Each by itself, or one look would see the next frame too.
    if (listening.ledger().open) await until(() => listening.ledger().bytes === bytes + length);
    else await listening.hears(1);
  }
  await listening.hears(7);
  assert.equal(
    listening.heard.map(({ content }) => content.base),
    [1, 2, 2, 1, 2, 2, 1],
  );
  assert.equal(listening.codes, ['radio port-open']);
});

test('of a pattern is passed over for the next, which nobody else expects', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-pattern-'));
  const wrong = await VirtualPort.open({ folder, name: 'usb-A' });
  const right = await VirtualPort.open({ folder, name: 'usb-B' });
  others.push(wrong, right);
  listening = new Listening([portConfig({ path: join(folder, 'usb-*'), base_addresses: [1] })]);
  await isListening();
  let value = 0;
  await until(async () => {
    await wrong.write(measurementFrame(2, 7, -1));
    await right.write(measurementFrame(1, 7, ++value));
    return listening.heard.length > 0;
  });
  assert.ok(listening.heard.every(({ content }) => content.base === 1));
  assert.equal(listening.codes, ['radio port-wrong-device', 'radio port-open']);
  rmSync(folder, { recursive: true });
});

test.run();
