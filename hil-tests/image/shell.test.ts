import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { question } from './shell.ts';

const test = suite('the question to a shell on a serial port');
const mark = 'de247845f52fcaf5';

test('is a script wherever it begins: a line that is none would end the shell', () => {
  const asked = question(mark);
  for (let lost = 0; lost < asked.length; lost++) {
    const heard = asked.slice(lost);
    const { status, stderr } = spawnSync('sh', ['-n'], { input: heard, encoding: 'utf8' });
    assert.is(status, 0, `${JSON.stringify(heard)}: ${stderr}`);
  }
});

test('holds its own answer nowhere, since it is echoed', () => {
  assert.not.match(question(mark), `ready ${mark}`);
});

test.run();
