import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dayMs, done, openSite, type Site } from './test-parts.ts';

const test = suite('what is kept of the use of tokens, and of attempts');

let site: Site;
let start = 0;
let block = 0;
test.before(async () => {
  site = await openSite();
});
test.after(() => site.close());
// Each in days, and from sources, of its own: what was before has faded.
test.before.each(() => {
  site.clock.now += 3 * dayMs;
  start = site.clock.now;
  block += 1;
});

async function made() {
  const wanted = { name: 'logger', scopes: ['live.get'], devices: null, tags: null, days: 30 };
  return done(await site.tokens.create(await site.maker(site.people.ann), wanted));
}

/** Everything gathered is on disk. */
async function settled() {
  await site.uses.flush();
  await site.authentications.flush();
}

async function uses(chain: string | null) {
  await settled();
  return (await site.entries(chain))
    .filter(({ action, at }) => action === 'token.use' && at >= start)
    .reverse();
}

const from = (n: number) => ({ source: `10.${block}.${n >> 8}.${n & 255}` });

test('the last use is kept, and written at most once a minute', async () => {
  const { token, value } = await made();
  const used = async () => {
    await settled();
    return (await site.store.read('apiToken', { id: token.id }))?.used;
  };
  assert.is(await used(), null);
  await site.bearers.principal(value, from(0));
  assert.is(await used(), start);
  site.clock.now += 59_999;
  await site.bearers.principal(value, from(0));
  assert.is(await used(), start);
  site.clock.now += 1;
  await site.bearers.principal(value, from(0));
  assert.is(await used(), start + 60_000);
});

test('a use changes nobody’s rights: no session is asked again because of it', async () => {
  const { value } = await made();
  const before = site.store.changes;
  await site.bearers.principal(value, from(0));
  await settled();
  assert.is(site.store.changes, before);
});

test('the first use from each source is in the organisation’s log, with the address beside the chain', async () => {
  const { token, value } = await made();
  for (const source of [from(0), from(0), from(1), from(1), from(0)]) {
    await site.bearers.principal(value, source);
    site.clock.now += 60_000;
  }
  const entries = await uses('first');
  assert.equal(
    entries.map(({ actor, outcome, personal }) => [actor, outcome, personal]),
    [from(0), from(1)].map((source) => [{ kind: 'token', id: token.id }, 'done', source]),
  );
});

test('one that goes on being used is told of once an hour and source', async () => {
  const { value } = await made();
  const told: number[] = [];
  for (let minute = 0; minute < 150; minute += 10) {
    for (const source of [from(0), from(1)]) await site.bearers.principal(value, source);
    told.push((await uses('first')).length);
    site.clock.now += 600_000;
  }
  assert.equal(told, [2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 6, 6, 6]);
});

test('a token that is used from everywhere at once is told of in a few entries, and no use is left out', async () => {
  const { value } = await made();
  for (let n = 0; n < 50; n++) await site.bearers.principal(value, from(n));
  const entries = await uses('first');
  assert.equal(
    entries.map(({ after }) => (after as { attempts: number }).attempts),
    [1, 1, 1, 47],
  );
  const last = entries.at(-1)?.personal as { sources: string[] } | null | undefined;
  assert.equal(
    last?.sources,
    [42, 43, 44, 45, 46, 47, 48, 49].map((n) => from(n).source),
  );
});

test('one that ended is in the organisation’s log when it is used, with the reason', async () => {
  const { token, value } = await made();
  done(await site.tokens.revoke(await site.maker(site.people.ann), token.id));
  await site.bearers.principal(value, from(0));
  const [entry, ...more] = await uses('first');
  assert.equal(more, []);
  assert.equal(
    [entry?.outcome, entry?.code, entry?.target, entry?.after, entry?.personal],
    ['refused', 'revoked', { kind: 'token', id: token.id }, { attempts: 1 }, from(0)],
  );
});

test('garbage is in the log of the fleet: the first at once, the others of a minute as one', async () => {
  for (let n = 0; n < 20; n++) await site.bearers.principal(`rubbish-${n}`, from(0));
  const entries = await uses(null);
  assert.is(entries.length <= 4, true, JSON.stringify(entries));
  const attempts = entries.reduce((sum, { after }) => sum + (after as { attempts: number }).attempts, 0);
  assert.is(attempts, 20);
  assert.not(JSON.stringify(entries).includes('rubbish'));
  assert.is(entries[0]?.code, 'malformed');
});

test('a flood from very many sources grows the log by a bounded number of entries a minute', async () => {
  for (let n = 0; n < 3000; n++) await site.bearers.principal('rubbish', from(n));
  const entries = await uses(null);
  assert.ok(entries.length < 80, `${entries.length}`);
  const attempts = entries.reduce((sum, { after }) => sum + (after as { attempts: number }).attempts, 0);
  assert.is(attempts, 3000);
});

test('a minute later it is told anew', async () => {
  const shoot = () => site.bearers.principal('rubbish', from(0));
  await shoot();
  await shoot();
  site.clock.now += 60_000;
  site.authentications.tick();
  await shoot();
  const counts = (await uses(null)).map(({ after }) => (after as { attempts: number }).attempts);
  assert.equal(counts, [1, 1, 1]);
});

test('a program may make many requests at once', async () => {
  const { value } = await made();
  const many = Array.from({ length: 50 }, () => site.bearers.principal(value, from(0)));
  for (const { kind } of await Promise.all(many)) assert.is(kind, 'principal');
});

test('whoever sends garbage is held up, and a good token from the same source is not', async () => {
  const { value } = await made();
  const answers: string[] = [];
  for (let n = 0; n < 60; n++) answers.push((await site.bearers.principal('rubbish', from(0))).kind);
  assert.ok(answers.includes('held'));
  assert.is((await site.bearers.principal(value, from(0))).kind, 'principal');
});

test('a script that goes on with a token that was revoked is told to stay away', async () => {
  const { token, value } = await made();
  done(await site.tokens.revoke(await site.maker(site.people.ann), token.id));
  const answers: string[] = [];
  for (let n = 0; n < 10; n++) answers.push((await site.bearers.principal(value, from(0))).kind);
  assert.is(answers[0], 'refused');
  assert.is(answers.at(-1), 'held');
});

test.run();
