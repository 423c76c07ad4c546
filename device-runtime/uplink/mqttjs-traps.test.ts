// @long
// What MQTT.js does when pushed, row by row as it was measured, and that none of it happens here. Real links.
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { jsonLog } from '@loadline/sdk/platform';
import { decodeBatch } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Journal } from '../journal/index.ts';
import type { FarEnd, FarPublish } from './far-end.ts';
import { reading, TestJournals } from './test-journal.ts';
import { linkTo, openFarEnd, until } from './test-links.ts';
import { Uplink } from './uplink.ts';

const test = suite('MQTT.js traps');

const journals = new TestJournals();
const farEnds: FarEnd[] = [];
const uplinks: Uplink[] = [];
test.after.each(async () => {
  for (const uplink of uplinks.splice(0)) await uplink.stop();
  for (const farEnd of farEnds.splice(0)) farEnd.close();
  await journals.closeAll();
});

async function open(onPublish?: (publish: FarPublish, acknowledge: () => void) => void): Promise<FarEnd> {
  const farEnd = await openFarEnd(onPublish && { onPublish });
  farEnds.push(farEnd);
  return farEnd;
}

/** An uplink of its own to it; what it logs goes to `logged`. */
function uplinkTo(farEnd: FarEnd, journal: Journal, logged: string[] = []): Uplink {
  const uplink = new Uplink({
    journal,
    clock: { monotonic: () => performance.now() },
    windowBytes: 256 * 1024,
    maxDelay: 0,
    connect: (signal) => linkTo(farEnd, { signal }),
    onConnected: () => {},
    onDisconnected: () => {},
    onAcknowledged: () => {},
    random: () => 0.5,
    log: jsonLog((line) => logged.push(line), Date.now),
  });
  uplinks.push(uplink);
  return uplink;
}

function numbersOf({ payload }: FarPublish): number[] {
  const batch = decodeBatch(payload);
  return Array.from({ length: batch.count }, (_, index) => batch.first + index);
}

test('1: a backlog does not go one message a round trip', async () => {
  let flying = 0;
  let most = 0;
  const farEnd = await open((_, acknowledge) => {
    most = Math.max(most, ++flying);
    setTimeout(() => {
      flying--;
      acknowledge();
    }, 50);
  });
  const journal = await journals.open();
  for (let tag = 0; tag < 20_000; tag++) journal.append(reading(tag));
  uplinkTo(farEnd, journal).start();
  await until(() => journal.held === 0, 'the backlog');
  assert.ok(most >= 2, `${most} under way at a time`);
});

test('2: more than 65,535 offline are all there, and so are more publishes than there are message ids', async () => {
  const farEnd = await open();
  const journal = await journals.open();
  const uplink = uplinkTo(farEnd, journal);
  for (let count = 0; count < 66_000; count++) {
    journal.append(reading(count & 0xff));
    uplink.appended(reading(count & 0xff));
    // A journal that is outrun by a burst like this one drops by its rule, which is another story.
    if (count % 2000 === 0) await journal.flush();
  }
  assert.is(journal.dropped, 0);
  uplink.start();
  await until(() => journal.held === 0, 'all of them');
  const numbers = farEnd.connections[0]?.published.flatMap(numbersOf).sort((a, b) => a - b);
  assert.equal(numbers, [...Array(66_000).keys()]);

  const link = await linkTo(farEnd);
  let answered = 0;
  for (let count = 0; count < 66_000; count += 500) {
    await Promise.all(Array.from({ length: 500 }, () => link.publish('health', '{}').then(() => answered++)));
  }
  assert.is(answered, 66_000);
  await link.close();
});

test('3: what comes while a backlog is sent is kept where a backlog is', async () => {
  let answers = 1;
  const farEnd = await open((_, acknowledge) => {
    if (answers-- > 0) acknowledge();
  });
  const journal = await journals.open();
  for (let tag = 0; tag < 5000; tag++) journal.append(reading(tag));
  const uplink = uplinkTo(farEnd, journal);
  uplink.start();
  await until(() => (farEnd.connections[0]?.published.length ?? 0) >= 2, 'a second batch');
  journal.append(reading(7));
  uplink.appended(reading(7));
  await uplink.stop();
  const first = numbersOf(farEnd.connections[0]?.published[0] as FarPublish);
  assert.equal(journal.heldRanges(), [{ first: first.length, last: 5000 }]);
});

test('4: nothing but the uplink reconnects, and it waits longer and longer', async () => {
  const farEnd = await open();
  const logged: string[] = [];
  uplinkTo(farEnd, await journals.open(), logged).start();
  for (let round = 1; round <= 4; round++) {
    await until(() => farEnd.connections.length === round, `connection ${round}`);
    const [connection] = farEnd.connections.slice(-1);
    await until(() => connection?.subscribed.length === 5, 'its subscriptions');
    connection?.socket.destroy();
  }
  await until(() => logged.filter((line) => line.includes('uplink-lost')).length === 4, 'the fourth loss');
  const waits = logged.map((line) => JSON.parse(line)).filter(({ event }) => event === 'uplink-lost');
  // Half of a bound that doubles: `random` says 0.5.
  assert.equal(
    waits.map(({ retryMs }) => retryMs),
    [250, 500, 1000, 2000],
  );
});

test('4: a lost link leaves nothing behind that would connect again', async () => {
  const farEnd = await open();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  for (let count = 0; count < 5; count++) {
    const link = await linkTo(farEnd);
    farEnd.connections.at(-1)?.socket.destroy();
    await link.closed;
  }
  await until(() => timers() <= before, 'its timers to be gone');
});

test('5: every publish is settled: before, while and after a link is lost', async () => {
  const farEnd = await open(() => {});
  const uplink = uplinkTo(farEnd, await journals.open());
  const late = delay(10_000, 'it does not settle', { ref: false });
  assert.is(await Promise.race([uplink.publish('health', '{}'), late]), false);
  const link = await linkTo(farEnd);
  const settled: string[] = [];
  const note = (when: string) => () => settled.push(when);
  link.publish('health', '{}').then(note('?'), note('while'));
  await until(() => farEnd.connections[0]?.published.length === 1);
  link.publish('clock', '{}').catch(() => {});
  farEnd.connections[0]?.socket.destroy();
  await link.closed;
  link.publish('health', '{}').then(note('?'), note('after'));
  link.publish('clock', '{}').then(note('?'), note('after, QoS 0'));
  await until(() => settled.length === 3, 'all of them');
  assert.equal(settled, ['while', 'after', 'after, QoS 0']);
});

test('6: memory does not grow while there is no link', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const farEnd = await open();
  const uplink = uplinkTo(farEnd, await journals.open());
  const offline = async (count: number): Promise<number> => {
    for (let index = 0; index < count; index++) {
      uplink.appended(reading(index & 0xffff));
      void uplink.publish('health', `{"message":"${index}"}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await offline(1000);
  const after = await offline(100_000);
  // MQTT.js would keep 500 bytes of each: 50 MB.
  assert.ok(after - before < 2 * 1024 * 1024, `${after - before} bytes`);
});

test.run();
