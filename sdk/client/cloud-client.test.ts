import { Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type OperationId, operations } from '../api/index.ts';
import { liveEvents } from '../api/series-shapes.ts';
import { Cookies } from './cookies.ts';
import { refusal } from './errors.ts';
import { CloudClient, tagOf, UnreachableError } from './index.ts';
import { pathOf } from './request.ts';
import { eventsIn, linesIn } from './streams.ts';

const test = suite('cloud client');
const url = 'https://localhost:1';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function thrown(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

test('an authority without a certificate is refused, and not taken for everybody', () => {
  const client = (authorityPem: string) => () => new CloudClient({ url, authorityPem });
  assert.throws(client(''), /holds no certificate/);
  assert.throws(client('\n'), /holds no certificate/);
  assert.not.throws(client('-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n'));
});

test('nothing is said to a cloud without TLS', () => {
  assert.throws(() => new CloudClient({ url: 'http://localhost:1' }), /must begin with https:/);
});

test('it has a method for every operation, and for those of an organisation once more', () => {
  const cloud = new CloudClient({ url });
  const organisation = cloud.organisation('first');
  for (const [id, { path }] of Object.entries(operations)) {
    assert.type(cloud[id as OperationId], 'function');
    assert.is(id in organisation, path.includes(':organisation'), id);
  }
});

test('its types are those of the table', () => {
  const cloud = new CloudClient({ url });
  const calls = () => [
    cloud.getCaller(),
    cloud.getDevice({ organisation: 'first', device: 'mast' }).then(({ connected }): boolean => connected),
    cloud.organisation('first').listDevices({ query: { limit: 5 } }),
    // @ts-expect-error a device must be named
    cloud.getDevice({ organisation: 'first' }),
    // @ts-expect-error there is no such filter
    cloud.listDevices({ organisation: 'first', query: { colour: 'red' } }),
    // @ts-expect-error what has no organisation in its path is not of one
    cloud.organisation('first').logOut(),
    // @ts-expect-error a device is no list
    cloud.each('getDevice', { organisation: 'first', device: 'mast' }),
  ];
  assert.type(calls, 'function');
});

test('parameters and queries are escaped into the address, and what is left out is not in it', () => {
  const input = { organisation: 'first', query: { name: 'a&b/ü', limit: 5, after: undefined } };
  assert.is(
    pathOf(operations.listDevices, input),
    '/api/v1/organisations/first/devices?name=a%26b%2F%C3%BC&limit=5',
  );
  assert.is(
    pathOf(operations.getDevice, { organisation: 'first', device: '../x' }),
    '/api/v1/organisations/first/devices/..%2Fx',
  );
  assert.throws(
    () => pathOf(operations.getDevice, { organisation: 'first' }),
    '/organisations/:organisation/devices/:device needs device',
  );
});

test('what came without a tag has none, rather than one that holds always', () => {
  assert.throws(() => tagOf({}), /came without an entity tag/);
});

test('a cloud that is not there is told from one that refuses', async () => {
  const error = await thrown(new CloudClient({ url }).getCaller());
  assert.instance(error, UnreachableError);
  assert.match(error.message, /^https:\/\/localhost:1 cannot be reached: .+/);
});

test('a refusal has the code, the words and the delay of its problem details', () => {
  const problem = { type: 'urn:x', title: 'T', status: 429, detail: 'wait', code: 'too-many-attempts' };
  const { status, code, message, retryAfterSeconds } = refusal(429, JSON.stringify(problem), '17');
  assert.equal([status, code, message, retryAfterSeconds], [429, 'too-many-attempts', 'wait', 17]);
  const other = refusal(502, '<html>', undefined);
  assert.equal(
    [other.status, other.code, other.message, other.retryAfterSeconds],
    [502, 'internal', 'the cloud answered 502', null],
  );
});

test('cookies are kept as they were set last, and are gone when they are cleared', () => {
  const cookies = new Cookies({ kept: '0' });
  assert.is(cookies.header, 'kept=0');
  cookies.take(['session=one=1; Path=/; Secure; HttpOnly', 'device=two; Max-Age=9']);
  cookies.take(['session=three; Path=/']);
  assert.is(cookies.header, 'kept=0; session=three; device=two');
  cookies.take([
    'session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'device=; Path=/',
    'kept=; Path=/',
  ]);
  assert.equal(cookies.values, {});
  assert.is(cookies.header, undefined);
});

test('events are read however they are cut, and unknown ones passed over', async () => {
  const readings = [
    {
      device: 'mast',
      tag: '25DF',
      aspect: 'heard',
      points: [
        [1, 2.5],
        [2, null],
      ],
    },
  ];
  const text =
    `retry: 2000\n\nevent: readings\ndata: ${JSON.stringify(readings)}\n\n: a comment\n\n` +
    'event: of-tomorrow\ndata: no JSON\n\nevent: ping\ndata: {}\n\nevent: end\ndata: {}\n\nevent: half\ndata: {';
  for (const size of [1, 7, text.length]) {
    const chunks = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    assert.equal(await all(eventsIn(Readable.from(chunks.map((one) => Buffer.from(one))), liveEvents)), [
      { event: 'readings', data: readings },
      { event: 'ping', data: {} },
      { event: 'end', data: {} },
    ]);
  }
});

test('an event that is not what the API says is an error', async () => {
  const stream = Readable.from([Buffer.from('event: readings\ndata: [{"device": 1}]\n\n')]);
  assert.is((await thrown(all(eventsIn(stream, liveEvents)))).name, 'ZodError');
});

test('lines come without their ends, and a stream that breaks does not end like a whole one', async () => {
  assert.equal(await all(linesIn(Readable.from(['one\ntw', 'o\nthree\n']))), ['one', 'two', 'three']);
  async function* breaking() {
    yield 'one\n';
    throw new Error('cut off');
  }
  assert.is((await thrown(all(linesIn(Readable.from(breaking()))))).message, 'cut off');
});

test.run();
