import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { prepareCommand } from './prepare.ts';

const test = suite('preparing a kit');

for (const [what, words] of [
  ['a serial number with a space', ['--serial', 'S1 mast-9', '--id', 'mast-8', '--out', 'kit.json']],
  ['an id that is none', ['--serial', 'S1', '--id', 'Mast 8', '--out', 'kit.json']],
  [
    'a place that nothing can be put in',
    ['--serial', 'S1', '--id', 'mast-8', '--out', '/no/such/folder/kit.json'],
  ],
] as const) {
  test(`${what} is called wrongly, before any cloud is asked`, async () => {
    const url = process.env.LOADLINE_URL;
    process.env.LOADLINE_URL = 'https://localhost:1';
    process.env.LOADLINE_TOKEN = 'none';
    try {
      await prepareCommand().parseAsync([...words], { from: 'user' });
      assert.is(process.exitCode, 2);
    } finally {
      process.exitCode = 0;
      delete process.env.LOADLINE_TOKEN;
      if (url === undefined) delete process.env.LOADLINE_URL;
      else process.env.LOADLINE_URL = url;
    }
  });
}

test.run();
