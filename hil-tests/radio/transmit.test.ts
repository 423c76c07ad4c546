// A command to a module: it leaves by the opening it was meant for or never, and its answer is waited for.
import { encodeFrame, encodePacket, Framer } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { Listening, measurementFrame, portConfig } from './listening.ts';

const test = suite('transmit');

let adapter: VirtualPort;
let listening: Listening;
/** Packets that the base station got, as hex digits. */
let sent: string[];

test.before.each(async () => {
  adapter = await VirtualPort.open();
  sent = [];
  const framer = new Framer();
  adapter.onData((bytes) => {
    for (const framed of framer.push(bytes)) {
      sent.push(framed.kind === 'frame' ? Buffer.from(framed.packet).toString('hex') : 'noise');
    }
  });
});

test.after.each(async () => {
  await listening.radio.stop();
  await adapter.close();
});

const module = 0x1225df;
const inTime = () => performance.now() + 10_000;
const wake = (expires = inTime()) =>
  listening.radio.transmit('radio', { base: 1, to: module, action: 'wake', expires });

function answer(kind: 'ack' | 'nak' | 'timeout' | 'dataInvalid', from = module, base = 1): Promise<void> {
  return adapter.write(encodeFrame(base, encodePacket({ kind, flags: 0, from, rssi: 0xfb, cv: 0xe8 })));
}

async function open(more: object = { transmit: true }, answerWithin = 5000): Promise<void> {
  listening = new Listening([portConfig({ path: adapter.path, ...more })], {
    timing: { answer: answerWithin },
  });
  await until(() => listening.ledger().open || listening.ledger().trouble);
}

test('wake goes out as one write to one module, and is done when that module acknowledges', async () => {
  await open();
  const result = wake();
  await until(() => sent.length > 0);
  assert.equal(sent, ['061225df3200']);
  await answer('nak', 0x999999);
  await answer('nak', module, 2);
  await adapter.write(measurementFrame(1, 7, 1));
  await answer('ack');
  assert.equal(await result, { outcome: 'done', detail: 'the module acknowledged it' });
  assert.is(
    listening.heard.filter(({ content }) => content.kind === 'other').length,
    3,
    'answers are accounted for',
  );
});

for (const [kind, detail] of [
  ['nak', 'the module refused it (NAK)'],
  ['timeout', 'the base station had no answer of the module (timeout)'],
  ['dataInvalid', 'the module found its data invalid'],
] as const) {
  test(`${kind} is a failure, and says which`, async () => {
    await open();
    const result = wake();
    await until(() => sent.length > 0);
    await answer(kind);
    assert.equal(await result, { outcome: 'failed', detail });
  });
}

test('no answer within the limit is a failure, and the next command goes out', async () => {
  await open({ transmit: true }, 50);
  assert.equal(await wake(), { outcome: 'failed', detail: 'no answer within 50 ms' });
  // Where this machine stands still for 50 ms the answer comes too late, and the one after that is next.
  await until(async () => {
    const before = sent.length;
    const next = wake();
    await until(() => sent.length > before);
    await answer('ack');
    return (await next).outcome === 'done';
  });
});

test('one at a time: the second goes out when the first has its answer', async () => {
  await open();
  const [first, second] = [
    wake(),
    listening.radio.transmit('radio', { base: 1, to: 5, action: 'sleep', expires: inTime() }),
  ];
  await until(() => sent.length === 1);
  await answer('ack', 5);
  await answer('ack');
  assert.is((await first).outcome, 'done');
  await until(() => sent.length === 2);
  assert.equal(sent, ['061225df3200', '060000053800']);
  await answer('ack', 5);
  assert.is((await second).outcome, 'done');
});

test('is off unless the port says so; refused to every module, to another base, by a driver that cannot', async () => {
  await open({});
  assert.match((await wake()).detail, /^transmission is off/);
  await listening.radio.stop();
  await open({ transmit: true });
  const everyModule = { base: 1, to: 0xffffff, action: 'sleep', expires: inTime() } as const;
  const refused = await listening.radio.transmit('radio', everyModule);
  assert.equal([refused.outcome, refused.detail.includes('every module')], ['refused', true]);
  assert.is(
    (await listening.radio.transmit('radio', { ...everyModule, to: 1, base: 17 })).outcome,
    'refused',
  );
  assert.match((await listening.radio.transmit('none', everyModule)).detail, 'there is no port "none"');
  await listening.radio.stop();
  await open({ transmit: true, driver: 'gw1' });
  assert.match((await wake()).detail, 'the driver gw1 cannot send');
  await listening.radio.stop();
  await open({ transmit: true, base_addresses: [2] });
  assert.equal(await wake(), { outcome: 'refused', detail: 'base station 1 is not on the port radio' });
  assert.equal(sent, []);
});

test('after its expiry nothing is sent', async () => {
  await open();
  assert.equal(await wake(performance.now()), {
    outcome: 'expired',
    detail: 'it expired before it could be sent',
  });
  const first = wake();
  const second = wake(performance.now() + 50);
  await until(() => sent.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 80));
  await answer('ack');
  assert.is((await first).outcome, 'done');
  assert.is((await second).outcome, 'expired');
  assert.equal(sent.length, 1);
});

test('while the port is closed fails at once, and nothing of it comes out when the port is back', async () => {
  await open();
  await adapter.unplug();
  await until(() => !listening.ledger().open);
  assert.equal(await wake(), { outcome: 'failed', detail: 'the port radio is not open' });
  await adapter.replug();
  await listening.opened(2);
  await adapter.write(measurementFrame(1, 7, 1));
  await listening.hears(1);
  assert.equal(sent, []);
});

test('ends with its opening: the one under way fails, and those behind it are never sent', async () => {
  await open();
  const first = wake();
  const second = wake();
  await until(() => sent.length === 1);
  await adapter.unplug();
  assert.match((await first).detail, /^the port was closed before an answer came/);
  assert.equal(await second, { outcome: 'failed', detail: 'the port was closed before it could be sent' });
  await adapter.replug();
  await listening.opened(2);
  const third = wake();
  await until(() => sent.length === 2);
  await answer('ack');
  assert.is((await third).outcome, 'done');
  assert.is(sent.length, 2);
});

test('no more than a few wait: the rest are refused', async () => {
  await open({ transmit: true }, 5000);
  const all = Array.from({ length: 10 }, () => wake());
  const [ninth, tenth] = await Promise.all(all.slice(8));
  assert.equal([ninth?.outcome, tenth?.outcome], ['refused', 'refused']);
});

test.run();
