import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addsUp, gapsOf, missingOf } from './account-sums.ts';

const test = suite('the sums of an account');

test('it adds up where all that was received is somewhere, and nothing twice', () => {
  assert.is(addsUp({ received: 10, stored: 7, duplicate: 2, rejected: 1 }), true);
  assert.is(addsUp({ received: 10, stored: 7, duplicate: 2, rejected: 0 }), false);
  assert.is(addsUp({ received: 10, stored: 8, duplicate: 2, rejected: 1 }), false);
});

test('gaps are those of all runs, and each counts what is in it by why it is missing', () => {
  const run = { boot: null, received: [], endUnknown: false, health: null };
  const gaps = gapsOf({
    epochs: [
      { ...run, epoch: 'b', gaps: [{ first: 4, last: 4, state: 'coming' }] },
      {
        ...run,
        epoch: 'a',
        gaps: [
          { first: 0, last: 9, state: 'lost' },
          { first: 20, last: 21, state: 'lost' },
          { first: 30, last: 30, state: 'dropped' },
        ],
      },
    ],
  });
  assert.equal(
    gaps.map(({ epoch, first }) => `${epoch} ${first}`),
    ['b 4', 'a 0', 'a 20', 'a 30'],
  );
  assert.equal(
    (['lost', 'coming', 'dropped'] as const).map((state) => missingOf(gaps, state)),
    [12, 1, 1],
  );
});

test.run();
