// Spoilt configurations; `npm run fuzz -- config` throws as many as one likes.
import { parseConfig, withDesired } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fuzzConfig, type Readers } from './run.ts';

const test = suite('spoilt configurations');

const seed = Number(process.env.LOADLINE_SEED ?? 1);

test('are read whole, or refused with place and reason; from the cloud never what only the file may say', async () => {
  const run = await fuzzConfig({ bytes: 80_000, seed });
  assert.equal(run.faults, [], `LOADLINE_SEED=${seed}`);
  assert.ok(run.blocks.all > run.blocks.first && run.kept > 10, JSON.stringify(run));
  for (const outcome of [
    'file: accepted',
    'file: refused',
    'file: no TOML',
    'cloud: accepted',
    'cloud: refused',
  ])
    assert.ok((run.outcomes[outcome] ?? 0) > 0, `${outcome}: ${JSON.stringify(run.outcomes)}`);
});

/** Readers that are not in order, and what is said of them. */
const broken: readonly (readonly [string, Partial<Readers>, RegExp])[] = [
  [
    'fails in words of its own',
    {
      parseConfig: (text, file) => {
        if (!text.includes('[uplink]')) throw new TypeError('no uplink');
        return parseConfig(text, file);
      },
    },
    /TypeError: no uplink/,
  ],
  [
    'lets the cloud name another authority',
    {
      withDesired: (local, desired) => {
        const checked = withDesired(local, desired);
        if ('problems' in checked) return checked;
        const { config } = checked;
        return { config: { ...config, uplink: { ...config.uplink, authority: '/tmp/mine.pem' } } };
      },
    },
    /only the gateway's own file may say/,
  ],
  [
    'lets the cloud switch transmission on',
    {
      withDesired: (local, desired) => {
        const checked = withDesired(local, desired);
        if ('problems' in checked) return checked;
        const ports = checked.config.ports.map((port) => ({
          ...port,
          name: `${port.name}2`,
          transmit: true,
        }));
        return { config: { ...checked.config, ports } };
      },
    },
    /switched transmission on/,
  ],
];

for (const [what, readers, says] of broken) {
  test(`the control: a reader that ${what} is found out`, async () => {
    const { faults } = await fuzzConfig({
      ...{ bytes: 15_000, seed },
      readers: { parseConfig, withDesired, ...readers },
    });
    assert.match(faults[0] ?? 'nothing was found', says);
  });
}

test.run();
