import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('examples in the docs');
const root = join(import.meta.dirname, '../..');

function examplesIn(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/^```toml\n(.*?)^```$/gms)].map(([, example = '']) => example);
}

const [whole = '', ...others] = [...examplesIn('docs/gateway.md'), ...examplesIn('docs/drivers.md')].sort(
  (a, b) => Number(b.includes('[gateway]')) - Number(a.includes('[gateway]')),
);
const port = /^\[\[ports\]\]\n(?:.+\n)+/m;

/** What a reader makes of an example and the whole file: its ports instead of the others, its options in the port. */
function laidOver(example: string): string {
  if (example.startsWith('[ports.options]'))
    return whole.replace(port, (of) => `${of}driver = "so"\n${example}`);
  return `${port.test(example) ? whole.replace(port, '') : whole}\n${example}`;
}

test('the shortest one can be used as it stands', () => {
  const { config } = parseConfig(whole, '/etc/loadline/gateway.toml');
  assert.is(config.uplink.authority, '/etc/loadline/authority.pem');
  assert.is(config.ports.length, 1);
});

test('each of the others can be used with it', () => {
  assert.is(others.length, 5);
  for (const example of others) {
    const { config } = parseConfig(laidOver(example), '/etc/loadline/gateway.toml');
    assert.ok(config.ports.length >= 1);
  }
});

test('the jobs for CI are those of the project to copy, which are played', () => {
  const jobs = [...readFileSync(join(root, 'docs/hil.md'), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)];
  const played = ['.github/workflows/hil.yml', '.gitlab-ci.yml'].map((path) =>
    readFileSync(join(root, 'hil-tests/examples', path), 'utf8'),
  );
  assert.equal(
    jobs.map(([, job]) => job),
    played,
  );
});

test.run();
