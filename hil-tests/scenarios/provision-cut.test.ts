// @long
// @time-limit 600 s
// The cable cut or unplugged, the tool or the gateway killed, at each step of a provisioning: the board is always
// unprovisioned or provisioned, and running it again succeeds.
import { rm } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { type Told, type ToolRun, Workbench } from './workbench.ts';

const test = suite('a provisioning that is cut');

let bench: Workbench;
let token: string;
let count = 0;

test.before(async () => {
  bench = await Workbench.prepare({ wait: 1 });
  token = await bench.token('technician');
});
test.after(async () => {
  await bench.close();
});

/** Steps before the rename of the commit, and those after it. */
const before = ['own', 'hear', 'key', 'certificate', 'write', 'read'];
const after = ['trial', 'record', 'keep'];

/** What the board says of itself now. */
async function described(): Promise<Told> {
  const { path } = bench.cable.left;
  const { events, errors } = await bench.start(['provision', 'find', '--port', path, '--json']).ended;
  const found = events.find(({ event }) => event === 'gateway');
  if (found === undefined) throw new Error(`nobody answers: ${JSON.stringify(events)} ${errors}`);
  return found.description as Told;
}

/** Begins with a board that is nobody's; `spoil` is done at a step of its provisioning. */
async function spoiled(
  step: string,
  state: 'begun' | 'done',
  spoil: (tool: ToolRun) => Promise<void> | void,
): Promise<{ id: string; site: string; ended: Awaited<ToolRun['ended']> }> {
  await rm(bench.site, { recursive: true, force: true });
  await bench.act(true);
  await bench.startGateway();
  const id = `cut-${++count}`;
  const site = await bench.siteFile(id, '', `${id}.toml`);
  const tool = bench.startProvision(site, token);
  await tool.told(`${step} ${state}`, (event) => event.step === step && event.state === state);
  await spoil(tool);
  const ended = await tool.ended;
  return { id, site, ended };
}

/** It is one of the two, as is wanted; running it again makes it what was ordered, and it delivers. */
async function mended(id: string, site: string, wanted: readonly string[]): Promise<void> {
  const { state, gateway } = await described();
  assert.ok(wanted.includes(String(state)), `it is ${state} ${JSON.stringify(gateway)}`);
  const { code, result } = await bench.provision(site, token);
  assert.is(code, 0, JSON.stringify(result));
  await bench.stored(id, 1);
  const { items } = await bench.cloud.organisation.listProvisionings({ device: id });
  assert.is(items.length > 0, true, 'the cloud has a record');
  await bench.stopGateway();
}

const one = ['unprovisioned'];
const other = ['provisioned'];

for (const step of [...before, 'commit', ...after]) {
  test(`the cable is unplugged at ${step}`, async () => {
    const { id, site, ended } = await spoiled(step, 'begun', () => bench.cable.left.unplug());
    assert.is(ended.result?.event, 'result');
    assert.is.not(ended.code, null);
    await bench.cable.left.replug();
    await mended(id, site, step === 'commit' ? [...one, ...other] : before.includes(step) ? one : other);
  });
}

for (const step of ['key', 'write', 'commit', 'trial']) {
  test(`the tool is killed at ${step}`, async () => {
    const { id, site } = await spoiled(step, 'begun', ({ child }) => void child.kill('SIGKILL'));
    await mended(id, site, step === 'commit' ? [...one, ...other] : before.includes(step) ? one : other);
  });

  test(`the gateway is killed at ${step}`, async () => {
    const { id, site, ended } = await spoiled(step, 'begun', async () => {
      await bench.stopGateway('SIGKILL');
      await bench.startGateway();
    });
    assert.is.not(ended.code, 0);
    await mended(id, site, step === 'commit' ? [...one, ...other] : before.includes(step) ? one : other);
  });
}

test('the cable is unplugged at the goodbye: all that counts is done', async () => {
  const { id, ended } = await spoiled('close', 'begun', () => bench.cable.left.unplug());
  assert.is(ended.code, 0, JSON.stringify(ended.result));
  await bench.stored(id, 1);
  await bench.cable.left.replug();
  await bench.stopGateway();
});

test('a plug that was knocked out and is in again in time is waited for, and all goes on where it was', async () => {
  const { id, ended } = await spoiled('hear', 'begun', async (tool) => {
    await bench.cable.left.unplug();
    await tool.told('the line is gone', ({ says }) => String(says).includes('is gone'));
    await bench.cable.left.replug();
  });
  assert.is(ended.code, 0, JSON.stringify(ended.result));
  assert.ok(ended.events.some(({ says }) => String(says).includes('is back')));
  await bench.stored(id, 1);
  await until(() =>
    bench.gateway.log.some(({ event, state }) => event === 'provisioning-mode' && state === 'closed'),
  );
  await bench.stopGateway();
});

test.run();
