import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeFrame } from './frame.ts';
import { decodeHello, encodeHello } from './hello.ts';
import { Link } from './link.ts';
import { encodeMessage } from './message.ts';

const test = suite('hellos');

const instance = Buffer.from('0001020304050607', 'hex');
const nonce = Buffer.from('1011121314151617', 'hex');
const capabilities = ['provisioning/1'];

test('what is said is heard, and what later versions add is left out', () => {
  const hello = { versions: [1], instance, nonce, capabilities };
  assert.equal(decodeHello(encodeHello(hello)), hello);
  assert.equal(decodeHello(encodeMessage([[2, 1], instance, nonce, [], { more: 1 }])), {
    ...hello,
    ...{ versions: [2, 1], capabilities: [] },
  });
});

test('what is no hello is none', () => {
  const bodies: Record<string, unknown> = {
    'no array': { versions: [1] },
    'too short': [[1], instance, nonce],
    'versions that are no numbers': [['1'], instance, nonce, []],
    'one version, not in a list': [1, instance, nonce, []],
    'an instance that is text': [[1], '01234567', nonce, []],
    'an instance that is too short': [[1], instance.subarray(1), nonce, []],
    'a nonce that is too long': [[1], instance, Buffer.alloc(9), []],
    'a capability that is none': [[1], instance, nonce, ['A B']],
    'too many capabilities': [[1], instance, nonce, new Array(17).fill('x')],
    'too many versions': [new Array(17).fill(1), instance, nonce, []],
  };
  for (const [what, body] of Object.entries(bodies)) {
    assert.is(decodeHello(encodeMessage(body)), undefined, what);
  }
  for (const hex of ['', '84', 'ff', '8481015800'])
    assert.is(decodeHello(Buffer.from(hex, 'hex')), undefined, hex);
});

test('an end that speaks other versions is told of, and no session begins with it', () => {
  const link = new Link({ role: 'answers', capabilities, random: (count) => Buffer.alloc(count, 7), now: 0 });
  const body = encodeMessage([[2, 3], instance, nonce, []]);
  assert.equal(link.receive(encodeFrame({ kind: 'hello', body }), 0), [
    { kind: 'incompatible', versions: [2, 3] },
  ]);
  assert.is(link.outgoing(0), undefined);
  assert.is(link.state, 'searching');
});

test.run();
