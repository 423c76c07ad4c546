import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { codes } from '../contract/index.ts';
import { readReply, type SocketReply, writeReply, writeSignedLine } from './index.ts';

const secret = Buffer.alloc(32, 7);

const reply: fc.Arbitrary<SocketReply> = fc.oneof(
  fc.nat(4096).map((readings): SocketReply => ({ kind: 'stored', readings })),
  fc.constant<SocketReply>({ kind: 'duplicate' }),
  fc.integer({ min: 1, max: 86_400 }).map((seconds): SocketReply => ({ kind: 'limited', seconds })),
  fc
    .tuple(fc.constantFrom(...Object.keys(codes)), fc.stringMatching(/^[a-z]{1,8}( [a-z.:]{1,8}){0,5}$/))
    .map(([code, reason]): SocketReply => ({ kind: 'error', code, reason })),
);
const id = fc.nat(Number.MAX_SAFE_INTEGER).map(String);

test('a reply is read as it was written, with what names its line', () => {
  void fc.assert(
    fc.property(reply, fc.option(id, { nil: undefined }), (given, name) => {
      const line = writeReply(given, name === undefined ? undefined : { id: name });
      assert.equal(readReply(line ?? ''), { reply: given, id: name });
    }),
  );
});

test('one that is to be signed is read only as it was signed', () => {
  void fc.assert(
    fc.property(reply, id, fc.nat(), (given, name, where) => {
      const line = writeReply(given, { id: name, secret }) ?? '';
      assert.equal(readReply(line, secret), { reply: given, id: name });
      const at = where % line.length;
      const changed = line.slice(0, at) + (line[at] === 'x' ? 'y' : 'x') + line.slice(at + 1);
      assert.is(readReply(changed, secret), undefined, changed);
      assert.is(readReply(writeReply(given, { id: name }) ?? '', secret), undefined);
      assert.is(readReply(line, Buffer.alloc(32, 8)), undefined);
    }),
  );
});

test('to any signed line, every reply fits into as many bytes as the line had', () => {
  const key = { id: 'sock_AAAAAAAAAAAAAAAAAAAAAAAA', secret };
  void fc.assert(
    fc.property(reply, fc.nat(Number.MAX_SAFE_INTEGER), fc.string(), (given, counter, reason) => {
      const line = writeSignedLine(key, counter, [{ name: 'a', value: 1 }]);
      const said = given.kind === 'error' ? { ...given, reason } : { ...given };
      const short = writeReply(said, { id: String(counter), secret }, line.length) ?? '';
      assert.ok(Buffer.byteLength(short) <= line.length);
      if (given.kind !== 'error' || given.code.length < 25) assert.is.not(short, '');
    }),
  );
  assert.is(writeReply({ kind: 'stored', readings: 1 }, undefined, 3), undefined);
});

test('a reason is one line, and names nothing', () => {
  const line = writeReply({ kind: 'error', code: 'internal', reason: 'a\r\nOK 5 #7 é' }, { id: '1' });
  assert.is(line, 'ERR internal a??OK 5 ?7 ? #1');
  const long = writeReply({ kind: 'error', code: 'internal', reason: 'x'.repeat(5000) }) ?? '';
  assert.ok(long.length < 250);
});

test('what is no reply is none', () => {
  for (const line of ['', 'OK', 'OK ', 'OK -1', 'ok 1', 'OK 1 2', 'ERR', 'ERR A', 'OK 1 #', 'HTTP/1.1 400']) {
    assert.is(readReply(line), undefined, line);
  }
});

test.run();
