// @long
// EXPERIMENTAL: a command from the cloud to a T24 module. It leaves once, as it must, where it may, and never to all.
import type { CloudError } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ModuleAnswer, VirtualBaseStation, VirtualModules, type VirtualPort } from '../rig/index.ts';
import { Adapters } from './adapters.ts';
import { type Command, outcomeOf } from './commands.ts';
import { Counter } from './counter.ts';
import { gatewayId, Site } from './site.ts';

const test = suite('transmit');

const answers = new Map<number, ModuleAnswer>([
  [2, 'nak'],
  [3, 'timeout'],
  [4, 'dataInvalid'],
]);
/** While this module is being told, the link to the cloud breaks. */
const inTheMiddle = 5;

let adapters: Adapters;
let site: Site;
let allowed: VirtualPort;
/** The modules of the port that may send, and of the one that says nothing of it. */
let modules: VirtualModules;
let others: VirtualModules;

test.before(async () => {
  adapters = await Adapters.open();
  allowed = await adapters.plugIn('allowed');
  const usual = await adapters.plugIn('usual');
  site = await Site.open({
    link: 'proxied',
    sections: {
      ports: [
        { name: 'allowed', path: allowed.path, transmit: true },
        { name: 'usual', path: usual.path },
      ],
    },
  });
  await site.said('port-open', 1, 'allowed');
  await site.said('port-open', 1, 'usual');
  const answer = (to: number): ModuleAnswer => {
    if (to === inTheMiddle) site.proxy?.reset();
    return answers.get(to) ?? 'ack';
  };
  modules = new VirtualModules(new VirtualBaseStation(allowed), allowed, { answer });
  others = new VirtualModules(new VirtualBaseStation(usual), usual);
});

test.after(async () => {
  await site.close();
  await adapters.close();
});

const tell = (to: number, over: Partial<Extract<Command, { kind: 'transmit' }>> = {}) =>
  outcomeOf(site.cloud.organisation, {
    kind: 'transmit',
    port: 'allowed',
    base: 1,
    to,
    action: 'wake',
    ...over,
  });

/** What has left since, and what was left over of it. */
function sent(before: number): string[] {
  assert.is(modules.noiseBytes, 0);
  return modules.received.slice(before).map(({ base, hex }) => `${base} ${hex}`);
}

test('is off unless the port says otherwise: refused, and nothing is sent', async () => {
  const { state, detail } = await tell(0x1225df, { port: 'usual' });
  assert.equal(
    [state, detail],
    ['refused', 'transmission is off: the port usual does not say transmit = true'],
  );
  assert.equal(others.received, []);
});

test('where it is on, the base station gets exactly the packet, once, and the answer comes back', async () => {
  const { state, detail } = await tell(0x1225df);
  assert.equal([state, detail], ['done', 'the module acknowledged it']);
  assert.equal(sent(0), ['1 061225df3200']);
  const before = modules.received.length;
  await tell(0x1225df, { action: 'sleep' });
  await tell(0x1225df, { action: 'stay-awake' });
  assert.equal(sent(before), ['1 061225df3800', '1 061225df3a00']);
});

test('what the module or its base station says instead is the result', async () => {
  const results = [];
  for (const to of answers.keys()) results.push(await tell(to));
  assert.equal(
    results.map(({ state, detail }) => `${state}: ${detail}`),
    [
      'failed: the module refused it (NAK)',
      'failed: the base station had no answer of the module (timeout)',
      'failed: the module found its data invalid',
    ],
  );
});

test('a link that breaks before the result has arrived: it is told on the next, and the module was told once', async () => {
  const before = modules.received.length;
  const { state } = await tell(inTheMiddle);
  assert.is(state, 'done');
  assert.equal(sent(before), ['1 060000053200']);
  assert.is(site.gateway.log.filter(({ event }) => event === 'uplink-connected').length, 2);
});

test('never to every module, and no pause: the cloud does not even take it', async () => {
  const before = modules.received.length;
  const { organisation } = site.cloud;
  const refusals = [
    { kind: 'transmit', port: 'allowed', base: 1, to: 0xffffff, action: 'wake' },
    { kind: 'transmit', port: 'allowed', base: 1, to: 0x1225df, action: 'pause' },
  ].map((command) =>
    organisation
      .createCommand({ device: gatewayId, body: { command: command as Command, expiresInSeconds: 30 } })
      .then(
        () => 'taken',
        (error: CloudError) => error.status,
      ),
  );
  assert.equal(await Promise.all(refusals), [400, 400]);
  assert.equal(sent(before), []);
});

test('while the adapter is away it fails, and nothing of it comes out when the adapter is back', async () => {
  const before = modules.received.length;
  await allowed.unplug();
  await site.said('port-lost', 1, 'allowed');
  const { state, detail } = await tell(0x1225df);
  assert.equal([state, detail], ['failed', 'the port allowed is not open']);
  await allowed.replug();
  await site.said('port-open', 2, 'allowed');
  await new Counter(allowed).send(1);
  await site.accountWhere('it is heard again', (run) => run.stored > 0);
  assert.equal(sent(before), []);
});

test('answers are frames like any other in the account, and every outcome is an event', async () => {
  const { health } = await site.accountWhere('all is counted', (_, { other }) => other === 7);
  assert.is(health?.other, 7);
  const told = (await site.events()).filter((event) => event.startsWith('command-'));
  const count = (code: string) => told.filter((event) => event.startsWith(code)).length;
  assert.equal([count('command-done'), count('command-failed'), count('command-refused')], [4, 4, 1]);
  assert.equal(others.received, []);
});

test('of many commands a few are events, and one more says how many there were', async () => {
  const lines = () => site.gateway.log.filter(({ event }) => event === 'command-done');
  const [before, said] = [lines().length, lines().at(-1)?.detail];
  for (let index = 0; index < 12; index++) assert.is((await tell(0x1225df)).state, 'done');
  await site.gateway.stop();
  const after = lines().slice(before);
  const times = after.map(({ detail }) =>
    Number(/^(\d+) more within a minute/.exec(String(detail))?.[1] ?? 1),
  );
  assert.is(
    times.reduce((sum, each) => sum + each, 0),
    12,
    `${said}, then ${JSON.stringify(after)}`,
  );
  assert.ok(after.length < 12);
});

test.run();
