// @long
// @time-limit 180 s
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchivedDelivery, readDeliveries } from '@loadline/cloud';
import { entriesOf } from '@loadline/sdk/telemetry';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judge } from './judge.ts';
import { type CrashRun, crash } from './run.ts';
import { gatewayId } from './site.ts';

const test = suite('npm run crash');

/** The gateway is killed a while after its link went, both at work, and the cloud while a backlog drains. */
const seed = Number(process.env.LOADLINE_SEED ?? 35);
const cycles = 3;

let run: CrashRun;
let deliveries: readonly ArchivedDelivery[] = [];

/** Judges the same run by a record of which something was changed. */
function judged(doctor: (delivery: ArchivedDelivery) => readonly ArchivedDelivery[]) {
  return judge(deliveries.flatMap(doctor), run.evidence);
}

/** The last delivery of a gateway that brought readings, and how many: nothing of it is too young to be missed. */
function lastOf(gateway: string) {
  const readings = ({ batch }: ArchivedDelivery) =>
    entriesOf(batch).filter(({ kind }) => kind === 'reading').length;
  const delivery = deliveries.findLast(
    (each) => each.device === gateway && readings(each) > 0 && each.fresh.length > 0,
  );
  assert.ok(delivery);
  const fresh = delivery.fresh.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  assert.is(fresh, delivery.batch.count, 'all of it is new');
  return { delivery, readings: readings(delivery) };
}

test.before(async () => {
  run = await crash({
    cycles,
    seed,
    rate: 200,
    say: (text) => console.log(text),
    signal: new AbortController().signal,
  });
  deliveries = [...readDeliveries(join(run.folder, 'cloud'))];
});

test.after(() => {
  if (run !== undefined) rmSync(run.folder, { recursive: true });
});

test('killed under load at any moment, gateway and cloud lose nothing and store nothing twice', () => {
  const { verdict, kills, died } = run;
  assert.equal(
    [verdict.lost, verdict.duplicated, verdict.foreign, died],
    [0, 0, 0, []],
    JSON.stringify(run.verdict),
  );
  assert.is(run.cycles, cycles);
  assert.ok(kills.gateway + kills.cloud >= cycles);
  assert.ok(verdict.ackedByClient > 0 && verdict.ackedByClient <= verdict.storedOfClient);
  assert.ok(verdict.ackedByGateway <= verdict.storedOfGateway);
  const gone = verdict.unflushed + verdict.unheard + verdict.declaredDropped;
  assert.ok(verdict.storedOfGateway + gone >= run.sent, 'every frame that was sent is accounted for');
});

test('the control: of a record that lacks a delivery, its readings are lost', () => {
  for (const gateway of [gatewayId, run.evidence.client.gateway]) {
    const { delivery, readings } = lastOf(gateway);
    const { lost, duplicated } = judged((each) => (each === delivery ? [] : [each]));
    assert.equal([lost, duplicated], [readings, 0], gateway);
  }
});

test('the control: a delivery that stands there twice is counted, reading by reading', () => {
  for (const gateway of [gatewayId, run.evidence.client.gateway]) {
    const { delivery, readings } = lastOf(gateway);
    const { lost, duplicated } = judged((each) => (each === delivery ? [each, each] : [each]));
    assert.equal([lost, duplicated], [0, readings], gateway);
  }
});

test('the control: what a gateway declares dropped is not lost, and what it does not declare is', () => {
  const { delivery, readings } = lastOf(gatewayId);
  const { first, count, epoch } = delivery.batch;
  const declared = [...run.evidence.declared, { epoch, first, last: first + count - 1 }];
  const without = deliveries.filter((each) => each !== delivery);
  const { lost, declaredDropped } = judge(without, { ...run.evidence, declared });
  assert.equal([lost, declaredDropped], [0, run.verdict.declaredDropped + count]);
  assert.is(judged((each) => (each === delivery ? [] : [each])).lost, readings);
});

test('the control: with a flush time that the gateway does not keep, its judge sees what was not flushed', () => {
  const { unflushed, oldestUnflushedMs } = run.verdict;
  assert.ok(unflushed > 0, 'a kill without the link costs what is younger than the flush time');
  const strict = judge(deliveries, { ...run.evidence, safeAfterMs: oldestUnflushedMs / 2 });
  assert.ok(strict.lost > 0);
  assert.is(strict.lost + strict.unflushed, unflushed);
});

test('what makes no sense is a usage error that says so', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const called = (...args: string[]) =>
    spawnSync(process.execPath, [...process.execArgv, main, ...args], { encoding: 'utf8' });
  assert.equal([called('--cycles', '0').status, called('--cycel', '3').status], [2, 2]);
  assert.match(called('--seed', 'x').stderr, '--seed x: it must be a whole number');
  assert.is(called('--help').status, 0);
});

/** A process that this one has started, by a word of its command line. */
function childWith(word: string): number | undefined {
  const children = readdirSync('/proc').filter((pid) => {
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      // It is no process, or none any more.
      return false;
    }
  });
  return children.length === 0 ? undefined : Number(children[0]);
}

for (const [name, word] of [
  ['gateway', 'gateway.mjs'],
  ['cloud', 'cloud/main.ts'],
] as const) {
  test(`a ${name} that ends by itself ends the run, which says so`, async () => {
    const strike = setInterval(() => {
      const pid = childWith(word);
      // Not while the site is being made: there is no run yet.
      if (pid !== undefined && childWith('gateway.mjs') !== undefined) process.kill(pid, 'SIGKILL');
    }, 200);
    try {
      await crash({ cycles: 1, seed, rate: 200, say: () => {}, signal: AbortSignal.abort() });
      assert.unreachable('it was judged');
    } catch (error) {
      const { message } = error as Error;
      assert.match(message, `the ${name} ended by itself (SIGKILL)`);
      const [, folder] = /all of it is in (\S+)$/.exec(message) ?? [];
      rmSync(String(folder), { recursive: true });
    } finally {
      clearInterval(strike);
    }
  });
}

test.run();
