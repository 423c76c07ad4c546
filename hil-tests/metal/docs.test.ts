import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadScenario } from '../hil/load.ts';
import { publishedScenarios } from '../hil/published.ts';
import type { Ability, Bench } from '../scenario/index.ts';
import { ConsoleBench } from './console-bench.ts';
import { SiteBench } from './site-bench.ts';

const test = suite('the page on metal');

const options = { artefacts: '/nowhere' };
const baud = 115_200;
const loop = { kind: 'loop', port: '/dev/null', gateway: '/dev/zero', baud } as const;
const station = { kind: 'base-station', port: '/dev/null', baud, driver: 't24' } as const;
const unplugged = { by: 'usb', file: '/nowhere' } as const;
const nobody = { by: 'nobody' } as const;
/** What of this machine a bench may lack: the page says so in words. */
const ofTheMachine: readonly Ability[] = ['gateway-clock'];

test('it says of each scenario on which bench it is played', async () => {
  const owner = { LOADLINE_URL: 'https://localhost:1', LOADLINE_TOKEN: 'x' };
  const elsewhere = new ConsoleBench(
    { kind: 'console', port: '/dev/null', console: '/dev/zero', baud },
    options,
    owner,
  );
  const expected: string[] = [];
  for (const file of publishedScenarios()) {
    const { needs } = await loadScenario(file);
    const can = (bench: Bench) =>
      needs.every((ability) => ofTheMachine.includes(ability) || bench.lacks(ability) === undefined);
    const cell = (by: (unplugging: typeof unplugged | typeof nobody) => Bench) => {
      if (can(by(nobody))) return 'played';
      return can(by(unplugged)) ? 'unplug' : '';
    };
    expected.push(
      [
        `\`${file.name}\``,
        cell((unplugging) => new SiteBench({ ...loop, unplugging }, options)),
        cell((unplugging) => new SiteBench({ ...station, unplugging }, options)),
        cell(() => elsewhere),
      ].join(' | '),
    );
  }
  const page = readFileSync(new URL('../../docs/metal.md', import.meta.url), 'utf8');
  const said = [...page.matchAll(/^\| (`[\w-]+` \|[^|]*\|[^|]*\|[^|]*)\|.*\|$/gm)].map(([, cells = '']) =>
    cells
      .split('|')
      .map((one) => one.trim())
      .join(' | '),
  );
  assert.equal(said, expected);
});

test.run();
