import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FarEnd } from './far-end.ts';
import { LinkRefused } from './link.ts';
import { linkTo, openFarEnd, until } from './test-links.ts';

const test = suite('link');

const farEnds: FarEnd[] = [];
test.after.each(() => {
  for (const farEnd of farEnds.splice(0)) farEnd.close();
});

async function open(options: Parameters<typeof openFarEnd>[0] = {}): Promise<FarEnd> {
  const farEnd = await openFarEnd(options);
  farEnds.push(farEnd);
  return farEnd;
}

async function why(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it did not fail');
}

test('asks for mqtt by ALPN and listens to all that may come down', async () => {
  const farEnd = await open();
  const link = await linkTo(farEnd);
  const connection = farEnd.connections[0];
  await until(() => connection?.subscribed.length === 5);
  assert.is(connection?.socket.alpnProtocol, 'mqtt');
  assert.equal(connection?.subscribed, [
    'v1/gw/mast-1/notice 0',
    'v1/gw/mast-1/desired 1',
    'v1/gw/mast-1/command 1',
    'v1/gw/mast-1/time 0',
    'v1/gw/mast-1/update 1',
  ]);
  await link.close();
  assert.is(await link.closed, 'closed by this gateway');
});

test('states the epoch of the journal by its user name, without a password', async () => {
  const farEnd = await open();
  const link = await linkTo(farEnd, { epoch: '0123456789abcdef'.repeat(2) });
  assert.is(farEnd.connections[0]?.user, 'epoch:0123456789abcdef0123456789abcdef');
  assert.is(farEnd.connections[0]?.hasPassword, false);
  await link.close();
});

test('a publish is done with its PUBACK and not before', async () => {
  let answer = (): void => {};
  const farEnd = await open({
    onPublish: (_publish, acknowledge) => {
      answer = acknowledge;
    },
  });
  const link = await linkTo(farEnd);
  let done = false;
  const published = link.publish('telemetry', Buffer.from('abc')).then(() => {
    done = true;
  });
  await until(() => farEnd.connections[0]?.published.length === 1);
  const { topic, payload, qos } = farEnd.connections[0]?.published[0] ?? {};
  assert.equal([topic, payload?.toString(), qos], ['v1/gw/mast-1/telemetry', 'abc', 1]);
  assert.is(done, false);
  answer();
  await published;
  await link.close();
});

test('the question for the time goes without an answer, and is done when it is sent', async () => {
  const farEnd = await open({ onPublish: () => {} });
  const link = await linkTo(farEnd);
  await link.publish('clock', '{}');
  await until(() => farEnd.connections[0]?.published[0]?.qos === 0);
  await link.close();
});

test('hands on what comes down; whoever chokes on it harms nobody else', async () => {
  const farEnd = await open();
  const heard: string[] = [];
  const logged: unknown[] = [];
  const log = { info: () => {}, warn: () => {}, error: (event: string) => logged.push(event) };
  const link = await linkTo(farEnd, {
    log,
    onMessage: (channel, payload) => {
      heard.push(`${channel} ${Buffer.from(payload)}`);
      if (channel === 'command') throw new Error('cannot deal with it');
    },
  });
  const [connection] = farEnd.connections;
  connection?.send('v1/gw/mast-1/command', 'go', 1);
  connection?.send('v1/gw/mast-1/desired', 'be');
  connection?.send('v1/gw/mast-2/desired', 'not ours');
  connection?.send('v1/gw/mast-1/time', 'now');
  await until(() => heard.length === 3);
  assert.equal(heard, ['command go', 'desired be', 'time now']);
  assert.equal(logged, ['message-failed']);
  await until(() => connection?.acknowledgements === 1);
  await link.publish('health', '{}');
  await link.close();
});

test('what the cloud would not take is refused here, and the link stands', async () => {
  const farEnd = await open();
  const link = await linkTo(farEnd);
  assert.match(
    await why(link.publish('reported', 'x'.repeat(64 * 1024 + 1))),
    /reported: 65537 bytes, and at most 65536/,
  );
  assert.match(await why(link.publish('telemetry', Buffer.alloc(256 * 1024 + 1))), /telemetry: 262145 bytes/);
  await link.publish('reported', 'x'.repeat(64 * 1024));
  assert.is(farEnd.connections[0]?.published.length, 1);
  await link.close();
});

test('the reason is what the cloud said, or that it said nothing', async () => {
  const farEnd = await open();
  const told = await linkTo(farEnd);
  await until(() => farEnd.connections[0]?.subscribed.length === 5);
  farEnd.connections[0]?.send('v1/gw/mast-1/notice', '{"code":"commit-timeout","detail":"connect again"}');
  farEnd.connections[0]?.socket.end();
  assert.is(await told.closed, 'the cloud said commit-timeout: connect again');
  const untold = await linkTo(farEnd);
  farEnd.connections[1]?.socket.end();
  assert.is(await untold.closed, 'closed by the cloud');
});

test('a cloud that refuses the gateway, or never answers its CONNECT, is no link', async () => {
  assert.match(await why(linkTo(await open({ connack: { code: 5 } }))), /Not authorized/);
  const mute = await open({ connack: { code: undefined } });
  const impatient = AbortSignal.timeout(300);
  assert.ok(await why(linkTo(mute, { signal: impatient })));
  await until(() => mute.connections.every(({ socket }) => socket.destroyed));
});

test('tells a cloud that says no from one that is in trouble, or hangs up', async () => {
  const refusal = async (farEnd: FarEnd) => {
    const error = await linkTo(farEnd).catch((reason: Error) => reason);
    return error instanceof LinkRefused ? error.isSaid : error;
  };
  assert.is(await refusal(await open({ connack: { code: 5 } })), true);
  assert.is(await refusal(await open({ connack: { code: 3 } })), false);
  const silent = await open({ connack: { code: undefined } });
  const refused = refusal(silent);
  await until(() => silent.connections.length === 1);
  silent.connections[0]?.socket.end();
  assert.is(await refused, false);
  // Where the network is to blame, it is no refusal at all.
  const away = await linkTo(await open(), { port: 1 }).catch((reason: Error) => reason);
  assert.instance(away, Error);
  assert.not.instance(away, LinkRefused);
});

test('the question for the time is not asked before its answer would be heard, and nothing else waits for that', async () => {
  let grantTime = (): void => {};
  const farEnd = await open({
    onSubscribe: (topic, grant) => {
      if (topic.endsWith('/time')) grantTime = grant;
      else grant();
    },
  });
  const link = await linkTo(farEnd);
  const [connection] = farEnd.connections;
  const asked = link.publish('clock', '{}');
  await link.publish('health', '{}');
  const topics = () => connection?.published.map(({ topic }) => topic.split('/').at(-1));
  assert.equal(topics(), ['health']);
  grantTime();
  await asked;
  await until(() => connection?.published.length === 2);
  assert.equal(topics(), ['health', 'clock']);
  await link.close();
  const unheard = await linkTo(await open({ onSubscribe: () => {} }));
  const never = why(unheard.publish('clock', '{}'));
  await unheard.close();
  assert.is(await never, 'closed by this gateway');
});

test('goes on with a cloud that knows nothing of updates, and says nothing of them there', async () => {
  const refuses = (channel: string) =>
    open({
      onSubscribe: (topic, grant, refuse) => (topic.endsWith(`/${channel}`) ? refuse() : grant()),
    });
  const farEnd = await refuses('update');
  const link = await linkTo(farEnd);
  assert.match(await why(link.publish('updating', '{}')), 'the cloud refuses update');
  await link.publish('health', '{}');
  const topics = farEnd.connections[0]?.published.map(({ topic }) => topic.split('/').at(-1));
  assert.equal(topics, ['health']);
  await link.close();
  const other = await linkTo(await refuses('desired'));
  assert.match(await other.closed, 'the cloud refuses desired');
});

test.run();
