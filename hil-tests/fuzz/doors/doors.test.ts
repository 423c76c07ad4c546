// @long
// Hostile bytes at every door while a client in order delivers through it; `npm run fuzz -- mqtt` and its like send as many as one likes.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { takeInSoftware } from '../../scenarios/software-device.ts';
import { type TemporaryCloud, temporaryCloud } from '../../scenarios/temporary-cloud.ts';
import { freeSocketPorts } from '../../system/index.ts';
import { doors } from './doors.ts';
import { deliverOver } from './https.ts';
import { fuzzDoor } from './run.ts';

const test = suite('hostile bytes at the doors');

const seed = Number(process.env.LOADLINE_SEED ?? 1);
const bytes = 500_000;
/** MiB that the cloud may grow by: what it lets senders leave uncommitted, in several copies, and a heap not collected yet. */
const growth = 250;
/** Milliseconds in which a client in order is served, whatever happens beside it. */
const patience = 10_000;

/** Of each door, some of what the cloud says by name to those who are not in order. */
const wanted: Readonly<Record<string, readonly string[]>> = {
  mqtt: ['connack 0', 'puback'],
  socket: ['OK', 'OK dup', 'ERR line-malformed', 'ERR unauthenticated', 'ERR line-too-long'],
  https: ['413 body-too-large', '431 request-invalid', '400 readings-malformed'],
};

let temporary: TemporaryCloud;
test.before(async () => {
  temporary = await temporaryCloud({ sockets: freeSocketPorts });
});
// It fails where the log holds a secret.
test.after(() => temporary.end());

for (const [name, open] of Object.entries(doors)) {
  test(`${name}: whatever comes, the client in order is served, memory is bounded and every account balances`, async () => {
    const door = await (await open())(temporary.cloud);
    const run = await fuzzDoor(temporary.cloud, door, { bytes, seed });
    assert.equal(run.faults, [], `LOADLINE_SEED=${seed}`);
    const missing = door.attacks.filter((attack) => !((run.attacks[attack.name] ?? 0) > 0));
    assert.equal(missing, []);
    assert.ok(run.bytes >= bytes);
    assert.ok(run.good.delivered > 20 && run.good.most < patience, JSON.stringify(run.good));
    assert.ok(run.memory.most < run.memory.before + growth, JSON.stringify(run.memory));
    assert.equal(
      (wanted[name] ?? ['this test does not know what the door answers']).filter(
        (answer) => !(answer in run.answers),
      ),
      [],
      JSON.stringify(run.answers),
    );
  });
}

test('the control: a client of whose deliveries some do not arrive is found out by its ledger', async () => {
  const { cloud } = temporary;
  const device = 'forgetful';
  const { token } = await takeInSoftware(cloud, device);
  const attacks = [{ name: 'none', weight: 1, carryOut: async () => {} }];
  const faultsOf = async (deliver: () => Promise<void>) =>
    (
      await fuzzDoor(
        cloud,
        { good: { device, deliver, close: () => {} }, attacks, devices: [] },
        { bytes: 100, seed },
      )
    ).faults;
  const deliver = () => deliverOver(cloud, token.secret);
  assert.equal(await faultsOf(deliver), []);
  let turn = 0;
  const [fault, ...others] = await faultsOf(async () => {
    if (++turn > 2) await deliver();
  });
  assert.equal(others, []);
  assert.match(String(fault), /forgetful delivered \d+, and its ledger says/);
});

test('what makes no sense is a usage error that says so', () => {
  const called = (...args: string[]) =>
    spawnSync(process.execPath, [...process.execArgv, join(import.meta.dirname, '../main.ts'), ...args], {
      encoding: 'utf8',
    });
  assert.equal(
    [called('window').status, called('mqtt', 'https').status, called('mqtt', '--bytes', '0').status],
    [2, 2, 2],
  );
  assert.is(called('--help').status, 0);
});

test.run();
