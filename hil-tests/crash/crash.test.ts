// @long
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchivedReading, readReadings } from '@loadline/cloud';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judge } from './judge.ts';
import { type CrashRun, crash } from './run.ts';
import { gatewayId } from './site.ts';

const test = suite('npm run crash');

/** The gateway is killed a while after its link went, both at work, and the cloud while a backlog drains. */
const seed = Number(process.env.LOADLINE_SEED ?? 37_514);
const cycles = 3;

let run: CrashRun;
let readings: readonly ArchivedReading[] = [];

/** Judges the same run by a record of which something was changed. */
function judged(doctor: (reading: ArchivedReading) => readonly ArchivedReading[]) {
  return judge(readings.flatMap(doctor), run.evidence);
}

/** Readings of a gateway that were the last to come, of numbers without a gap: none of them is too young to be missed. */
function lastOf(gateway: string): readonly ArchivedReading[] {
  const own = readings.filter(({ device }) => device === gateway);
  const newest = own.reduce((latest, { arrival }) => Math.max(latest, arrival), 0);
  const together = own.filter(({ arrival }) => arrival === newest).sort((a, b) => a.number - b.number);
  const broken = together.findLastIndex(
    ({ number, epoch }, at) =>
      at > 0 && (together[at - 1]?.number !== number - 1 || together[at - 1]?.epoch !== epoch),
  );
  const last = together.slice(Math.max(0, broken));
  assert.ok(last.length > 0);
  return last;
}

test.before(async () => {
  run = await crash({
    cycles,
    seed,
    side: 'any',
    rate: 200,
    say: (text) => console.log(text),
    signal: new AbortController().signal,
  });
  readings = [...readReadings(join(run.folder, 'cloud'))];
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
  assert.ok(verdict.ackedByClient <= verdict.storedOfClient);
  for (const door of ['mqtt', 'https', 'socket']) assert.ok((verdict.ackedByDoor[door] ?? 0) > 0, door);
  assert.ok(verdict.ackedByGateway <= verdict.storedOfGateway);
  const gone = verdict.unflushed + verdict.unheard + verdict.declaredDropped;
  assert.ok(verdict.storedOfGateway + gone >= run.sent, 'every frame that was sent is accounted for');
});

test('the control: of a record that lacks a delivery, its readings are lost', () => {
  for (const gateway of [gatewayId, ...run.evidence.clients.map(({ device }) => device)]) {
    const last = lastOf(gateway);
    const { lost, duplicated } = judged((each) => (last.includes(each) ? [] : [each]));
    assert.equal([lost, duplicated], [last.length, 0], gateway);
  }
});

test('the control: a delivery that stands there twice is counted, reading by reading', () => {
  for (const gateway of [gatewayId, ...run.evidence.clients.map(({ device }) => device)]) {
    const last = lastOf(gateway);
    const { lost, duplicated } = judged((each) => (last.includes(each) ? [each, each] : [each]));
    assert.equal([lost, duplicated], [0, last.length], gateway);
  }
});

test('the control: what a gateway declares dropped is not lost, and what it does not declare is', () => {
  const last = lastOf(gatewayId);
  const [{ epoch, number: first }] = last as [ArchivedReading];
  const declared = [...run.evidence.declared, { epoch, first, last: first + last.length - 1 }];
  const without = readings.filter((each) => !last.includes(each));
  const { lost, declaredDropped } = judge(without, { ...run.evidence, declared });
  assert.equal([lost, declaredDropped], [0, run.verdict.declaredDropped + last.length]);
  assert.is(judged((each) => (last.includes(each) ? [] : [each])).lost, last.length);
});

test('the control: with a flush time that the gateway does not keep, its judge sees what was not flushed', () => {
  const { unflushed, oldestUnflushedMs } = run.verdict;
  assert.ok(unflushed > 0, 'a kill without the link costs what is younger than the flush time');
  const strict = judge(readings, { ...run.evidence, safeAfterMs: oldestUnflushedMs / 2 });
  assert.ok(strict.lost > 0);
  assert.is(strict.lost + strict.unflushed, unflushed);
});

test('what makes no sense is a usage error that says so', () => {
  const main = join(import.meta.dirname, 'main.ts');
  const called = (...args: string[]) =>
    spawnSync(process.execPath, [...process.execArgv, main, ...args], { encoding: 'utf8' });
  assert.equal(
    [called('--cycles', '0').status, called('--cycel', '3').status, called('--side', 'x').status],
    [2, 2, 2],
  );
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
      await crash({ cycles: 1, seed, side: 'any', rate: 200, say: () => {}, signal: AbortSignal.abort() });
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
