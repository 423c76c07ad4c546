import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('README');

test('its example runs as it is printed, and ends by itself', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  assert.match(code, 'VirtualPort.open()');
  const example = spawn(
    process.execPath,
    [...process.execArgv, '--input-type=module-typescript', '--eval', code],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['ignore', 'inherit', 'pipe'] },
  );
  let complaints = '';
  example.stderr.on('data', (text) => {
    complaints += text;
  });
  const [exitCode] = await once(example, 'close');
  assert.is(exitCode, 0, complaints);
});

test.run();
