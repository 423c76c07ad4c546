// @long
// Some hundreds of guesses: what is answered, and how many are looked at; `npm run bruteforce` makes 100,000, and times them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TemporaryCloud, temporaryCloud } from '../scenarios/temporary-cloud.ts';
import { type BruteForceRun, bruteForce } from './run.ts';

const test = suite('passwords guessed at');

/** Wrong passwords of one account that are looked at, from everywhere, before one an hour: see cloud/guard. */
const ceiling = 30;

let temporary: TemporaryCloud;
let run: BruteForceRun;
test.before(async () => {
  temporary = await temporaryCloud();
  run = await bruteForce(temporary.cloud, { state: temporary.state, attempts: 600, accounts: 3 });
});
test.after(() => temporary.end());

test('nobody gets in, and most guesses are not even looked at', () => {
  assert.is(run.attempts, 600);
  assert.is(run.entered, 0);
  for (const [which, statuses] of Object.entries(run.statuses)) {
    assert.equal(Object.keys(statuses).sort(), ['401', '429'], which);
  }
  for (const [which, count] of Object.entries(run.checked)) {
    // Those of a moment may all be under way before the first is judged.
    assert.ok(count > 0 && count <= 3 * ceiling, `${which}: ${count}`);
  }
});

test('an account that there is, one without a password and one that there is not get the same answers', () => {
  assert.equal(run.differences, []);
  const { known, invited, unknown } = run.checked;
  // The row begins anew for the one account whose owner logs in meanwhile, on another device than those that guess.
  assert.ok(Math.abs(invited - unknown) <= 3 && Math.abs(known - unknown) <= 3, JSON.stringify(run.checked));
});

test('the owner always gets in on his usual device', () => {
  assert.ok(run.owner.logins >= 20, String(run.owner.logins));
  assert.is(run.owner.refused, 0);
});

test('who administrates is told, once of each account', () => {
  const { email } = temporary.cloud.login;
  assert.equal(Object.keys(run.alarms), [email]);
  assert.ok((run.alarms[email] ?? 0) <= 9, JSON.stringify(run.alarms));
});

test.run();
