import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadDriver } from './index.ts';

const test = suite("an integrator's driver");

const folder = mkdtempSync(join(tmpdir(), 'loadline-drivers-'));
test.after(() => rmSync(folder, { recursive: true }));

function written(name: string, source: string): string {
  const module = join(folder, name);
  writeFileSync(module, source);
  return module;
}

async function refusal(name: string, module: string): Promise<string> {
  try {
    await loadDriver({ name, module });
  } catch (error) {
    return (error as Error).message;
  }
  return 'it was loaded';
}

test('as docs/drivers.md writes it, is loaded and reads its lines, in whatever pieces they come', async () => {
  const page = readFileSync(new URL('../../docs/drivers.md', import.meta.url), 'utf8');
  const [, source] = /```js\n(.*?)```/s.exec(page) ?? [];
  assert.ok(source, 'docs/drivers.md has a block of js');
  const driver = await loadDriver({ name: 'crane-scale', module: written('crane-scale.mjs', source ?? '') });
  assert.throws(() => driver.open({}), /options\.tag must be a number/);

  const decoder = driver.open({ tag: 0x0100 });
  const decoded = [...Buffer.from('W 0012.50 S\nnoise\nW 0012.75 M\nW 00')].flatMap((byte) =>
    decoder.push(Uint8Array.of(byte)),
  );
  const measurement = (value: number, status: number) => ({
    kind: 'frame',
    bytes: 12,
    content: {
      kind: 'measurement',
      base: 0,
      tag: 0x0100,
      value: { type: 'float64', value },
      flags: 0,
      status,
      quality: { kind: 'none' },
    },
  });
  assert.equal(decoded, [
    measurement(12.5, 0),
    { kind: 'discarded', bytes: 6, reason: 'notALine' },
    measurement(12.75, 2),
  ]);
  assert.is(decoder.held, 4);
  assert.equal(decoder.stalled(), [{ kind: 'discarded', bytes: 4, reason: 'notALine' }]);
  assert.equal(
    decoder.push(new Uint8Array(100)).map(({ bytes }) => bytes),
    [32, 32, 32],
  );
  assert.is(decoder.held, 4);
});

test('that is not there, cannot be parsed or throws is refused by name and reason', async () => {
  assert.match(
    await refusal('own', join(folder, 'none.mjs')),
    /^driver "own" of .*none\.mjs cannot be used: it cannot/,
  );
  assert.match(await refusal('own', written('broken.mjs', 'export default {')), 'it cannot be loaded');
  assert.match(await refusal('own', written('throws.mjs', 'throw new Error("no licence")')), 'no licence');
  assert.match(await refusal('own', written('empty.mjs', 'export const a = 1;')), 'it has no default export');
  assert.match(await refusal('t24', written('shadow.mjs', 'export default {}')), "driver of Loadline's own");
});

test('that lacks anything is told all of it', async () => {
  const message = await refusal(
    'own',
    written(
      'poor.mjs',
      'export default { name: "other", transport: { kind: "hid", vendorId: "x" }, encode: 1 }',
    ),
  );
  for (const part of [
    '`name` must be "own", as [[drivers]] says, and is "other"',
    '`label` must say',
    '`support` must be "supported", "by-manual", "untested", and is missing',
    '`transport.vendorId` must be a whole number, and is "x"',
    '`transport.productId` must be a whole number, and is missing',
    '`open` must be a function',
    '`encode` must be a function',
  ]) {
    assert.match(message, part);
  }
  const own = (decoder: string) =>
    `export default { name: 'own', label: 'x', support: 'untested', transport: { kind: 'serial' }, open: () => (${decoder}) }`;
  const driver = await loadDriver({
    name: 'own',
    module: written('decoder.mjs', own('{ held: 1, push() {} }')),
  });
  assert.throws(
    () => driver.open({}),
    /`held` of a fresh decoder must be 0; `stalled` of its decoder must be/,
  );
});

test.run();
