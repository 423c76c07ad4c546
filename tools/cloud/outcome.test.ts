import { CloudError, UnreachableError } from '@loadline/sdk/client';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CalledWrongly, judge, NotLoggedIn } from './outcome.ts';

const test = suite('what a command ends with');

test('each kind of failure has its own code, and words that say what to do', () => {
  assert.equal(judge(new CalledWrongly('say which')), { code: 2, words: 'say which' });
  assert.equal(judge(new NotLoggedIn('log in')), { code: 3, words: 'log in' });
  const unreachable = judge(new UnreachableError('https://x', new Error('refused')));
  assert.equal(unreachable, { code: 3, words: 'https://x cannot be reached: refused' });
  assert.equal(judge(new CloudError(403, 'forbidden', 'no')), { code: 1, words: 'no (forbidden)' });
  assert.equal(judge(new CloudError(429, 'too-many-attempts', 'wait', 9)), {
    code: 1,
    words: 'wait (too-many-attempts); try again in 9 s',
  });
  const ended = judge(new CloudError(401, 'unauthenticated', 'it has ended'));
  assert.is(ended.code, 3);
  assert.match(ended.words, /loadline login/);
});

test.run();
