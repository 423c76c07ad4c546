import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readNamed, writeReadingsLine } from '../telemetry/index.ts';
import { isSigned, readLine, writeSignedLine, writeTokenLine } from './index.ts';

const key = { id: 'sock_AAAAAAAAAAAAAAAAAAAAAAAA', secret: Buffer.alloc(32, 7) };
const token = `lls_${'t'.repeat(43)}`;

const read = (line: string) => readLine(Buffer.from(line));

const readings = fc.array(
  fc.record({
    name: fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/),
    value: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string({ maxLength: 12 })),
    time: fc.nat(2_000_000_000_000),
  }),
  { minLength: 1, maxLength: 4 },
);
const counter = fc.nat(Number.MAX_SAFE_INTEGER);

test('a line with a token is read as it was written, and its readings have nothing of the token', () => {
  void fc.assert(
    fc.property(readings, fc.option(fc.stringMatching(/^[\w.-]{1,32}$/), { nil: undefined }), (given, id) => {
      const line = read(writeTokenLine(token, given, id));
      assert.is(line.kind, 'token');
      if (line.kind !== 'token') return;
      assert.is(line.token.reveal(), token);
      assert.is(line.id, id);
      assert.is(Buffer.from(line.readings).toString(), writeReadingsLine(given));
      assert.is(readNamed('line', line.readings).length, given.length);
    }),
  );
});

test('a signed line is read as it was written, and holds', () => {
  void fc.assert(
    fc.property(readings, counter, (given, count) => {
      const line = read(writeSignedLine(key, count, given));
      assert.is(line.kind, 'signed');
      if (line.kind !== 'signed') return;
      assert.is(line.key, key.id);
      assert.is(line.counter, count);
      assert.is(Buffer.from(line.readings).toString(), writeReadingsLine(given));
      assert.ok(isSigned(line, key.secret));
    }),
  );
});

test('a signed line in which one character is another, or gone, or new, is refused', () => {
  const characters = fc.constantFrom(...'Aa0_-= #@."/:LS129é\t\0'.split(''));
  void fc.assert(
    fc.property(
      readings,
      counter,
      fc.nat(),
      characters,
      fc.nat(2),
      (given, count, where, character, what) => {
        const right = writeSignedLine(key, count, given);
        const at = where % right.length;
        const changed =
          right.slice(0, at) + (what === 0 ? '' : character) + right.slice(what === 2 ? at : at + 1);
        if (changed === right) return;
        const line = read(changed);
        assert.not(line.kind === 'signed' && isSigned(line, key.secret), changed);
      },
    ),
    { numRuns: 2000 },
  );
});

test('each character of one signed line counts', () => {
  const right = writeSignedLine(key, 17, [{ name: 'temp', value: 21.5, time: 1_795_000_000_000 }]);
  for (let at = 0; at < right.length; at += 1) {
    for (let code = 0; code < 256; code += 1) {
      const character = String.fromCharCode(code);
      if (character === right[at]) continue;
      const line = readLine(Buffer.from(right.slice(0, at) + character + right.slice(at + 1), 'latin1'));
      assert.not(line.kind === 'signed' && isSigned(line, key.secret), `${at} ${code}`);
    }
  }
});

test('the MAC is HMAC-SHA-256 of everything before it, its first 96 bits', () => {
  const line = writeSignedLine(key, 1, [{ name: 'temp', value: 21.5 }]);
  assert.is(line.slice(0, -17), `LS1 ${key.id} 1 temp=21.5`);
  const digest = createHmac('sha256', key.secret).update(line.slice(0, -17)).digest();
  assert.is(line.slice(-16), digest.subarray(0, 12).toString('base64url'));
});

test('what is no line says why, and nothing of what was in it', () => {
  const lines = [
    '',
    'GET / HTTP/1.1',
    'LL1',
    'LL1 ',
    `LL2 ${token} a=1`,
    `ll1 ${token} a=1`,
    `LL1  ${token} a=1`,
    'LL1 short a=1',
    `LL1 ${token}`,
    `LL1 ${token} `,
    `LL1 ${token} #`,
    `LL1 ${token} # a=1`,
    `LL1 ${token} #a`,
    `LL1 ${token} #${'x'.repeat(33)} a=1`,
    `LL1 ${token} ${token} a=1`,
    `LL1 ${token} a="${token}"`,
    `LS1 ${key.id}`,
    `LS1 ${key.id} 1`,
    `LS1 ${key.id} 1 a=1`,
    `LS1 ${key.id} 01 a=1 ${'M'.repeat(16)}`,
    `LS1 ${key.id} -1 a=1 ${'M'.repeat(16)}`,
    `LS1 ${key.id} 1e3 a=1 ${'M'.repeat(16)}`,
    `LS1 ${key.id} 9007199254740992 a=1 ${'M'.repeat(16)}`,
    `LS1 ${key.id} 1 a=1 ${'M'.repeat(15)}`,
    `LS1 ${key.id} 1 a=1 ${'M'.repeat(17)}`,
  ];
  for (const line of lines) {
    const { kind, ...rest } = read(line);
    assert.is(kind, 'malformed', line);
    assert.not(JSON.stringify(rest).includes(token), line);
  }
});

test('bytes of whatever kind are taken apart without an error', () => {
  void fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string().map(Buffer.from)), (bytes) => {
      assert.ok(readLine(bytes).kind);
    }),
  );
});

test('a counter or an id that is none is not written', () => {
  for (const count of [-1, 1.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => writeSignedLine(key, count, [{ name: 'a', value: 1 }]), RangeError);
  }
  for (const id of ['', 'a b', '#', 'x'.repeat(33), 'a\n']) {
    assert.throws(() => writeTokenLine(token, [{ name: 'a', value: 1 }], id), RangeError);
  }
});

test.run();
