// @long
// A radio that is unplugged and plugged in again: the gateway finds it, and accounts for what it heard.
import { readFileSync, renameSync, symlinkSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until, VirtualPort } from '../rig/index.ts';
import { counterFrame, countsIn } from './counter.ts';
import { elapsed, Site } from './site.ts';

const test = suite('replug');

let site: Site;
/** Values sent in whole, in order: exactly these are to be in the store. */
const sent: number[] = [];
let openings = 1;
/** Milliseconds from each replug until the port was open. */
const waits: number[] = [];

const frame = (value: number) => counterFrame(0x3a10, value);

/** Sends the next value, and waits until it is committed: then nothing is under way. */
async function deliverNext(): Promise<void> {
  sent.push(sent.length);
  await site.port.write(frame(sent.length - 1));
  await site.stored(sent.length);
}

/** Waits until the port is open once more; when that was, by the gateway's log. */
async function opened(): Promise<number> {
  openings += 1;
  const { at } = await site.said('port-open', openings);
  return Date.parse(at);
}

/** Plugs the port in again, and waits until the gateway has opened it. */
async function replug(): Promise<void> {
  await site.port.replug();
  const since = Date.now();
  waits.push((await opened()) - since);
}

/** Waits until the gateway has noticed that the port it has open is gone. */
async function unplugged(): Promise<void> {
  await until(() => site.gateway.log.filter(({ event }) => event === 'port-closed').length >= openings, {
    limitMs: 20_000,
    what: `the gateway has noticed unplugging ${openings}`,
  });
}

/** Makes the port's link lead to another device, as udev does when an adapter is changed for its twin. */
function leadTo(device: string | undefined): void {
  symlinkSync(device ?? '', `${site.port.path}.new`);
  renameSync(`${site.port.path}.new`, site.port.path);
}

/** Sends a value and pulls the plug. Heard in time or lost: both may be, and the gateway's account says which. */
async function unplugBehindData(): Promise<void> {
  const value = sent.length;
  await site.port.write(frame(value));
  await site.port.unplug();
  await unplugged();
  const { health } = await site.accountWhere('the port is closed', (_, { ports }) => !ports[0]?.open);
  if ((health?.readings ?? 0) > value) sent.push(value);
}

/** Seconds of processor time that a process has used (proc(5), stat fields 14 and 15, in hundredths). */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

test.before(async () => {
  site = await Site.open();
  await deliverNext();
});

test.after(() => site.close());

test('unplugged while idle, the port is found again, and the next frame is delivered', async () => {
  await site.port.unplug();
  await unplugged();
  await replug();
  await deliverNext();
});

test('unplugged in the middle of a frame, its half is discarded, and the next frame is whole', async () => {
  const half = frame(999).subarray(0, 9);
  const { discardedBytes } = await site.stored(sent.length);
  await site.port.write(half);
  // Heard: the half stays held only while the line may still go on, and it is 250 ms before it is given up.
  await site.accountWhere(
    'the half frame is accounted for',
    (account) => account.discardedBytes === discardedBytes + half.length,
  );
  await site.port.write(half);
  await site.port.unplug();
  await unplugged();
  await replug();
  await deliverNext();
  const account = await site.stored(sent.length);
  // What the kernel had not handed over is gone with the plug: of the second half at most its bytes.
  const lost = account.discardedBytes - discardedBytes - half.length;
  assert.ok(lost >= 0 && lost <= half.length, `${lost} bytes`);
});

test('unplugged right behind data, it is noticed too', async () => {
  for (let round = 0; round < 2; round++) {
    await unplugBehindData();
    await replug();
    await deliverNext();
  }
});

test('a link that leads to another adapter is followed, though the old one is still there', async () => {
  const other = await VirtualPort.open();
  leadTo(other.device);
  await unplugged();
  await opened();
  sent.push(sent.length);
  await other.write(frame(sent.length - 1));
  await site.stored(sent.length);
  leadTo(site.port.device);
  await unplugged();
  await opened();
  await deliverNext();
  await other.close();
});

test('while the radio is away, the gateway does not spin', async () => {
  await unplugBehindData();
  const before = processorSeconds(site.gateway.pid);
  await elapsed(1000);
  const used = processorSeconds(site.gateway.pid) - before;
  assert.ok(used < 0.5, `${used} s of processor time in a second`);
  await replug();
  await deliverNext();
});

test('every frame that was heard whole is stored once, in order, and nothing else is', async () => {
  const { stored, duplicate, rejected, health } = await site.stored(sent.length);
  assert.equal([stored, duplicate, rejected], [sent.length, 0, 0]);
  assert.is(health?.ports[0]?.frameBytes, sent.length * frame(0).length);
  assert.equal(countsIn(site.readings()), sent);
});

test('the cloud knows of every loss and every return', async () => {
  const lost = openings - 1;
  const told = (await site.events()).filter((event) => event.startsWith('port-'));
  assert.equal(told, ['port-open radio', ...Array(lost).fill(['port-lost radio', 'port-open radio']).flat()]);
});

test('after a replug the port was open within a second', () => {
  // Of several the one in the middle: whatever else this machine does at times is not the gateway's.
  const middle = waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] ?? Number.NaN;
  assert.ok(waits.length >= 5 && middle <= 1000, `${waits.join(', ')} ms`);
});

test.run();
