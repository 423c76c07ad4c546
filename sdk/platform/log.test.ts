import { randomBytes } from 'node:crypto';
import { format, inspect } from 'node:util';
import { MessageChannel } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { jsonLog, type LogFields } from './log.ts';
import { Secret } from './secret.ts';

const text = randomBytes(24).toString('base64url');
const levels = ['info', 'warn', 'error'] as const;

function logged(fields: unknown, level: (typeof levels)[number] = 'info'): Record<string, unknown> {
  const lines: string[] = [];
  jsonLog(
    (line) => lines.push(line),
    () => 0,
  )[level]('event', fields as LogFields);
  assert.is(lines.length, 1);
  assert.match(lines[0] ?? '', /^\{.*\}\n$/);
  return JSON.parse(lines[0] ?? '');
}

/** A class as any may be: what it holds is for nobody's log. */
class Login {
  readonly password = text;
  readonly inner = { password: text };

  toJSON() {
    return { password: text };
  }

  toString() {
    return text;
  }
}

/** All that may hold a secret, on the way into a log. */
const holders: Record<string, unknown> = {
  secret: new Secret(text),
  buffer: Buffer.from(text),
  bytes: new Uint8Array(Buffer.from(text)),
  view: new DataView(new TextEncoder().encode(text).buffer),
  object: new Login(),
  error: new Error(text),
  array: [text],
  map: new Map([[text, text]]),
  set: new Set([text]),
  url: new URL(`https://example.org/?token=${text}`),
  date: Object.assign(new Date(0), { toJSON: () => text }),
  json: { toJSON: () => text },
  deep: { one: { two: text } },
  boxed: Object(text),
  symbol: Symbol(text),
  function: Object.assign(() => text, { toJSON: () => text }),
  bigint: BigInt(`0x${Buffer.from(text).toString('hex')}`),
  headers: new Headers({ 'x-auth-token': text }),
  thenable: Promise.resolve(text),
};

/** How a secret may look in a line. */
const traces = [
  text,
  Buffer.from(text).toString('hex'),
  Buffer.from(text).toString('base64'),
  [...Buffer.from(text)].join(','),
  BigInt(`0x${Buffer.from(text).toString('hex')}`).toString(),
];

test('no object that holds a secret brings it into a line, at any level and as deep as fields go', () => {
  for (const level of levels) {
    for (const [name, value] of Object.entries(holders)) {
      for (const fields of [
        { value },
        { inside: { value } },
        value,
        { value, inside: { value, value2: value } },
      ]) {
        if (fields === value && name === 'deep') continue;
        const line = JSON.stringify(logged(fields, level));
        for (const trace of traces) assert.not(line.includes(trace), `${name} at ${level}: ${line}`);
      }
    }
  }
});

test('what was refused is named by its kind, and the rest of the line is whole', () => {
  const line = logged({
    a: 1,
    secret: new Secret(text),
    body: Buffer.from(text),
    list: [1],
    in: { login: new Login() },
  });
  assert.equal(line, {
    at: '1970-01-01T00:00:00.000Z',
    level: 'info',
    event: 'event',
    a: 1,
    secret: '[secret]',
    body: '[refused: Buffer]',
    list: '[refused: Array]',
    in: { login: '[refused: Login]' },
  });
});

test('lines are as they were: values of a field, and one level of them', () => {
  const { a, b, c, d, ...rest } = logged({ a: 'x', b: null, c: undefined, d: { e: 1, f: true } });
  assert.equal({ a, b, c, d }, { a: 'x', b: null, c: undefined, d: { e: 1, f: true } });
  assert.equal(Object.keys(rest), ['at', 'level', 'event']);
});

test('a secret shows itself in no way but one', async () => {
  const secret = new Secret(text);
  const { port1, port2 } = new MessageChannel();
  const sent = new Promise((resolve) => port2.once('message', resolve));
  port1.postMessage({ secret });
  const shown = [
    `${secret}`,
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9, getters: true }),
    format('%s %o %j %O', secret, secret, secret, secret),
    JSON.stringify({ ...secret }),
    JSON.stringify(Object.getOwnPropertyNames(secret)),
    JSON.stringify(Object.assign({}, secret)),
    inspect(structuredClone(secret)),
    inspect(await sent),
    Object.prototype.toString.call(secret),
    new Error(`wrong: ${secret}`).stack ?? '',
  ];
  port1.close();
  for (const one of shown) assert.not(one.includes(text), one);
  assert.is(shown[0], '[secret]');
  assert.is(secret.reveal(), text);
});

test('secrets are compared as a whole', () => {
  const secret = new Secret(text);
  assert.ok(secret.equals(new Secret(text)));
  for (const other of ['', text.slice(1), `${text}a`, text.toUpperCase()]) {
    assert.not(secret.equals(new Secret(other)), other);
  }
});

test.run();
