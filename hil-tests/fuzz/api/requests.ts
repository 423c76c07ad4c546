import {
  apiPrefix,
  type Operation,
  type OperationId,
  operations,
  parametersOf,
  pathParameters,
} from '@loadline/sdk/api';
import fc from 'fast-check';
import type { RawCall } from '../../inhabited/caller.ts';
import { hostile, shapedBy, spoiled } from './shapes.ts';

/** A request to one operation, who sends it, and how it was made. */
export interface FuzzedRequest {
  readonly operation: OperationId;
  readonly who: 'administrator' | 'nobody';
  readonly call: RawCall;
}

/** Ids that are there, by the parameter they may stand for. */
export type KnownIds = Readonly<Record<string, readonly string[]>>;

/**
 * Operations that would end the session of who sends them, take his rights, or what all others are about, if they were
 * carried out: they are sent with a condition that never holds.
 */
const ending: readonly OperationId[] = [
  ...([
    'logOut',
    'cutOffSelf',
    'cutOffOrganisation',
    'cutOffUser',
    'eraseSelf',
    'changePassword',
    'endOwnSession',
    'leaveOrganisation',
  ] as const),
  ...(['deleteUser', 'deleteOperator', 'patchUser', 'patchOrganisation', 'enableSecondFactor'] as const),
  ...(['deleteRole', 'deleteDepartment', 'deleteCustomer', 'deleteGrant', 'deleteToken'] as const),
  ...(['deleteApplication', 'deleteApplicationKey', 'deleteBlock', 'deleteFleetBlock'] as const),
];

const strangePieces = [
  ...[
    '..',
    '.',
    '%2e%2e',
    '%2e%2e%2fother',
    '%00',
    '%',
    '%zz',
    '%ff',
    '%c0%ae',
    '',
    ' ',
    '*',
    '~',
    ';a=b',
    '?',
    '#',
  ],
  ...[
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'null',
    '-1',
    '1e9',
    "'",
    '"',
    '<b>',
    '%F0%9F%92%A9',
    '%E2%80%AE',
  ],
  ...[
    'a'.repeat(65),
    'a'.repeat(3000),
    '\\',
    '//',
    'first%2fdevices',
    '00000000-0000-0000-0000-000000000000',
  ],
];

/** Requests of all operations, in shape and out of it. */
export function requests(known: KnownIds): fc.Arbitrary<FuzzedRequest> {
  const ids = Object.keys(operations) as OperationId[];
  return fc.oneof(...ids.map((id) => requestOf(id, known)));
}

function requestOf(id: OperationId, known: KnownIds): fc.Arbitrary<FuzzedRequest> {
  const { method, path, query, body }: Operation = operations[id];
  return fc
    .record({
      who: fc.constantFrom('administrator' as const, 'administrator' as const, 'nobody' as const),
      path: pathTo(path, known),
      query:
        query === undefined
          ? rarely(queryFrom(hostile))
          : mostly(queryFrom(shapedBy(query)), queryFrom(spoiled(shapedBy(query)))),
      body: body === undefined ? rarely(hostile.map(asJson)) : bodyOf(body),
      method: mostly(
        fc.constant<string>(method),
        fc.constantFrom('HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PATCH', 'DELETE', 'POST', 'PROPFIND'),
      ),
      headers: headers(ending.includes(id)),
    })
    .map(({ who, path, query, body, method, headers }) => ({
      operation: id,
      who,
      call: {
        method,
        path: sendable(`${path}${query ?? ''}`),
        // Node sends no body with TRACE: its length must not be announced either.
        headers: { ...(method === 'TRACE' ? {} : body?.headers), ...headers },
        ...(body === undefined || method === 'TRACE' ? {} : { body: body.bytes }),
      },
    }));
}

/** Of seven, six of the one and one of the other. */
function mostly<A, B>(usual: fc.Arbitrary<A>, odd: fc.Arbitrary<B>): fc.Arbitrary<A | B> {
  return fc.oneof({ arbitrary: usual, weight: 6 }, { arbitrary: odd, weight: 1 });
}

function rarely<T>(odd: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return mostly(fc.constant(undefined), odd);
}

function pathTo(path: string, known: KnownIds): fc.Arbitrary<string> {
  const pieces = parametersOf(path).map((name) =>
    fc.oneof(
      { arbitrary: fc.constantFrom(...(known[name] ?? ['none'])), weight: 12 },
      { arbitrary: shapedBy(pathParameters[name]) as fc.Arbitrary<string>, weight: 2 },
      { arbitrary: fc.constantFrom(...strangePieces), weight: 2 },
    ),
  );
  return fc.tuple(...pieces).map((values) => {
    let at = 0;
    return `${apiPrefix}${path.replace(/:[a-z]+/g, () => values[at++] ?? '')}`;
  });
}

function queryFrom(value: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const strange = fc.constantFrom(
    ...[
      '?limit=1&limit=2',
      '?limit[]=1',
      '?__proto__[x]=1',
      '?constructor=1',
      '?after=%ff',
      '?after=%00',
      '?=',
      '?&&&',
    ],
    ...[
      '?limit=1e3',
      '?limit=%31',
      '?%',
      '?after=W10',
      '?after=eyJhIjoxfQ',
      '?after=bnVsbA',
      '?after=W251bGwsbnVsbF0',
    ],
  );
  const shaped = value.map((one) => {
    if (typeof one !== 'object' || one === null) return `?${encodeURIComponent(String(one).toWellFormed())}`;
    const query = new URLSearchParams();
    for (const [name, part] of Object.entries(one)) {
      query.append(
        name.toWellFormed(),
        (typeof part === 'string' ? part : JSON.stringify(part)).toWellFormed().slice(0, 4000),
      );
    }
    return `?${query}`;
  });
  return mostly(shaped, strange);
}

interface Body {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

function asJson(value: unknown): Body {
  return framed(Buffer.from(JSON.stringify(value) ?? ''), 'application/json');
}

function framed(bytes: Uint8Array, type: string | undefined): Body {
  return {
    bytes,
    headers: { ...(type !== undefined && { 'content-type': type }), 'content-length': String(bytes.length) },
  };
}

function bodyOf(type: NonNullable<Operation['body']>): fc.Arbitrary<Body> {
  const shaped = shapedBy(type);
  const broken = fc
    .tuple(shaped, fc.nat(), fc.constantFrom('cut', 'twice', 'tail', 'bytes', 'bom', 'huge', 'proto', 'deep'))
    .map(([value, at, how]) => {
      const text = JSON.stringify(value) ?? '{}';
      const spoiledText = {
        cut: text.slice(0, at % Math.max(text.length, 1)),
        twice: text.replace(/^\{("[^"]*"):/, '{$1:{},$1:'),
        tail: `${text}${text}`,
        bytes: text,
        bom: `\ufeff${text}`,
        deep: `${text.slice(0, -1)},"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
        huge: text.replace(/\}$/, `,"${'x'.repeat(70_000)}":1}`),
        proto: text.replace(
          /^\{/,
          '{"__proto__":{"isOperator":true},"constructor":{"prototype":{"scopes":["all.*"]}},',
        ),
      }[how];
      const bytes = Buffer.from(spoiledText);
      return framed(
        how === 'bytes' ? Buffer.concat([bytes, Buffer.of(0xff, 0xfe, 0xc3, 0x28)]) : bytes,
        'application/json',
      );
    });
  const mistyped = fc
    .tuple(
      shaped,
      fc.constantFrom<string | undefined>(
        ...[
          undefined,
          'text/plain',
          'application/xml',
          'application/json; charset=utf-16',
          'multipart/form-data',
        ],
        ...[
          'application/x-www-form-urlencoded',
          'application/cbor',
          'x',
          'application/json, text/html',
          '*/*',
        ],
      ),
    )
    .map(([value, type]) => framed(Buffer.from(JSON.stringify(value) ?? ''), type));
  const empty = fc.constant(framed(Buffer.alloc(0), 'application/json'));
  return fc.oneof(
    { arbitrary: shaped.map(asJson), weight: 5 },
    { arbitrary: spoiled(shaped).map(asJson), weight: 5 },
    { arbitrary: broken, weight: 3 },
    { arbitrary: mistyped, weight: 1 },
    { arbitrary: empty, weight: 1 },
  );
}

function headers(isEnding: boolean): fc.Arbitrary<Record<string, string | string[]>> {
  const odd = fc.constantFrom<Record<string, string | string[]>>(
    ...[{ 'if-match': '*' }, { 'if-match': `"${'x'.repeat(4000)}"` }, { 'if-match': 'W/"a", "b",,' }],
    ...[{ 'if-none-match': '*' }, { 'if-none-match': '"' }, { range: 'bytes=0-1' }, { accept: 'text/html' }],
    ...[
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { host: 'evil.example' },
      { expect: 'nothing' },
    ],
    ...[
      { 'x-forwarded-for': '10.0.0.1' },
      { 'x-http-method-override': 'DELETE' },
      { 'accept-encoding': 'gzip, br' },
    ],
    ...[{ cookie: '__Host-loadline-session=' }, { cookie: ';;=;a' }, { cookie: 'a=b; '.repeat(500) }],
    ...[
      { authorization: 'Bearer' },
      { authorization: 'Bearer a b' },
      { authorization: `Bearer ${'a'.repeat(8000)}` },
    ],
    ...[
      { authorization: 'Basic OjpiOg==' },
      { 'content-encoding': 'gzip' },
      { 'user-agent': '\u00ff'.repeat(300) },
    ],
    ...[{ 'last-event-id': '-1' }, { upgrade: 'h2c' }, { 'x-many': Array.from({ length: 100 }, () => 'x') }],
  );
  if (isEnding) return fc.constant({ 'if-match': '"never"' });
  return mostly(fc.constant<Record<string, string | string[]>>({}), odd);
}

/** Node sends no address with spaces, controls or more than ASCII: those are escaped, and nothing else is. */
function sendable(path: string): string {
  return path.toWellFormed().replace(/[^\x21-\x7e]/gu, (one) => encodeURIComponent(one));
}
