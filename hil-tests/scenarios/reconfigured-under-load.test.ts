// @long
// Configurations from the cloud while frames come without a pause: none is lost by it, none is there twice.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { desire } from './commands.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { assertBalanced, elapsed, gatewayId, Site } from './site.ts';

const test = suite('reconfigured under load');

const sensors = (name: string) => [{ tag: '3A10', name, unit: 'kN', overload: { high: 1e9 } }];

let site: Site;

test.before(async () => {
  site = await Site.open();
});

test.after(() => site.close());

async function apply(configuration: Record<string, unknown>): Promise<void> {
  const revision = await desire(site.cloud.organisation, configuration);
  await until(
    async () => {
      await elapsed(100);
      const { reported } = await site.cloud.organisation.getDesired({ device: gatewayId });
      return reported?.revision === revision && reported.last === undefined;
    },
    { limitMs: 20_000, what: `revision ${revision} is in force` },
  );
}

test('where the ports stay as they are, they stay open: no frame is lost, none is there twice', async () => {
  const counter = new Counter(site.port);
  await counter.sendWhile(
    5,
    (async () => {
      for (let round = 0; round < 4; round++) await apply({ sensors: sensors(`Hook ${round}`) });
    })(),
  );
  const { health } = await site.stored(counter.sent);
  assert.equal(
    countsIn(site.readings()).sort((one, other) => one - other),
    countsTo(counter.sent),
  );
  assert.is(health?.frames, counter.sent);
  assert.is(health?.readings, counter.sent);
  assert.is(site.gateway.log.filter(({ event }) => event === 'port-open').length, 1);
});

test('where they do not, what is heard is still accounted for', async () => {
  const counter = new Counter(site.port, 0x3a11);
  const before = (await site.run())?.health?.frames ?? 0;
  await counter.sendWhile(
    5,
    (async () => {
      for (const name of ['north', 'south']) await apply({ ports: [{ name, path: site.port.path }] });
    })(),
  );
  const { health } = await site.accountWhere(
    'all is acknowledged',
    ({ stored }, { frames, readings, journal }) =>
      frames > before && readings === stored && journal.held === 0,
  );
  assertBalanced(health as NonNullable<typeof health>);
  const counts = countsIn(site.readings().filter(({ tag }) => tag === 0x3a11));
  assert.is(new Set(counts).size, counts.length);
});

test.run();
