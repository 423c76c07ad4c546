import { readReply, writeSignedLine, writeTokenLine } from '@loadline/sdk/socket';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../test-doors.ts';
import { LineClient, openSite, reading, type Site } from './test-site.ts';

const test = suite<{ site: Site; client: LineClient }>('lines over TCP');

test.before(async (context) => {
  context.site = await openSite();
});

test.before.each(async (context) => {
  await context.site.fresh();
  context.client = LineClient.tcp(context.site);
});

test.after.each(({ client }) => void client.close());

test.after(({ site }) => site.close());

test('a line with a token is stored when it is answered, and counts once where its readings have times', async ({
  site,
  client,
}) => {
  const { secret } = await site.make('socket-token');
  const line = writeTokenLine(secret, [reading(1), reading(2)]);
  assert.equal(await client.ask(line), ['OK 2']);
  assert.equal(await site.values(), [1, 2]);
  assert.equal(await client.ask(line, `LL1 ${secret} temp=5`, `LL1 ${secret} temp=5`), [
    'OK dup',
    'OK 1',
    'OK 1',
  ]);
  const named = `LL1 ${secret} #a1 hum=40:%RH`;
  assert.equal(await client.ask(named, named, `LL1 ${secret} #a1 hum=41`), [
    'OK 1 #a1',
    'OK dup #a1',
    'ERR delivery-differs another delivery came under the same key #a1',
  ]);
  assert.is(site.device('logger').channels.named('hum')?.unit, '%RH');
});

test('a signed line is answered by a signed reply, and counts once whatever comes between', async ({
  site,
  client,
}) => {
  const key = await site.key();
  const line = (counter: number, value = counter) => writeSignedLine(key, counter, [{ name: 'temp', value }]);
  const asked = await client.ask(line(7), line(5), line(7), line(5, 6), line(6));
  assert.equal(
    asked.map((reply) => readReply(reply, key.secret)),
    [
      { reply: { kind: 'stored', readings: 1 }, id: '7' },
      { reply: { kind: 'stored', readings: 1 }, id: '5' },
      { reply: { kind: 'duplicate' }, id: '7' },
      {
        reply: {
          kind: 'error',
          code: 'delivery-differs',
          reason: 'another delivery came under the same key',
        },
        id: '5',
      },
      { reply: { kind: 'stored', readings: 1 }, id: '6' },
    ],
  );
  assert.equal((await site.values()).toSorted(), [5, 6, 7]);
  const later = LineClient.tcp(site);
  assert.match(String(await later.ask(line(1_000_000))), /^OK 1 #1000000 /);
  assert.match(String(await later.ask(line(8))), /^ERR counter-old /);
  later.close();
  const { deliveries } = await site.ledger();
  assert.equal(
    [deliveries.received, deliveries.stored, deliveries.duplicate, deliveries.rejected],
    [7, 4, 1, 2],
  );
});

test('replies come in the order of the lines, however many are under way', async ({ site, client }) => {
  const { secret } = await site.make('socket-token');
  const lines = Array.from({ length: 500 }, (_, n) =>
    n % 3 === 0 ? `LL1 ${secret} #${n} temp=x` : `LL1 ${secret} #${n} temp=${n}@${n}`,
  );
  const replies = await client.ask(...lines);
  assert.equal(
    replies.map((reply) => readReply(reply)?.id),
    lines.map((_, n) => String(n)),
  );
  assert.is(replies.filter((reply) => reply.startsWith('ERR readings-malformed')).length, 167);
  const { readings } = await site.ledger();
  assert.is(readings.stored, 333);
});

test('lines may come in pieces, with CR or without', async ({ site, client }) => {
  const { secret } = await site.make('socket-token');
  const text = `LL1 ${secret} temp=1@1\r\nLL1 ${secret} temp=2@2\nLL1 ${secret} temp=3@3\r\n`;
  for (let at = 0; at < text.length; at += 7) {
    client.socket.write(text.slice(at, at + 7));
    await new Promise(setImmediate);
  }
  assert.equal(await client.got(3), ['OK 1', 'OK 1', 'OK 1']);
  assert.equal(await site.values(), [1, 2, 3]);
});

test('who says all he has and closes his side gets his answers; a line without its end is never taken', async ({
  site,
  client,
}) => {
  const { secret } = await site.make('socket-token');
  const release = site.hold();
  client.socket.end(`LL1 ${secret} temp=1@1\nLL1 ${secret} temp=21`);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(client.lines, []);
  release();
  assert.equal(await client.ended(), ['OK 1', 'ERR line-malformed a line ends with LF']);
  assert.equal(await site.values(), [1]);
});

test('OK is said of what is committed, and of nothing else', async ({ site, client }) => {
  const { secret } = await site.make('socket-token');
  const release = site.hold();
  client.send(`LL1 ${secret} temp=1@1`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(client.lines, []);
  release();
  assert.equal(await client.got(1), ['OK 1']);
});

test('what is refused is kept without the token and without the signature', async ({ site, client }) => {
  const { secret } = await site.make('socket-token');
  const key = await site.key();
  const signed = writeSignedLine(key, 1, [{ name: 'temp', value: 1 }]);
  await client.ask(
    `LL1 ${secret} temp=oops`,
    `LL1 ${secret} ${secret}=1`,
    signed,
    writeSignedLine(key, 1, [{ name: 'temp', value: 2 }]),
    writeSignedLine(key, 2, [{ name: 'temp', value: 2 }]).replace('temp', 'tump'),
  );
  const device = site.device('logger').number;
  const kept = await site.store.read('rejections', { device, before: Number.MAX_SAFE_INTEGER, limit: 10 });
  assert.is(kept.length, 2);
  const payloads: string[] = [];
  for (const { id } of kept) {
    const whole = await site.store.read('rejection', { device, id });
    payloads.push(Buffer.from(whole?.payload ?? []).toString('latin1'));
  }
  assert.is(payloads[1], 'temp=oops');
  for (const secrets of [secret, secret.slice(4), signed.slice(-16)]) {
    assert.not(JSON.stringify({ kept, payloads }).includes(secrets));
  }
});

test('a connection speaks for one device', async ({ site, client }) => {
  const mine = await site.make('socket-token');
  const others = await site.make('socket-token', 'other');
  assert.equal(await client.ask(`LL1 ${mine.secret} a=1`), ['OK 1']);
  client.send(`LL1 ${others.secret} a=1`);
  assert.equal((await client.ended()).slice(1), [
    'ERR device-differs one connection delivers for one device',
  ]);
  assert.is((await site.ledger('other')).readings.received, 0);
});

test('wrong tokens, tokens of other doors, revoked ones and switched-off devices are answered alike, and the third ends it', async ({
  site,
}) => {
  const good = await site.make('socket-token');
  const https = await site.make('token');
  const key = await site.key();
  const other = await site.make('socket-token', 'other');
  await site.revoke(other.id, 'other');
  const wrong = [
    `LL1 ${good.secret.slice(0, -2)}xx a=1`,
    `LL1 ${https.secret} a=1`,
    `LL1 ${other.secret} a=1`,
    `LL1 ${good.id} a=1`,
    writeSignedLine({ ...key, secret: Buffer.alloc(32) }, 1, [{ name: 'a', value: 1 }]),
    writeSignedLine({ id: 'sock_AAAAAAAAAAAAAAAAAAAAAAAA', secret: Buffer.alloc(32) }, 1, [
      { name: 'a', value: 1 },
    ]),
  ];
  const answers = new Set<string>();
  for (const line of wrong) {
    const client = LineClient.tcp(site);
    client.send(line, line, line, `LL1 ${good.secret} a=1`);
    const said = await client.ended();
    assert.is(said.length, 3);
    for (const one of said) answers.add(one);
  }
  assert.equal(
    [...answers],
    ['ERR unauthenticated the token is wrong, or the signature, or it opens nothing here'],
  );
  assert.is((await site.ledger()).readings.received, 0);
});

test('until the organisation lets it in, a good line is answered like a wrong one', async ({ site }) => {
  const { secret } = await site.make('socket-token');
  const key = await site.key();
  let counter = 0;
  const tries = {
    'tls token': () => [LineClient.tls(site), `LL1 ${secret} a=1`] as const,
    'tls signed': () =>
      [LineClient.tls(site), writeSignedLine(key, counter++, [{ name: 'a', value: 1 }])] as const,
    'tcp token': () => [LineClient.tcp(site), `LL1 ${secret} a=1`] as const,
    'tcp signed': () =>
      [LineClient.tcp(site), writeSignedLine(key, counter++, [{ name: 'a', value: 1 }])] as const,
  };
  const open = async () => {
    const names: string[] = [];
    for (const [name, make] of Object.entries(tries)) {
      const [client, line] = make();
      const [reply = ''] = await client.ask(line);
      if (reply.startsWith('OK')) names.push(name);
      else
        assert.is(
          reply,
          'ERR unauthenticated the token is wrong, or the signature, or it opens nothing here',
        );
      client.close();
    }
    return names;
  };
  const all = Object.keys(tries);
  assert.equal(await open(), all);
  await site.policy('off');
  assert.equal(await open(), []);
  await site.policy('tls');
  assert.equal(await open(), ['tls token', 'tls signed']);
  await site.policy('signed');
  assert.equal(await open(), ['tls token', 'tls signed', 'tcp signed']);
});

test('a connection ends within two seconds when what it was known by is revoked, or not let in any more', async ({
  site,
  client,
}) => {
  const { id, secret } = await site.make('socket-token');
  const key = await site.key();
  await client.ask(`LL1 ${secret} a=1`);
  const other = LineClient.tcp(site);
  await other.ask(writeSignedLine(key, 1, [{ name: 'a', value: 1 }]));
  await site.revoke(id);
  const ended = (one: LineClient) => until(() => one.socket.readableEnded, 'the end', 2000);
  await ended(client);
  assert.match(String(client.lines.at(-1)), /^ERR credential-ended /);
  assert.not(other.socket.readableEnded);
  await site.policy('tls');
  await ended(other);
  assert.match(String(other.lines.at(-1)), /^ERR credential-ended /);
  other.close();
});

test('no token and no signature is in any log', async ({ site, client }) => {
  const { secret } = await site.make('socket-token');
  const lost = await site.make('socket-token', 'other');
  await site.revoke(lost.id, 'other');
  await client.ask(`LL1 ${secret} a=1`, `LL1 ${secret} a=oops`, `LL1 ${lost.secret} a=1`, `LL1 ${secret} #`);
  await site.accounts.authentications.flush();
  const audit = await site.store.read('audit', { organisation: 'first', after: null, limit: 100 } as never);
  for (const text of [JSON.stringify(site.logged), JSON.stringify(audit)]) {
    assert.not(text.includes(secret));
    assert.not(text.includes(lost.secret));
  }
});

test.run();
