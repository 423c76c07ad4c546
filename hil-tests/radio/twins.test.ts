// Two adapters that look alike: each port finds its own by what answers on it, and no frame goes to the wrong one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('twins');

let folder: string;
const adapters: VirtualPort[] = [];
let listening: Listening;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'loadline-twins-'));
});

test.after.each(async () => {
  await listening.radio.stop();
  await Promise.all(adapters.splice(0).map((adapter) => adapter.close()));
  rmSync(folder, { recursive: true });
});

async function plugIn(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    adapters.push(await VirtualPort.open({ folder, name: `usb-FTDI_${index}` }));
  }
}

const adapter = (index: number): VirtualPort => adapters[index] as VirtualPort;
const send = (index: number, base: number, tag: number, value: number) =>
  adapter(index).write(measurementFrame(base, tag, value));
const port = (name: string, expected: object) =>
  portConfig({ name, path: join(folder, 'usb-FTDI*'), ...expected });

/** Both ports have a device open, and wait for it to say who it is. */
async function bothListen(): Promise<void> {
  await until(() => listening.radio.ledgers.every(({ trouble }) => trouble?.startsWith('listening on ')));
}

for (const [first, second] of [
  [1, 2],
  [2, 1],
] as const) {
  test(`base ${first} on the first adapter: every frame from the first one on is the right port's`, async () => {
    await plugIn(2);
    listening = new Listening([port('one', { base_addresses: [1] }), port('two', { base_addresses: [2] })]);
    await bothListen();
    await send(0, first, 7, 10);
    await send(0, first, 7, 11);
    await listening.hears(2);
    await send(1, second, 7, 20);
    await listening.hears(3);
    const name = (base: number) => (base === 1 ? 'one' : 'two');
    assert.equal(listening.values, [`${name(first)} 10`, `${name(first)} 11`, `${name(second)} 20`]);
    assert.equal(listening.codes.toSorted(), ['one port-open', 'two port-open']);
    for (const base of [1, 2]) {
      const { bytes, frameBytes, discardedBytes } = listening.ledger(name(base));
      assert.equal([frameBytes, discardedBytes], [bytes, 0], 'a twin’s bytes are in its own account');
    }
  });
}

test('are told apart by the tags heard, where there is no base address to go by', async () => {
  await plugIn(2);
  listening = new Listening([port('one', { expect_tags: [0x100] }), port('two', { expect_tags: [0x200] })]);
  await bothListen();
  await send(0, 1, 0x300, 1);
  await send(0, 1, 0x200, 2);
  await send(1, 1, 0x100, 3);
  await listening.hears(3);
  assert.equal(listening.values.toSorted(), ['one 3', 'two 1', 'two 2'], 'and what came before is not lost');
});

test('unplugged and plugged in at each other’s place, are found again', async () => {
  await plugIn(2);
  listening = new Listening([port('one', { base_addresses: [1] }), port('two', { base_addresses: [2] })]);
  await bothListen();
  await send(0, 1, 7, 1);
  await send(1, 2, 7, 2);
  await listening.hears(2);
  await Promise.all(adapters.map((each) => each.unplug()));
  await until(() => listening.codes.filter((code) => code.endsWith('port-lost')).length === 2);
  await Promise.all(adapters.map((each) => each.replug()));
  await bothListen();
  await send(0, 2, 7, 4);
  await send(1, 1, 7, 3);
  await listening.hears(4);
  assert.equal(listening.values.slice(2).toSorted(), ['one 3', 'two 4']);
});

test('whose cables are swapped while both are open, change places, and nothing is heard under the wrong name', async () => {
  await plugIn(2);
  listening = new Listening([port('one', { base_addresses: [1] }), port('two', { base_addresses: [2] })]);
  await bothListen();
  await send(0, 1, 7, 0);
  await send(1, 2, 7, 0);
  await listening.hears(2);
  let value = 0;
  const baseOf = new Map<number, number>();
  await until(async () => {
    value += 1;
    baseOf.set(value, 2);
    await send(0, 2, 7, value);
    value += 1;
    baseOf.set(value, 1);
    await send(1, 1, 7, value);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return new Set(listening.values.slice(2).map((each) => each.split(' ')[0])).size === 2;
  });
  for (const each of listening.values.slice(2)) {
    const [name, which] = each.split(' ');
    assert.is(name, baseOf.get(Number(which)) === 1 ? 'one' : 'two');
  }
});

test('and a third adapter that is something else: it is left again for the one that answers', async () => {
  await plugIn(3);
  listening = new Listening([port('one', { base_addresses: [1] }), port('two', { base_addresses: [2] })], {
    timing: { listen: 100 },
  });
  let value = 0;
  await until(async () => {
    await adapter(0)
      .write(Buffer.from('$GPGGA,123519,4807.038,N\r\n'))
      .catch(() => undefined);
    await send(1, 1, 7, ++value).catch(() => undefined);
    await send(2, 2, 7, ++value).catch(() => undefined);
    return listening.ledger('one').open && listening.ledger('two').open;
  });
  assert.ok(listening.heard.every(({ port: name, content }) => content.base === (name === 'one' ? 1 : 2)));
});

test('that nothing tells apart get a device each, never the same, and a warning', async () => {
  await plugIn(2);
  listening = new Listening([port('one', {}), port('two', {})]);
  await listening.opened(1, 'one');
  await listening.opened(1, 'two');
  await send(0, 1, 7, 1);
  await send(1, 1, 7, 2);
  await listening.hears(2);
  assert.equal(listening.values.map((each) => each.split(' ')[0]).toSorted(), ['one', 'two']);
  assert.is(listening.log.filter(({ event }) => event === 'port-advice').length, 2);
});

test.run();
