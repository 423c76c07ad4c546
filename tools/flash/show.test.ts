// What a person reads at the end.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ResultEvent } from './events.ts';
import { humanReport } from './show.ts';

const test = suite('what is told');

const written: ResultEvent = {
  ...{ event: 'result', result: 'written', exitCode: 0, to: 'sdb', bytesWritten: 4e8, seconds: 40 },
  ...{ readBack: 'from-the-disk', site: null, release: null, serialNumber: null, says: null, act: null },
};

function told(event: ResultEvent): string {
  let text = '';
  humanReport(
    () => {},
    (said) => {
      text += said;
    },
    false,
  )(event);
  return text;
}

test('what was wrong in several lines is told in several lines, and none of them moves a cursor', () => {
  const says = 'site.toml:3: one\nsite.toml:4: two\u001b[2J';
  assert.is(
    told({ ...written, result: 'site-refused', says, act: 'correct it' }),
    '✗ site.toml:3: one\nsite.toml:4: two\u{FFFD}[2J\n  correct it\n',
  );
});

test('a card is to be taken out, and a file is not', () => {
  assert.match(told({ ...written, act: 'take the card out now' }), '\n  take the card out now\n');
  assert.not.match(told(written), 'null');
});

test.run();
