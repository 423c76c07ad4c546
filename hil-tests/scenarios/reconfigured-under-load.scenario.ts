// @long
import { deepEqual, equal } from 'node:assert/strict';
import { until } from '../rig/index.ts';
import { assertBalanced, elapsed, scenario } from '../scenario/index.ts';
import { desire } from './commands.ts';
import { Counter, countsIn, countsTo } from './counter.ts';

const sensors = (name: string) => [{ tag: '3A10', name, unit: 'kN', overload: { high: 1e9 } }];

export default scenario({
  about:
    'Configurations come from the cloud while frames come without a pause: none is lost by it, none is there twice.',
  needs: ['simulated-radio'],
  async play({ given, when, then, bench }) {
    const { radio, gateway, cloud } = await given('a gateway', () => bench.site());
    const apply = async (configuration: Record<string, unknown>) => {
      const revision = await desire(cloud.organisation, configuration);
      await until(
        async () => {
          await elapsed(100);
          const { reported } = await cloud.organisation.getDesired({ device: gateway.id });
          return reported?.revision === revision && reported.last === undefined;
        },
        { limitMs: 20_000, what: `revision ${revision} is in force` },
      );
    };

    const counter = new Counter(radio);
    await when('it gets four configurations that leave its ports as they are', () =>
      counter.sendWhile(
        5,
        (async () => {
          for (let round = 0; round < 4; round++) await apply({ sensors: sensors(`Hook ${round}`) });
        })(),
      ),
    );
    await then('the ports stay open: no frame is lost, none is there twice', async () => {
      const { health } = await cloud.stored(counter.sent);
      deepEqual(
        countsIn(cloud.readings()).sort((one, other) => one - other),
        countsTo(counter.sent),
      );
      deepEqual([health?.frames, health?.readings], [counter.sent, counter.sent]);
      equal(gateway.log.filter(({ event }) => event === 'port-open').length, 1);
    });

    const other = new Counter(radio, 0x3a11);
    const before = (await cloud.run())?.health?.frames ?? 0;
    await when('it gets two that give its port another name', () =>
      other.sendWhile(
        5,
        (async () => {
          for (const name of ['north', 'south']) await apply({ ports: [{ name, path: radio.path }] });
        })(),
      ),
    );
    await then('what is heard is still accounted for, and nothing is there twice', async () => {
      const { health } = await cloud.accountWhere(
        'all is acknowledged',
        ({ stored }, { frames, readings, journal }) =>
          frames > before && readings === stored && journal.held === 0,
      );
      assertBalanced(health as NonNullable<typeof health>);
      const counts = countsIn(cloud.readings().filter(({ tag }) => tag === 0x3a11));
      equal(new Set(counts).size, counts.length);
    });
  },
});
