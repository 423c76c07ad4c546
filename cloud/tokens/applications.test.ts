import { Secret } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { may } from '../access/index.ts';
import type { WantedKey } from './application-keys.ts';
import type { Held } from './index.ts';
import { dayMs, done, here, openSite, type Site } from './test-parts.ts';

const test = suite('applications and their keys');

let site: Site;
test.before(async () => {
  site = await openSite();
});
test.after(() => site.close());

const wanted: WantedKey = { name: 'live', devices: null, tags: null, topics: null, days: null };

async function ofAnn(over: Partial<WantedKey> = {}, devices: string[] | null = null) {
  const ann = await site.maker(site.people.ann);
  const name = `application ${Math.random()}`;
  const application = done(await site.applications.create(ann, { name, devices }));
  const { key, secret } = done(
    await site.applicationKeys.create(ann, application.id, { ...wanted, ...over }),
  );
  return { ann, application, key, secret };
}

const codeOf = (result: { kind: string; code?: string }) =>
  result.kind === 'refused' ? result.code : 'done';
const device = (id: string, tag?: number, organisation = 'first') =>
  ({
    of: 'device',
    organisation: { id: organisation },
    device: { id, department: null, customer: null },
    ...(tag !== undefined && { tag }),
  }) as const;

const authenticate = (id: string, secret: string, from: { source: string }) =>
  site.holders.authenticate(id, new Secret(secret), from);

test('key and secret prove the application; a wrong secret, an unknown key and one of another shape do not', async () => {
  const { key, secret, application } = await ofAnn();
  const held = await authenticate(key.id, secret, here);
  assert.is(held?.principal.application, application.id);
  const other = await ofAnn();
  for (const [id, value] of [
    [key.id, other.secret],
    [key.id, ''],
    [key.id, `${secret}A`],
    [`app_${'A'.repeat(24)}`, secret],
    ['', ''],
  ] as const) {
    assert.is(await authenticate(id, value, { source: '192.0.2.99' }), undefined, id);
  }
});

test('it opens readings and events of what both it and its application may follow', async () => {
  const { key, secret } = await ofAnn({ devices: ['mast'], tags: ['25DF'] }, ['mast', 'crane']);
  const { principal } = (await authenticate(key.id, secret, here)) as Held;
  assert.ok(may(principal, 'live.get', device('mast', 0x25df)).allowed);
  assert.ok(may(principal, 'events.get', device('mast')).allowed);
  assert.not(may(principal, 'live.get', device('mast', 0x25de)).allowed);
  assert.not(may(principal, 'live.get', device('crane', 0x25df)).allowed);
  assert.not(may(principal, 'live.get', device('mast', 0x25df, 'second')).allowed);
  assert.not(may(principal, 'readings.get', device('mast', 0x25df)).allowed);
});

test('when its application loses a device, the key follows it no more', async () => {
  const { ann, application, key } = await ofAnn({ devices: ['mast'] }, ['mast', 'crane']);
  done(await site.applications.patch(ann, application.id, { devices: ['crane'] }));
  const held = (await site.holders.again([key.id])).get(key.id);
  assert.equal([...(held?.principal.standing.reach.devices ?? [])], []);
});

test('inactive, revoked, expired, or with its application gone, it is good no more', async () => {
  const good = async (id: string) => (await site.holders.again([id])).has(id);
  const { ann, application, key } = await ofAnn({ days: 2 });
  const at = { application: application.id, id: key.id };
  assert.ok(await good(key.id));
  done(await site.applicationKeys.patch(ann, at, { status: 'inactive' }));
  assert.not(await good(key.id));
  done(await site.applicationKeys.patch(ann, at, { status: 'active' }));
  assert.ok(await good(key.id));
  site.clock.now += 2 * dayMs;
  assert.not(await good(key.id));
  const second = await ofAnn();
  const { id } = second.key;
  done(await site.applicationKeys.revoke(second.ann, second.application.id, id));
  assert.not(await good(id));
  const again = { application: second.application.id, id };
  assert.is(codeOf(await site.applicationKeys.patch(second.ann, again, { status: 'active' })), 'conflict');
  const third = await ofAnn();
  done(await site.applications.remove(third.ann, third.application.id));
  assert.not(await good(third.key.id));
});

test('a key whose version is forgotten after a leak is good no more', async () => {
  const { key, secret } = await ofAnn();
  await site.keys.rotate('derive');
  assert.ok(await authenticate(key.id, secret, here));
  await site.keys.forget('derive', [key.version]);
  assert.is(await authenticate(key.id, secret, here), undefined);
  assert.is((await site.holders.again([key.id])).size, 0);
});

test('guesses at a key do not lock its owner out, and are in his organisation’s log', async () => {
  const { key, secret } = await ofAnn();
  for (let n = 0; n < 200; n++) {
    await authenticate(key.id, 'A'.repeat(43), { source: `203.0.113.${n}` });
  }
  assert.ok(await authenticate(key.id, secret, here));
  await site.authentications.flush();
  const entries = await site.entries('first');
  const told = entries.filter(({ target, outcome }) => target?.id === key.id && outcome === 'refused');
  assert.ok(told.length > 0);
  assert.not(JSON.stringify(entries).includes(secret));
});

test('who acts for a part makes applications of that part only, and keys of no more than the application', async () => {
  const ben = await site.maker(site.people.ben);
  const make = async (devices: string[] | null) =>
    codeOf(await site.applications.create(ben, { name: `${devices}`, devices }));
  assert.equal(
    [await make(null), await make(['mast', 'crane']), await make(['theirs']), await make(['no-such'])],
    Array.from({ length: 4 }, () => 'more-than-own'),
  );
  const own = done(await site.applications.create(ben, { name: 'own', devices: ['mast'] }));
  const keys = site.applicationKeys;
  assert.is(codeOf(await keys.create(ben, own.id, { ...wanted, devices: ['crane'] })), 'more-than-own');
  assert.is(codeOf(await keys.create(ben, own.id, wanted)), 'done');
  assert.is(codeOf(await site.applications.patch(ben, own.id, { devices: null })), 'more-than-own');
  assert.is(codeOf(await site.applications.patch(ben, own.id, { name: 'renamed' })), 'done');
});

test('who does not reach all of an application does not see it, nor its keys', async () => {
  const { application, key } = await ofAnn({}, ['mast', 'crane']);
  for (const maker of [await site.maker(site.people.ben), await site.maker(site.people.cleo, 'second')]) {
    const page = { after: undefined, limit: 100 };
    const { items } = await site.applications.list(maker, page);
    assert.not(items.some(({ id }) => id === application.id));
    assert.is(await site.applications.application(maker, application.id), undefined);
    const { applicationKeys: keys } = site;
    const answers = [
      await keys.create(maker, application.id, wanted),
      await keys.list(maker, application.id, page),
      await keys.key(maker, application.id, key.id),
      await keys.patch(maker, { application: application.id, id: key.id }, { name: 'x' }),
      await keys.revoke(maker, application.id, key.id),
      await site.applications.patch(maker, application.id, { name: 'x' }),
      await site.applications.remove(maker, application.id),
    ];
    assert.equal(
      answers.map(codeOf),
      answers.map(() => 'not-found'),
    );
  }
});

test('a key of one application is not found under another', async () => {
  const { ann, key } = await ofAnn();
  const other = await ofAnn();
  assert.is(codeOf(await site.applicationKeys.key(ann, other.application.id, key.id)), 'not-found');
  assert.is(codeOf(await site.applicationKeys.revoke(ann, other.application.id, key.id)), 'not-found');
  assert.ok((await site.holders.again([key.id])).has(key.id));
});

test('a key that a token makes ends with that token, and is limited to its tags', async () => {
  const { application } = await ofAnn({}, ['mast']);
  const scopes = ['application-keys.create', 'live.get', 'events.get'];
  const asked = { name: 'builder', scopes, devices: ['mast'], tags: ['25DF'], days: 3 };
  const made = done(await site.tokens.create(await site.maker(site.people.ann), asked));
  const maker = await site.byToken(made.value);
  assert.is(codeOf(await site.applicationKeys.create(maker, application.id, wanted)), 'more-than-own');
  const { key } = done(
    await site.applicationKeys.create(maker, application.id, { ...wanted, tags: ['25DF'] }),
  );
  assert.is(key.expires, made.token.expires);
});

test('a name is taken once in an organisation, and free in another', async () => {
  const ann = await site.maker(site.people.ann);
  const cleo = await site.maker(site.people.cleo, 'second');
  const both = { name: 'board', devices: null };
  assert.equal(
    [
      codeOf(await site.applications.create(ann, both)),
      codeOf(await site.applications.create(ann, both)),
      codeOf(await site.applications.create(cleo, both)),
    ],
    ['done', 'conflict', 'done'],
  );
});

test.run();
