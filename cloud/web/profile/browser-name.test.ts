import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { browserName } from './browser-name.ts';

const test = suite('names of browsers');

const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';

test('a browser is known by its name, though it says those of others too', () => {
  const linux = 'Mozilla/5.0 (X11; Linux x86_64)';
  assert.is(browserName(`${linux} ${webkit} Chrome/140.0.0.0 Safari/537.36`), 'Chrome on Linux');
  assert.is(
    browserName(`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webkit} Chrome/140.0 Safari/537.36 Edg/140.0`),
    'Edge on Windows',
  );
  assert.is(
    browserName(`${linux.replace('64)', '64; rv:140.0)')} Gecko/20100101 Firefox/140.0`),
    'Firefox on Linux',
  );
  assert.is(
    browserName(
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    ),
    'Safari on iPhone',
  );
  assert.is(
    browserName(`Mozilla/5.0 (Linux; Android 14) ${webkit} Chrome/140.0 Mobile Safari/537.36`),
    'Chrome on Android',
  );
});

test('a program is what it says first, and what says nothing is unknown', () => {
  assert.is(browserName('loadline/0.1.0'), 'loadline');
  assert.is(browserName('node'), 'node');
  assert.is(browserName(''), 'unknown');
});

test.run();
