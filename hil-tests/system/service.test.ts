import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Service } from './service.ts';

const test = suite('a service that is told of secrets');

const folder = mkdtempSync(join(tmpdir(), 'loadline-service-'));
test.after(() => rmSync(folder, { recursive: true }));

let programs = 0;
function service(source: string): Service {
  programs += 1;
  const file = join(folder, `program-${programs}.mjs`);
  writeFileSync(
    file,
    `setInterval(() => {}, 1000);\nprocess.on('SIGTERM', () => process.exit(0));\n${source}`,
  );
  return new Service({ name: 'program', file, args: [] });
}

const ready = `console.log(JSON.stringify({ event: 'ready' }));`;

test('ends in order where none of them stood in what it printed', async () => {
  const one = service(ready);
  one.watchFor('hunter2-hunter2', 'a password');
  await one.line('ready');
  assert.equal(await one.stop(), { code: 0, signal: null });
});

test('fails where one stood in a line of its log, whether it was told of before that or after', async () => {
  const leaking = `console.log(JSON.stringify({ event: 'login', tried: 'hunter2-hunter2' }));${ready}`;
  for (const early of [true, false]) {
    const one = service(leaking);
    if (early) one.watchFor('hunter2-hunter2', 'a password');
    await one.line('ready');
    one.watchFor('hunter2-hunter2', 'a password');
    const said = await one.stop().catch((error: Error) => error.message);
    assert.is(said, 'program: its log holds a password');
  }
});

test('fails where one stood in its errors', async () => {
  const one = service(`console.error('cannot read hunter2-hunter2');${ready}`);
  one.watchFor('hunter2-hunter2', 'a password');
  await one.line('ready');
  const said = await one.stop().catch((error: Error) => error.message);
  assert.is(said, 'program: its log holds a password');
});

test.run();
