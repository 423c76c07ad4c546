// @long
// @time-limit 150 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { CloudError } from '@loadline/sdk/client';
import { type ModuleAnswer, VirtualBaseStation, VirtualModules } from '../rig/index.ts';
import { scenario } from '../scenario/index.ts';
import { type Command, outcomeOf } from './commands.ts';
import { Counter } from './counter.ts';

const answers = new Map<number, ModuleAnswer>([
  [2, 'nak'],
  [3, 'timeout'],
  [4, 'dataInvalid'],
]);
/** While this module is being told, the link to the cloud breaks. */
const inTheMiddle = 5;

export default scenario({
  about:
    'EXPERIMENTAL: a command goes from the cloud to a T24 module. It leaves once, as it must, where it may, and never to all.',
  needs: ['simulated-radio', 'adapters', 'network-faults', 'kill-gateway'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench }) {
    const {
      radio: allowed,
      adapters,
      gateway,
      cloud,
      network,
    } = await given('a port that may send, and one that says nothing of it', () =>
      bench.site({
        link: 'proxied',
        gateway: 'prepared',
        ports: [
          { name: 'allowed', path: 'allowed', transmit: true },
          { name: 'usual', path: 'usual' },
        ],
        adapters: ['allowed'],
      }),
    );
    const usual = await adapters.plugIn('usual');
    const answer = (to: number): ModuleAnswer => {
      if (to === inTheMiddle) network.reset();
      return answers.get(to) ?? 'ack';
    };
    const modules = new VirtualModules(new VirtualBaseStation(allowed), allowed, { answer });
    const others = new VirtualModules(new VirtualBaseStation(usual), usual);
    await gateway.start();
    await gateway.said('uplink-connected');
    for (const subject of ['allowed', 'usual']) await gateway.said('port-open', { subject });

    const tell = (to: number, over: Partial<Extract<Command, { kind: 'transmit' }>> = {}) =>
      outcomeOf(cloud.organisation, {
        kind: 'transmit',
        port: 'allowed',
        base: 1,
        to,
        action: 'wake',
        ...over,
      });
    /** What has left since. */
    const sentSince = (before: number) => {
      equal(modules.noiseBytes, 0);
      return modules.received.slice(before).map(({ base, hex }) => `${base} ${hex}`);
    };

    const off = await when('a module is to be woken over the port that says nothing of sending', () =>
      tell(0x1225df, { port: 'usual' }),
    );
    await then('that is refused, and nothing is sent', () => {
      const why = 'transmission is off: the port usual does not say transmit = true';
      deepEqual([off.state, off.detail], ['refused', why]);
      deepEqual(others.received, []);
    });

    const woken = await when('it is to be woken over the port that may send', () => tell(0x1225df));
    await then('the base station gets exactly the packet, once, and the answer comes back', () => {
      deepEqual([woken.state, woken.detail], ['done', 'the module acknowledged it']);
      deepEqual(sentSince(0), ['1 061225df3200']);
    });
    const beforeSleep = modules.received.length;
    await when('it is told to sleep, and to stay awake', async () => {
      await tell(0x1225df, { action: 'sleep' });
      await tell(0x1225df, { action: 'stay-awake' });
    });
    await then('each leaves as its own packet', () =>
      deepEqual(sentSince(beforeSleep), ['1 061225df3800', '1 061225df3a00']),
    );

    const results: string[] = [];
    await when('modules are told that refuse, do not answer, or find the data invalid', async () => {
      for (const to of answers.keys()) {
        const { state, detail } = await tell(to);
        results.push(`${state}: ${detail}`);
      }
    });
    await then('what the module or its base station says is the result', () =>
      deepEqual(results, [
        'failed: the module refused it (NAK)',
        'failed: the base station had no answer of the module (timeout)',
        'failed: the module found its data invalid',
      ]),
    );

    const beforeBreak = modules.received.length;
    const broken = await when('the link breaks before the result has arrived', () => tell(inTheMiddle));
    await then('it is told on the next link, and the module was told once', () => {
      equal(broken.state, 'done');
      deepEqual(sentSince(beforeBreak), ['1 060000053200']);
      equal(gateway.log.filter(({ event }) => event === 'uplink-connected').length, 2);
    });

    const beforeAll = modules.received.length;
    const statuses = await when('all modules are to be woken, and one is to pause', () => {
      const commands = [
        { kind: 'transmit', port: 'allowed', base: 1, to: 0xffffff, action: 'wake' },
        { kind: 'transmit', port: 'allowed', base: 1, to: 0x1225df, action: 'pause' },
      ] as unknown as Command[];
      return Promise.all(
        commands.map((command) =>
          cloud.organisation
            .createCommand({ device: gateway.id, body: { command, expiresInSeconds: 30 } })
            .then(
              () => 'taken',
              (error: CloudError) => error.status,
            ),
        ),
      );
    });
    await then('the cloud does not even take it', () => {
      deepEqual(statuses, [400, 400]);
      deepEqual(sentSince(beforeAll), []);
    });

    const beforeAway = modules.received.length;
    const away = await when('the adapter is away while a module is to be told', async () => {
      await allowed.unplug();
      await gateway.said('port-lost', { subject: 'allowed' });
      return await tell(0x1225df);
    });
    await then('it fails, and nothing of it comes out when the adapter is back', async () => {
      deepEqual([away.state, away.detail], ['failed', 'the port allowed is not open']);
      await allowed.replug();
      await gateway.said('port-open', { subject: 'allowed', times: 2 });
      await new Counter(allowed).send(1);
      await cloud.accountWhere('it is heard again', (run) => run.stored > 0);
      deepEqual(sentSince(beforeAway), []);
    });

    await then(
      'answers are frames like any other in the account, and every outcome is an event',
      async () => {
        const { health } = await cloud.accountWhere('all is counted', (_, { other }) => other === 7);
        equal(health?.other, 7);
        const told = await cloud.events();
        const count = (code: string) => told.filter((event) => event.startsWith(code)).length;
        deepEqual([count('command-done'), count('command-failed'), count('command-refused')], [4, 4, 1]);
        deepEqual(others.received, []);
      },
    );

    const lines = () => gateway.log.filter(({ event }) => event === 'command-done');
    const saidBefore = lines().length;
    const many = 12;
    await when(`a module is told ${many} times, and the gateway is stopped`, async () => {
      for (let index = 0; index < many; index++) equal((await tell(0x1225df)).state, 'done');
      await gateway.stop();
    });
    await then('a few are events of their own, and one more says how many there were', () => {
      const after = lines().slice(saidBefore);
      const times = after.map(({ detail }) =>
        Number(/^(\d+) more within a minute/.exec(String(detail))?.[1] ?? 1),
      );
      equal(
        times.reduce((sum, each) => sum + each, 0),
        many,
        JSON.stringify(after),
      );
      ok(after.length < many);
    });
  },
});
