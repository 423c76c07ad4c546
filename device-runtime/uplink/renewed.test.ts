// A link left for another in order: what is in flight is waited for, nothing is sent twice, and the next is made at once.
import { decodeBatch, entriesOf } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../clock/index.ts';
import type { Link } from './link.ts';
import { reading, TestJournals } from './test-journal.ts';
import { Uplink } from './uplink.ts';

const test = suite('a link left for another');

const journals = new TestJournals();
test.after.each(() => journals.closeAll());

/** One connection, answered by hand. */
class FarEnd {
  readonly published: { readonly numbers: readonly number[]; readonly acknowledge: () => void }[] = [];
  readonly messages: (() => void)[] = [];
  readonly link: Link;
  isClosed = false;
  cut: (reason: string) => void = () => {};

  constructor() {
    const closed = new Promise<string>((resolve) => {
      this.cut = (reason) => {
        this.isClosed = true;
        resolve(reason);
      };
    });
    this.link = {
      closed,
      notice: undefined,
      close: async () => this.cut('closed by this gateway'),
      publish: (channel, payload) =>
        new Promise((resolve) => {
          if (channel !== 'telemetry') {
            this.messages.push(resolve);
            return;
          }
          const batch = decodeBatch(payload as Uint8Array);
          const numbers = entriesOf(batch).map((_, index) => batch.first + index);
          this.published.push({ numbers, acknowledge: resolve });
        }),
    };
  }
}

async function bench(refuse: () => boolean = () => false) {
  const journal = await journals.open();
  const farEnds: FarEnd[] = [];
  const logged: string[] = [];
  const note = (event: string) => void logged.push(event);
  const uplink = new Uplink({
    journal,
    clock: systemClock(),
    windowBytes: 1024 * 1024,
    maxDelay: 0,
    connect: async () => {
      if (refuse()) throw new Error('nobody there');
      const farEnd = new FarEnd();
      farEnds.push(farEnd);
      return farEnd.link;
    },
    onConnected: () => {},
    onDisconnected: () => {},
    onAcknowledged: () => {},
    // The longest wait there may be: whoever waits shows.
    random: () => 0.999,
    log: { info: note, warn: note, error: note },
  });
  const append = (...tags: number[]): void => {
    for (const tag of tags) {
      journal.append(reading(tag));
      uplink.appended(reading(tag));
    }
  };
  uplink.start();
  return { journal, uplink, farEnds, logged, append };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const limit = Date.now() + 30_000; !condition(); ) {
    assert.ok(Date.now() < limit, `waited 30 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

/** All that follows at once from what was done has happened. */
async function eventTurns(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
}

test('is left once all that was sent on it is acknowledged, and each number is sent once', async () => {
  const { journal, uplink, farEnds, logged, append } = await bench();
  await until(() => uplink.isConnected, 'the link stands');
  append(1, 2);
  await until(() => farEnds[0]?.published.length === 1, 'the first batch');
  const message = uplink.publish('result', '{}');
  uplink.renew();
  append(3, 4);
  await turn();
  assert.is(farEnds[0]?.published.length, 1, 'nothing more is sent on it');
  farEnds[0]?.published[0]?.acknowledge();
  await turn();
  assert.is(farEnds[0]?.isClosed, false, 'a message is still unanswered');
  farEnds[0]?.messages[0]?.();
  assert.is(await message, true);
  await until(() => farEnds[1]?.published.length === 1, 'the rest, over the next');
  assert.is(farEnds[0]?.isClosed, true);
  assert.equal(farEnds[1]?.published[0]?.numbers, [2, 3]);
  farEnds[1]?.published[0]?.acknowledge();
  await until(() => journal.held === 0, 'all is acknowledged');
  assert.is(uplink.connections, 2);
  assert.equal(logged, ['uplink-connected', 'uplink-renewed', 'uplink-connected']);
  await uplink.stop();
});

test('with nothing in flight it is left at once, and asked twice it is left once', async () => {
  const { uplink, farEnds } = await bench();
  await until(() => uplink.isConnected, 'the link stands');
  uplink.renew();
  uplink.renew();
  await until(() => farEnds.length === 2 && uplink.isConnected, 'the next stands');
  await turn();
  assert.is(uplink.connections, 2);
  assert.is(farEnds[1]?.isClosed, false);
  await uplink.stop();
});

test('lost before its acknowledgement came, it is a lost link, and what was unacknowledged is sent again', async () => {
  const { journal, uplink, farEnds, logged, append } = await bench();
  await until(() => uplink.isConnected, 'the link stands');
  append(1);
  await until(() => farEnds[0]?.published.length === 1, 'the first batch');
  uplink.renew();
  append(2);
  farEnds[0]?.cut('reset');
  await until(() => farEnds[1]?.published.length === 1, 'the next');
  assert.equal(farEnds[1]?.published[0]?.numbers, [0, 1]);
  farEnds[1]?.published[0]?.acknowledge();
  await until(() => journal.held === 0, 'all is acknowledged');
  append(3);
  await until(() => farEnds[1]?.published.length === 2, 'this one stays');
  assert.equal(logged, ['uplink-connected', 'uplink-lost', 'uplink-connected']);
  await uplink.stop();
});

test('where none stands, the next attempt is made at once', async () => {
  let away = true;
  let attempts = 0;
  const { uplink } = await bench(() => {
    attempts++;
    return away;
  });
  await until(() => attempts > 0, 'the first attempt');
  for (let failures = 1; failures < 6; failures++) {
    await eventTurns();
    const before = attempts;
    uplink.renew();
    await eventTurns();
    // The wait after so many failures is seconds, and no clock has a part in this.
    assert.ok(attempts > before, `the attempt after ${failures} failures`);
  }
  away = false;
  uplink.renew();
  await until(() => uplink.isConnected, 'it stands');
  await uplink.stop();
});

test.run();
