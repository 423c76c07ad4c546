// @long
// A link that stays away for longer than the gateway can hold what it hears: the oldest goes, and is accounted for.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { gatewayId, Site } from './site.ts';

const test = suite('journal full');

/** The smallest journal there is: some ten thousand readings. */
const journalBytes = 65_536;

let site: Site;
let counter: Counter;
/** Readings, by the gateway's line a second. */
let heard = 0;

test.before(async () => {
  site = await Site.open({ link: 'proxied', sections: { journal: { max_bytes: journalBytes } } });
  site.gateway.onLine(({ event, readings }) => {
    if (event === 'progress') heard = Number(readings);
  });
  counter = new Counter(site.port);
});

test.after(() => site.close());

test('what the journal could not hold is declared, the newest is kept, and the rest goes on as ever', async () => {
  await counter.send(10);
  await site.stored(10);
  await site.proxy?.set({ newConnections: 'refuse' });
  site.proxy?.reset();
  await site.gateway.line('uplink-lost');
  for (let piece = 0; piece < 100; piece++) {
    await counter.send(200);
    await site.port.drained();
  }
  await until(() => heard >= counter.sent, { limitMs: 20_000, what: 'the gateway has heard all of it' });
  await site.proxy?.set({ newConnections: 'accept' });
  await counter.send(5);
  const account = await site.accountWhere(
    'all that is held is stored',
    ({ stored }, { readings, journal }) =>
      // An event that stood among the readings is dropped with them, and is none.
      readings === counter.sent && journal.held === 0 && stored + journal.dropped >= readings,
  );
  const dropped = counter.sent - account.stored;
  assert.ok((account.health?.journal.dropped ?? 0) <= dropped + 10);
  assert.ok(dropped > 1000 && dropped < 19_990, `${dropped} dropped`);
  assert.is(account.duplicate, 0);
  const kept = countsTo(counter.sent).filter((count) => count < 10 || count >= 10 + dropped);
  assert.equal(countsIn(site.readings()), kept);
});

test('the cloud shows the gap, and that it will not be filled', async () => {
  const { epochs, readings } = await site.cloud.organisation.getLedger({ device: gatewayId });
  const dropped = counter.sent - readings.stored;
  const gaps = epochs[0]?.gaps ?? [];
  assert.equal(
    gaps.filter(({ state }) => state !== 'dropped'),
    [],
  );
  // Events that stood among the readings went with them.
  const gone = gaps.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  assert.ok(dropped > 1000 && gone >= dropped && gone <= dropped + 10, `${gone} of ${dropped}`);
});

test.run();
