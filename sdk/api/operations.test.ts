import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { codes } from '../contract/index.ts';
import {
  expandScopes,
  fleetScopes,
  type Operation,
  operations,
  organisationScopes,
  parametersOf,
  pathParameters,
  roles,
  type Scope,
  scopePatterns,
  scopes,
} from './index.ts';

const test = suite('the table of operations');

const all = Object.entries<Operation>(operations);
const notScopes = new Set(['public', 'caller', 'self']);
const scoped = all.filter(([, { opens }]) => !notScopes.has(opens)) as [
  string,
  Operation & { opens: Scope },
][];

test('every scope of organisations and the fleet opens an operation', () => {
  const used = new Set<string>(scoped.map(([, { opens }]) => opens));
  assert.equal(
    [...organisationScopes, ...fleetScopes].filter((scope) => !used.has(scope)),
    [],
  );
});

test('what an organisation is in the path of is opened by its scopes, and all else by the fleet’s', () => {
  for (const [id, { path, opens }] of scoped) {
    const expected = path.startsWith('/organisations/:organisation') ? 'organisation' : 'fleet';
    assert.is(scopes[opens].of, expected, id);
  }
  for (const [id, { path, opens }] of all) {
    // What is a person's own may be about an organisation, and is never in one.
    if (notScopes.has(opens)) assert.ok(!path.startsWith('/organisations/:organisation'), id);
  }
});

test('no two operations have one method and path', () => {
  const places = all.map(([, { method, path }]) => `${method} ${path.replace(/:[a-z]+/g, ':')}`);
  assert.is(new Set(places).size, places.length);
});

test('every parameter of a path is known', () => {
  for (const [id, { path }] of all) {
    for (const name of parametersOf(path)) assert.ok(Object.hasOwn(pathParameters, name), `${id} ${name}`);
    assert.is(path.match(/:/g)?.length ?? 0, parametersOf(path).length, id);
  }
});

test('what reads is a GET without a body, opened by a scope that reads, and nothing else is', () => {
  for (const [id, { method, body }] of all) if (method === 'GET') assert.is(body, undefined, id);
  for (const [id, { method, opens }] of scoped) assert.is(scopes[opens].reads, method === 'GET', id);
});

test('lists, and they alone, answer with a page and may be asked for the next', () => {
  for (const [id, { reply, query, method }] of all) {
    const isList = id.startsWith('list');
    assert.is(reply?.safeParse({ items: [], next: null }).success === true && !isLoose(reply), isList, id);
    assert.is(query !== undefined && 'after' in query.shape && 'limit' in query.shape, isList, id);
    if (isList) assert.is(method, 'GET', id);
  }
});

test('collections have plural scopes that list and make, single things the singular', () => {
  for (const [id, { path, opens, method }] of scoped) {
    const [resource = '', action] = [opens.slice(0, opens.lastIndexOf('.')), opens.split('.').at(-1)];
    const onItem = path.split('/').at(-1)?.startsWith(':');
    if (method === 'DELETE' || method === 'PATCH') assert.not.match(resource, /s$/, `${id} is of one thing`);
    if (action === 'create') assert.match(resource, /s$/, `${id} adds to a collection`);
    if (action === 'delete' || action === 'patch') assert.is(onItem, true, id);
  }
});

test('success is said as it is: 204 with nothing, 201 where something is made, all else with JSON or a stream', () => {
  for (const [id, { status, reply, stream, method, events }] of all) {
    if (status === 204) assert.is(reply ?? stream, undefined, id);
    if (status === 200) assert.ok(reply ?? stream, id);
    if (status === 201) assert.ok(reply !== undefined && method === 'POST', id);
    assert.is(events !== undefined, stream === 'text/event-stream', id);
  }
});

test('every refusal has a code with a meaning, and every summary is one line', () => {
  for (const [id, { refuses = [], summary }] of all) {
    for (const code of refuses) assert.ok(codes[code], `${id} ${code}`);
    assert.match(summary, /^[A-Z][^\n]+[^.\n]$/, id);
  }
});

test('patterns stand for what they say', () => {
  assert.equal([...expandScopes(['all.*'])], organisationScopes);
  assert.equal(
    [...expandScopes(['all.read'])],
    organisationScopes.filter((one) => scopes[one].reads),
  );
  assert.equal([...expandScopes(['user.*', 'nonsense', 'fleet-audit.get'])].sort(), [
    'user.cut-off',
    'user.delete',
    'user.get',
    'user.invite',
    'user.patch',
    'user.reset-second-factor',
  ]);
  for (const pattern of scopePatterns) assert.ok(expandScopes([pattern]).size > 0, pattern);
});

test('each role has scopes that there are, and only the administrator has all', () => {
  for (const [name, role] of Object.entries(roles)) {
    for (const pattern of role.scopes) assert.ok(scopePatterns.includes(pattern), `${name} ${pattern}`);
    assert.is(expandScopes(role.scopes).size === organisationScopes.length, name === 'administrator', name);
  }
});

/** Whether it takes anything: a description, an export. */
function isLoose(reply: NonNullable<Operation['reply']>): boolean {
  return reply.safeParse({ nothing: 'of the kind' }).success;
}

test.run();
