import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noon, TestFleet } from './attacked-fleet.ts';
import { day } from './attacked-repository.ts';
import { mustKnowTheTime } from './trusted-time.ts';

const test = suite<{ fleet: TestFleet }>('the time of trusted releases');

test.before.each(async (context) => {
  context.fleet = await TestFleet.start();
  context.fleet.repository.release('1.4.0');
});
test.after.each(({ fleet }) => fleet.stop());

const known = (wall: number, uncertainty = 1000) =>
  ({ time: { kind: 'known', by: 'system', wall, uncertainty } }) as const;

test('must be vouched for: in 1970 nothing would be out of date, and in 2099 everything', async ({
  fleet,
}) => {
  await fleet.refuses('time-untrusted', /nobody vouches for the time/, {
    time: { kind: 'at-least', wall: noon },
  });
  // The system's clock, which tuf-js asks, is wrong, whoever knows the right time.
  for (const wrong of [0, Date.UTC(2099, 0, 1)]) {
    mock.timers.setTime(wrong);
    await fleet.refuses(
      'time-untrusted',
      /the system's clock says (1970|2099).*and it is 2026.*let the gateway reach a time server/,
    );
    await fleet.refuses('time-untrusted', /nobody vouches/, { time: { kind: 'at-least', wall: noon } });
  }
  assert.equal(fleet.server.asked, []);
  // A voucher that says the same is no better before the software was built.
  mock.timers.setTime(0);
  await fleet.refuses('time-untrusted', /it was later than 2026-11-22T11:59:59.999Z before/, known(0));
  mock.timers.setTime(noon);
  await fleet.update();
});

test('may be an hour off at the system, and what its voucher admits besides', async ({ fleet }) => {
  const hour = 3_600_000;
  for (const off of [hour + 1000, -hour - 1000]) {
    await fleet.update(known(noon + off));
    await fleet.refuses('time-untrusted', /the system's clock/, known(noon + off + Math.sign(off)));
  }
  await fleet.update(known(noon + hour + 60_000, 60_000));
});

test('does not go below what was believed once, whatever the metadata of then would still hold', async ({
  fleet,
}) => {
  fleet.pass(3 * day);
  await fleet.update();
  fleet.pass(-day);
  await fleet.refuses('time-untrusted', /it was later than 2026-11-25T11:59:59.000Z before/);
  // A voucher that is half an hour off is not somebody who turns it back.
  fleet.pass(day - 1_500_000);
  await fleet.update();
});

test('is not raised by who sets all clocks ahead: metadata is out of date then, and soon it is not', async ({
  fleet,
}) => {
  await fleet.update();
  fleet.pass(4000 * day);
  await fleet.refuses('metadata-expired', /is expired/);
  fleet.pass(-4000 * day);
  await fleet.update();
});

test('a floor of 2099, which a clock once left, is none: updates would stop for ever', () => {
  const by = { built: noon - day, system: noon };
  const { time } = known(noon);
  assert.is(mustKnowTheTime(time, { ...by, floor: Date.UTC(2099, 0, 1) }), noon - 1000);
  assert.throws(() => mustKnowTheTime(time, { ...by, floor: noon + day }), /it was later than 2026-11-23/);
});

test.run();
