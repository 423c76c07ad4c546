import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { may } from '../access/index.ts';
import { step } from '../store/index.ts';
import { mintToken } from './index.ts';
import { dayMs, done, here, openSite, type Site } from './test-parts.ts';

const test = suite('what an API token opens, and until when');

let site: Site;
test.before(async () => {
  site = await openSite();
});
test.after(() => site.close());

/** For what changes more than tokens. */
async function anew() {
  await site.close();
  site = await openSite();
}

const wanted = { name: 'logger', scopes: ['live.get'], devices: null, tags: null, days: 30 };
const first = { id: 'first' };
const device = (id: string, department: string | null, tag?: number) =>
  ({
    of: 'device',
    organisation: first,
    device: { id, department, customer: null },
    ...(tag !== undefined && { tag }),
  }) as const;

/** A token of Ann's, who administrates the organisation. */
async function ofAnn(over: Partial<typeof wanted> | object = {}) {
  return done(await site.tokens.create(await site.maker(site.people.ann), { ...wanted, ...over }));
}

async function shown(value: string, source = here) {
  return await site.bearers.principal(value, source);
}

async function principal(value: string) {
  const answer = await shown(value);
  if (answer.kind !== 'principal') throw new Error(answer.kind);
  return answer.principal;
}

test('it opens what it was made for, and nothing else that its creator may do', async () => {
  const { value, token } = await ofAnn({ scopes: ['live.get', 'device.*'] });
  const bearer = await principal(value);
  assert.is(bearer.id, token.id);
  assert.is(bearer.creator, site.people.ann);
  assert.ok(may(bearer, 'live.get', device('mast', site.departments.pier)).allowed);
  assert.ok(may(bearer, 'device.patch', device('mast', site.departments.pier)).allowed);
  assert.equal(may(bearer, 'readings.get', device('mast', site.departments.pier)), {
    allowed: false,
    code: 'forbidden',
  });
  assert.equal(may(bearer, 'live.get', { of: 'organisation', organisation: { id: 'second' } }), {
    allowed: false,
    code: 'not-found',
  });
});

test('neither it nor a hash of it is in the database, the log, or the list', async () => {
  const { value } = await ofAnn();
  await principal(value);
  await site.uses.flush();
  const rows = await site.store.read('apiTokens', {
    organisation: 'first',
    status: null,
    creator: null,
    afterCreated: -1,
    afterId: '',
    limit: 10,
  });
  const kept = JSON.stringify([rows, await site.entries('first'), await site.entries(null)]);
  assert.not(kept.includes(value));
  for (const part of value.split('.').slice(2)) assert.not(kept.includes(part));
});

test('devices and tags limit it', async () => {
  const { value } = await ofAnn({ devices: ['mast'], tags: ['25DF'] });
  const bearer = await principal(value);
  const { pier, quay } = site.departments;
  assert.ok(may(bearer, 'live.get', device('mast', pier, 0x25df)).allowed);
  assert.not(may(bearer, 'live.get', device('mast', pier, 0x25de)).allowed);
  assert.not(may(bearer, 'live.get', device('crane', quay, 0x25df)).allowed);
});

test('nobody makes one that may do or reach more than himself, and the log says that he tried', async () => {
  await anew();
  const ben = await site.maker(site.people.ben);
  const refusals = [
    { scopes: ['all.*'] },
    { scopes: ['all.read'] },
    { scopes: ['live.get', 'readings.get'] },
    { devices: ['crane'] },
    { devices: ['mast', 'theirs'] },
    { devices: ['no-such-device'] },
  ];
  for (const over of refusals) {
    const result = await site.tokens.create(ben, { ...wanted, ...over });
    assert.is(result.kind === 'refused' && result.code, 'more-than-own', JSON.stringify(over));
  }
  const codes = (await site.entries('first')).filter(({ outcome }) => outcome === 'refused');
  assert.is(codes.length, refusals.length);
  done(await site.tokens.create(ben, { ...wanted, devices: ['mast'] }));
});

test("it reaches no further than its creator's departments", async () => {
  const ben = await site.maker(site.people.ben);
  const { value } = done(await site.tokens.create(ben, wanted));
  const bearer = await principal(value);
  assert.ok(may(bearer, 'live.get', device('mast', site.departments.pier)).allowed);
  assert.not(may(bearer, 'live.get', device('crane', site.departments.quay)).allowed);
});

test('a demoted creator demotes it, at once; one who is promoted does not widen it', async () => {
  await anew();
  const { ann, ben } = site.people;
  const { value } = await ofAnn({ scopes: ['live.get', 'devices.create'] });
  const as = (person: string, role: string) =>
    site.store.change({
      steps: [
        step('setMember', { organisation: 'first', person, role, reach: 'organisation', customer: null }),
      ],
      audit: [],
    });
  await as(ann, 'viewer');
  assert.equal([...(await principal(value)).standing.scopes], ['live.get']);
  const own = done(await site.tokens.create(await site.maker(ben), wanted));
  await as(ben, 'administrator');
  assert.equal([...(await principal(own.value)).standing.scopes], ['live.get']);
});

test('a creator who leaves ends it, and coming back does not bring it back', async () => {
  await anew();
  const { value } = await ofAnn();
  const remove = step('removeMember', { organisation: 'first', person: site.people.ann }, 'some');
  await site.store.change({ steps: [remove], audit: [] });
  assert.equal(await shown(value), { kind: 'refused' });
  site.clock.now += 1;
  const { ann: person } = site.people;
  const back = {
    organisation: 'first',
    person,
    called: '',
    created: site.clock.now,
    arrived: site.clock.now,
  } as const;
  await site.store.change({
    steps: [
      step('addMember', { ...back, role: 'administrator', reach: 'organisation', customer: null }, 'some'),
    ],
    audit: [],
  });
  assert.equal(await shown(value), { kind: 'refused' });
  assert.is((await shown((await ofAnn()).value)).kind, 'principal');
});

async function policies(over: { tokenDays?: number; secondFactor?: 'everyone' }) {
  const usual = { name: 'First', isolation: 'basic', secondFactor: 'not-required', tokenDays: 365 } as const;
  const set = {
    organisation: 'first',
    auditDays: 730,
    sockets: 'off',
    readingsDays: null,
    certificateGraceDays: 0,
    updates: 'on',
    ...usual,
    ...over,
  } as const;
  await site.store.change({ steps: [step('setOrganisation', set)], audit: [] });
}

test('a second factor that is asked for and missing withholds it', async () => {
  const { value } = await ofAnn();
  await policies({ secondFactor: 'everyone' });
  assert.equal(may(await principal(value), 'live.get', device('mast', site.departments.pier)), {
    allowed: false,
    code: 'second-factor-required',
  });
  await policies({});
});

test('inactive, it opens nothing until it is active again; revoked, never again', async () => {
  const ann = await site.maker(site.people.ann);
  const { value, token } = await ofAnn();
  done(await site.tokens.patch(ann, token.id, { status: 'inactive' }));
  assert.equal(await shown(value), { kind: 'refused' });
  done(await site.tokens.patch(ann, token.id, { status: 'active' }));
  assert.is((await shown(value)).kind, 'principal');
  done(await site.tokens.revoke(ann, token.id));
  assert.equal(await shown(value), { kind: 'refused' });
  const again = await site.tokens.patch(ann, token.id, { status: 'active' });
  assert.is(again.kind === 'refused' && again.code, 'conflict');
  done(await site.tokens.revoke(ann, token.id));
  assert.equal(await shown(value), { kind: 'refused' });
});

test('a cut-off ends what was made then or before, of a person, an organisation, and a person in it', async () => {
  for (const cut of [
    (at: number) => step('cutOffPerson', { person: site.people.ann, at }),
    (at: number) => step('cutOffOrganisation', { organisation: 'first', at }),
    (at: number) => step('cutOffMember', { organisation: 'first', person: site.people.ann, at }),
  ]) {
    const { value } = await ofAnn();
    assert.is((await shown(value)).kind, 'principal');
    await site.store.change({ steps: [cut(site.clock.now)], audit: [] });
    assert.equal(await shown(value), { kind: 'refused' });
    site.clock.now += 1;
    assert.is((await shown((await ofAnn()).value)).kind, 'principal');
  }
});

test('it lives as long as was asked, at most as the organisation says, and not a moment longer', async () => {
  await policies({ tokenDays: 7 });
  site.clock.now = Math.ceil(site.clock.now / 1000) * 1000;
  const made = site.clock.now;
  assert.is((await ofAnn({ days: 3 })).token.expires, made + 3 * dayMs);
  const { value, token } = await ofAnn({ days: 365 });
  assert.is(token.expires, made + 7 * dayMs);
  site.clock.now = token.expires - 1;
  assert.is((await shown(value)).kind, 'principal');
  site.clock.now = token.expires;
  assert.equal(await shown(value), { kind: 'refused' });
  await policies({});
});

test('a token makes tokens of its creator that may do no more and live no longer than itself', async () => {
  const parent = await ofAnn({ scopes: ['tokens.create', 'live.get'], devices: ['mast'], days: 2 });
  const maker = await site.byToken(parent.value);
  const { token, value } = done(await site.tokens.create(maker, { ...wanted, devices: ['mast'] }));
  assert.is(token.person, site.people.ann);
  assert.is(token.expires, parent.token.expires);
  assert.is((await shown(value)).kind, 'principal');
  for (const over of [{ scopes: ['readings.get'] }, { devices: ['crane'] }]) {
    const result = await site.tokens.create(maker, { ...wanted, ...over });
    assert.is(result.kind === 'refused' && result.code, 'more-than-own');
  }
  // Without a list of its own it has that of the token that made it, and keeps it.
  const heir = done(await site.tokens.create(maker, wanted));
  assert.not(may(await principal(heir.value), 'live.get', device('crane', site.departments.quay)).allowed);
});

test('who is let in for a time only makes no token', async () => {
  const { cleo } = site.people;
  const standing = await site.standing(site.people.ann);
  const guest = { ...(await site.maker(cleo, 'second')), standing };
  const result = await site.tokens.create(guest, wanted);
  assert.is(result.kind === 'refused' && result.code, 'more-than-own');
});

test('a token whose row is gone, or is of another organisation, opens nothing', async () => {
  const { realm, people } = site;
  const claims = { organisation: 'first', creator: people.ann, scopes: ['all.*'] };
  const ghost = { id: 'no-such-row', ...claims, expires: site.clock.now + dayMs };
  assert.equal(await shown((await mintToken(realm, ghost)).token), { kind: 'refused' });
  const { token } = await ofAnn();
  const moved = { id: token.id, ...claims, organisation: 'second', expires: token.expires };
  assert.equal(await shown((await mintToken(realm, moved)).token), { kind: 'refused' });
});

test('what the token says and what its row says both hold', async () => {
  const { realm, people } = site;
  const { token } = await ofAnn({ scopes: ['live.get', 'device.get'] });
  const { id, expires } = token;
  const wider = { id, organisation: 'first', creator: people.ann, scopes: ['all.*'], expires };
  const bearer = await principal((await mintToken(realm, wider)).token);
  assert.equal([...bearer.standing.scopes].sort(), ['device.get', 'live.get']);
});

test('everybody sees his own; who acts for the whole organisation sees all; nobody those of another', async () => {
  await anew();
  const makers = {
    ann: await site.maker(site.people.ann),
    ben: await site.maker(site.people.ben),
    cleo: await site.maker(site.people.cleo, 'second'),
  };
  const anns = (await ofAnn()).token.id;
  site.clock.now += 1;
  const bens = done(await site.tokens.create(makers.ben, wanted)).token.id;
  const page = { after: undefined, limit: 10 };
  const ids = async (maker: keyof typeof makers) =>
    (await site.tokens.list(makers[maker], {}, page)).items.map(({ id }) => id);
  assert.equal(await ids('ann'), [anns, bens]);
  assert.equal(await ids('ben'), [bens]);
  assert.equal(await ids('cleo'), []);
  assert.is(await site.tokens.token(makers.ben, anns), undefined);
  for (const maker of [makers.ben, makers.cleo]) {
    const patched = await site.tokens.patch(maker, anns, { status: 'inactive' });
    assert.is(patched.kind === 'refused' && patched.code, 'not-found');
    const gone = await site.tokens.revoke(maker, anns);
    assert.is(gone.kind === 'refused' && gone.code, 'not-found');
  }
  assert.is((await site.tokens.token(makers.ann, anns))?.status, 'active');
});

test('pages follow each other without a gap', async () => {
  await anew();
  const made: string[] = [];
  for (let count = 0; count < 5; count++) made.push((await ofAnn()).token.id);
  const maker = await site.maker(site.people.ann);
  const seen: string[] = [];
  let after: { created: number; id: string } | undefined;
  for (let more = true; more; ) {
    const page = await site.tokens.list(maker, { status: 'active' }, { after, limit: 2 });
    seen.push(...page.items.map(({ id }) => id));
    after = page.items.at(-1);
    more = page.more;
  }
  assert.equal(seen.sort(), made.sort());
});

test('a token that would say too much is refused, and leaves nothing', async () => {
  await anew();
  const scopes = Array.from({ length: 2000 }, () => 'live.get');
  const result = await site.tokens.create(await site.maker(site.people.ann), { ...wanted, scopes });
  assert.is(result.kind === 'refused' && result.code, 'request-invalid');
  const { items } = await site.tokens.list(
    await site.maker(site.people.ann),
    {},
    { after: undefined, limit: 10 },
  );
  assert.equal(items, []);
});

test.run();
