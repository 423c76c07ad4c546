import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { account, address, guardParts, hourMs } from './test-parts.ts';

const size = { quiet: 1000, kept: 1000, shared: 64 };

const attempts = fc.array(
  fc.record({
    source: fc.nat(60),
    times: fc.integer({ min: 1, max: 12 }),
    wait: fc.nat(2 * hourMs),
    hang: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
);

test('whoever guesses at a name gets the same answers whether there is such an account or not', () => {
  fc.assert(
    fc.property(attempts, fc.emailAddress(), (list, name) => {
      // The known one has an owner, who logs in on his device in between, and mistypes.
      const answers = [true, false].map((known) => {
        const { guard, clock } = guardParts({
          nameKey: createSecretKey(Buffer.alloc(32, known ? 7 : 8)),
          size,
        });
        const subject = account(known ? 'bob@example.org' : name);
        const device = guard.remember(subject);
        const seen: unknown[] = [];
        for (const { source, times, wait, hang } of list) {
          for (let n = 0; n < times; n++) {
            const answer = guard.ask({ subject, source: address(source) });
            seen.push(answer.go ? 'go' : { ...answer });
            if (answer.go && !hang) guard.failed(answer.permit);
          }
          for (const end of known ? (['failed', 'succeeded'] as const) : []) {
            const own = guard.ask({ subject, source: address(source), device });
            assert.ok(own.go);
            if (own.go) guard[end](own.permit);
          }
          clock.now += wait;
        }
        return seen;
      });
      assert.equal(answers[0], answers[1]);
      assert.ok((answers[0]?.length ?? 0) > 0);
    }),
    { numRuns: 100 },
  );
});

test('a name is kept as a hash under a key, of one length, and differs by kind', () => {
  const { guard } = guardParts();
  const ids = ['', 'a', 'bob@example.org', 'x'.repeat(100_000)].map((name) => guard.hashed(account(name)).id);
  for (const id of ids) assert.match(id, /^[\w-]{22}$/);
  assert.is(new Set(ids).size, ids.length);
  assert.is.not(guard.hashed({ kind: 'socket', name: 'a' }).id, guard.hashed(account('a')).id);
  const other = guardParts({ nameKey: createSecretKey(Buffer.alloc(32, 9)) }).guard;
  assert.is.not(other.hashed(account('a')).id, ids[1]);
});

test.run();
