import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonLog } from '@loadline/sdk/platform';
import { autoDetect } from '@serialport/bindings-cpp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Agent } from './agent.ts';
import { Mode } from './mode.ts';
import { PhysicalAct } from './physical-act.ts';
import type { InForce } from './session.ts';

const test = suite('when the mode is open');

/** What the store says, and whether it was told that all is done. */
interface Told {
  inForce: InForce | undefined;
  isFinished: boolean;
}

let folder: string;
let act: string;
let now: number;
/** How often a mode has asked what is in force: once a look. */
let looks: number;
let logged: string[];
let modes: Mode[];
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-mode-'));
  act = join(folder, 'act');
  now = 0;
  looks = 0;
  logged = [];
  modes = [];
});
test.after.each(async () => {
  for (const mode of modes) await mode.stop();
  await rm(folder, { recursive: true });
});

async function modeOf(told: Told): Promise<Mode> {
  const mode = new Mode({
    ports: [join(folder, 'no-such-tty')],
    binding: autoDetect(),
    agent: {} as Agent,
    flasher: undefined,
    log: jsonLog((line) => logged.push(line), Date.now),
    monotonic: () => now,
    store: {
      get inForce() {
        looks++;
        return told.inForce as never;
      },
      get isFinished() {
        return told.isFinished;
      },
      finish: async () => {
        told.isFinished = true;
      },
    },
    act: await PhysicalAct.open(act, folder),
  });
  modes.push(mode);
  await mode.start();
  return mode;
}

const provisioned = { gatewayId: 'mast-1' } as InForce;

async function until(what: () => boolean): Promise<void> {
  for (const limit = Date.now() + 30_000; !what(); ) {
    assert.ok(Date.now() < limit, `waited 30 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The second look from now on saw all that is so now. */
async function lookedTwice(): Promise<void> {
  const before = looks;
  await until(() => looks >= before + 2);
}

test('nobody’s: open for as long as it takes', async () => {
  const mode = await modeOf({ inForce: undefined, isFinished: true });
  assert.ok(mode.isOpen);
  now = 24 * 3_600_000;
  await until(() => logged.some((line) => line.includes('cannot be opened')));
  await lookedTwice();
  assert.ok(mode.isOpen);
});

test('provisioned to the end: closed', async () => {
  assert.not((await modeOf({ inForce: provisioned, isFinished: true })).isOpen);
});

test('cut off before the end: open, and closed for good after half an hour of silence', async () => {
  const told = { inForce: provisioned, isFinished: false };
  const mode = await modeOf(told);
  assert.ok(mode.isOpen);
  now = 31 * 60_000;
  await until(() => !mode.isOpen);
  assert.ok(told.isFinished);
  assert.not((await modeOf(told)).isOpen);
});

test('the physical act: open until it is done with, however long nobody asks; and not again by itself', async () => {
  await writeFile(act, '1');
  const told = { inForce: provisioned, isFinished: true };
  const mode = await modeOf(told);
  assert.ok(mode.isOpen);
  now = 31 * 60_000;
  await lookedTwice();
  assert.ok(mode.isOpen);
  await mode.done();
  assert.not(mode.isOpen);
  assert.not((await modeOf(told)).isOpen);
});

test.run();
