import { createSocket, type Socket } from 'node:dgram';
import { readReply, type SigningKey, writeSignedLine } from '@loadline/sdk/socket';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../test-doors.ts';
import { openSite, type Site } from './test-site.ts';

interface Context {
  site: Site;
  key: SigningKey;
  other: SigningKey;
  socket: Socket;
  replies: string[];
}
const test = suite<Context>('lines by UDP');

test.before(async (context) => {
  context.site = await openSite();
});

test.before.each(async (context) => {
  await context.site.fresh();
  context.key = await context.site.key();
  context.other = await context.site.key('other');
  context.replies = [];
  context.socket = createSocket('udp4').bind(0, '127.0.0.1');
  context.socket.on('message', (reply) => context.replies.push(reply.toString('latin1').replace(/\n$/, '')));
});

test.after.each(({ socket }) => void socket.close());

test.after(({ site }) => site.close());

const signed = (key: SigningKey, counter: number, value = counter) =>
  writeSignedLine(key, counter, [{ name: 'temp', value, time: 1_795_000_000_000 + counter }]);

function send({ socket, site }: Context, ...datagrams: (string | Uint8Array)[]): void {
  for (const datagram of datagrams) socket.send(datagram, site.ports.udp, '127.0.0.1');
}

/** Sends a line that is good until it is answered: what was sent before it has been looked at then. */
async function settled(context: Context): Promise<void> {
  const { replies, other } = context;
  const line = signed(other, 1);
  const answer = () => replies.findIndex((reply) => readReply(reply, other.secret) !== undefined);
  for (let wait = 50; answer() < 0; wait *= 2) {
    send(context, line);
    await until(() => answer() >= 0, 'the answer', wait).catch(() => {});
    assert.ok(wait < 10_000, 'no answer came');
  }
  while (answer() >= 0) replies.splice(answer(), 1);
}

test('a datagram is a line, with its end or without, and is answered when it is stored', async (context) => {
  const { site, key, replies } = context;
  send(context, signed(key, 1), `${signed(key, 2)}\n`, `${signed(key, 3)}\r\n`);
  await until(() => replies.length === 3, 'three answers');
  assert.equal(
    replies.map((reply) => readReply(reply, key.secret)?.id),
    ['1', '2', '3'],
  );
  assert.equal(await site.values(), [1, 2, 3]);
  const { secret } = await site.make('socket-token');
  send(context, `LL1 ${secret} #x temp=5@5`);
  await until(() => replies.length === 4, 'its answer');
  assert.is(replies[3], 'OK 1 #x');
});

test('what is answered is accounted for', async (context) => {
  const { site, key, replies } = context;
  send(context, signed(key, 1), signed(key, 2));
  await until(() => replies.length === 2, 'two answers');
  await site.accounting.flush();
  const usage = await site.store.read('usage', {
    ...{ organisation: 'first', by: 'device', per: 'total', from: 0, to: 1e6, limit: 99 },
  });
  const { messagesIn, messagesOut, bytesOut } =
    usage.find(({ subject }) => subject === site.device('logger').id) ?? {};
  const bytes = replies.reduce((sum, { length }) => sum + length + 1, 0);
  assert.equal([messagesIn, messagesOut, bytesOut], [2, 2, bytes]);
});

test('who sends nothing good gets no answer', async (context) => {
  const { site, key, replies } = context;
  const { secret } = await site.make('socket-token');
  const wrong = [
    '',
    '\n',
    'hello',
    Buffer.alloc(1400, 0xff),
    `LL1 ${secret.slice(0, -1)}! temp=1`,
    `LL1 ${secret.slice(0, -2)}xx temp=1`,
    signed({ ...key, secret: Buffer.alloc(32) }, 1),
    signed(key, 1).replace('temp', 'tump'),
    `${signed(key, 1)}\n${signed(key, 2)}`,
    `LL1 ${secret} temp="${'x'.repeat(5000)}"`,
  ];
  send(context, ...wrong);
  await settled(context);
  assert.equal(replies, []);
  await site.policy('tls');
  send(context, signed(key, 1));
  await site.policy('signed');
  send(context, `LL1 ${secret} temp=1`);
  await settled(context);
  assert.equal(replies, []);
  assert.is((await site.ledger()).deliveries.received, 0);
});

test('an answer is never longer than what it is to', async (context) => {
  const { site, key, socket, replies } = context;
  const { secret } = await site.make('socket-token');
  const lines = [
    signed(key, 1),
    signed(key, 1, 2),
    writeSignedLine(key, 9_007_199_254_740_991, [{ name: 'a', value: 1 }]),
    writeSignedLine(key, 0, [{ name: 'a', value: 1 }]),
    `LL1 ${secret} a=1`,
    `LL1 ${secret} a=x`,
    `LL1 ${secret} #1 a=x`,
    `LL1 ${secret} a`,
  ];
  for (const line of lines) {
    const before = replies.length;
    socket.send(line, site.ports.udp, '127.0.0.1');
    await until(() => replies.length > before, `an answer to ${line}`);
    assert.ok((replies.at(-1)?.length ?? 0) + 1 <= line.length, `${line} -> ${replies.at(-1)}`);
  }
  assert.match(String(replies[3]), /^ERR counter-old/);
});

test('datagrams that are lost, doubled and out of order end as one reading each', async (context) => {
  const { site, key, replies } = context;
  let next = 0;
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat(9)), async (chance) => {
      const first = next;
      next += 40;
      const waiting = new Set(Array.from({ length: 40 }, (_, n) => first + n));
      for (let round = 0; waiting.size > 0 && round < 200; round += 1) {
        for (const counter of [...waiting].toSorted(() => (chance.next().value ?? 0) - 4.5)) {
          const fate = chance.next().value ?? 0;
          if (fate < 3) continue;
          send(context, signed(key, counter));
          if (fate > 7) send(context, signed(key, counter));
        }
        await settled(context);
        for (const reply of replies.splice(0)) {
          const read = readReply(reply, key.secret);
          // Answers may be lost too.
          if ((chance.next().value ?? 0) < 3) continue;
          assert.ok(read?.reply.kind === 'stored' || read?.reply.kind === 'duplicate', reply);
          waiting.delete(Number(read?.id));
        }
      }
      assert.is(waiting.size, 0);
    }),
    { numRuns: 3 },
  );
  assert.equal(
    await site.values(),
    Array.from({ length: next }, (_, n) => n),
  );
  const { deliveries, readings } = await site.ledger();
  assert.is(deliveries.received, deliveries.stored + deliveries.duplicate + deliveries.rejected);
  assert.is(readings.stored, next);
});

test('a flood of what is nobody’s shuts out nobody: neither at this transport nor at another', async (context) => {
  const { site, key, replies } = context;
  for (let n = 0; n < 3000; n += 1) {
    send(context, `LL1 lls_${String(n).padStart(43, 'x')} temp=1`);
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  await settled(context);
  assert.equal(replies, []);
  send(context, signed(key, 1));
  await until(() => replies.length === 1, 'an answer');
  assert.equal(site.accounts.blocks.guard.blocks(), []);
});

test.run();
