// @long
// The serial link over real ttys: serialport at both ends, and a console beside it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until, VirtualCable, VirtualPort } from '@loadline/hil-tests';
import { Conversation, type ConversationOptions, LinkError } from '@loadline/sdk/serial-link';
import { SerialPort } from 'serialport';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';

const test = suite('a serial link on a tty');

async function openPort(path: string): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return port;
}

async function closePort(port: SerialPort): Promise<void> {
  if (port.isOpen) await new Promise((resolve) => port.close(resolve));
}

/** Two programs over a cable: the tool on the left, the gateway on the right. */
async function talkOver(cable: VirtualCable, gatewayOptions: Partial<ConversationOptions> = {}) {
  const ports = { left: await openPort(cable.left.path), right: await openPort(cable.right.path) };
  const lives: string[] = [];
  const sessions: string[] = [];
  const asked: number[] = [];
  const tool = Conversation.over(ports.left, {
    role: 'calls',
    capabilities: [],
    onLife: ({ kind }) => void lives.push(kind),
    onSession: ({ peer }) => void sessions.push(peer),
  });
  const gateway = Conversation.over(ports.right, {
    role: 'answers',
    capabilities: ['provisioning/1'],
    answers: {
      length: (body) => {
        const { nth, bytes } = body as { nth: number; bytes: Uint8Array };
        asked.push(nth);
        return { nth, length: bytes.length };
      },
    },
    ...gatewayOptions,
  });
  return {
    ...{ tool, gateway, ports, lives, sessions, asked },
    ask: (nth: number, length: number) =>
      tool.ask('length', { nth, bytes: Buffer.alloc(length, nth) }, { limitMs: 20_000 }),
    async close() {
      await tool.close();
      await gateway.close();
      for (const port of Object.values(ports)) await closePort(port);
    },
  };
}

const everyNumber = (count: number) => Array.from({ length: count }, (_, nth) => nth);

test('asks of every size are answered, megabytes too', async () => {
  const cable = await VirtualCable.open();
  const talk = await talkOver(cable);
  const sizes = [1, 100, 511, 512, 513, 100_000, 1_000_000];
  const answers = await Promise.all(sizes.map((size, nth) => talk.ask(nth, size)));
  assert.equal(
    answers,
    sizes.map((length, nth) => ({ nth, length })),
  );
  assert.equal(talk.asked, everyNumber(sizes.length));
  await talk.close();
  await cable.close();
});

test('a console beside it, and bits that turn, cost nothing but time', async () => {
  const random = new SeededRandom(7);
  const banner = Buffer.from('\r\nDebian GNU/Linux 12 raspberrypi ttyGS0\r\n\r\nraspberrypi login: ');
  const cable = await VirtualCable.open({
    through(bytes, from) {
      const spoilt = Uint8Array.from(bytes);
      if (random.uniform() < 0.1) spoilt[random.integer(0, spoilt.length - 1)] = random.integer(0, 255);
      if (from === 'left' || random.uniform() < 0.5) return spoilt;
      const at = random.integer(0, spoilt.length);
      return Buffer.concat([spoilt.subarray(0, at), banner, spoilt.subarray(at)]);
    },
  });
  const talk = await talkOver(cable);
  await Promise.all(everyNumber(60).map((nth) => talk.ask(nth, 3000)));
  assert.equal(talk.asked, everyNumber(60));
  assert.is(talk.sessions.length, 1);
  assert.match(Buffer.from(talk.tool.link.noise).toString('latin1'), 'login:');
  await talk.close();
  await cable.close();
});

test('a port that is unplugged and opened again takes the session up: each ask is carried out once', async () => {
  const cable = await VirtualCable.open();
  const talk = await talkOver(cable);
  await talk.tool.link.ready(5000);
  const answers = Promise.all(everyNumber(40).map((nth) => talk.ask(nth, 20_000)));
  for (let turn = 0; turn < 3; turn++) {
    const done = talk.asked.length;
    await until(() => talk.asked.length > done);
    await cable.left.unplug();
    await until(() => talk.lives.filter((life) => life === 'detached').length === turn + 1);
    await cable.left.replug();
    talk.ports.left = await openPort(cable.left.path);
    talk.tool.link.attach(talk.ports.left);
  }
  await answers;
  assert.equal(talk.asked, everyNumber(40));
  assert.is(talk.sessions.length, 1);
  assert.is(talk.lives.filter((life) => life === 'resumed').length, 3);
  await talk.close();
  await cable.close();
});

test('a line that was cut at any byte goes on when it is whole again', async () => {
  const cable = await VirtualCable.open();
  const talk = await talkOver(cable);
  const random = new SeededRandom(11);
  for (let nth = 0; nth < 25; nth++) {
    const cut = cable.cutAfter(random.integer(1, 1500));
    const answer = talk.ask(nth, 2000);
    await cut;
    cable.mend();
    assert.equal(await answer, { nth, length: 2000 });
  }
  assert.equal(talk.asked, everyNumber(25));
  await talk.close();
  await cable.close();
});

test('another process at the other end is another session, and what the old one was asked is told to be unknown', async () => {
  const cable = await VirtualCable.open();
  let isAsked = false;
  const talk = await talkOver(cable, {
    answers: {
      never: () => {
        isAsked = true;
        return new Promise(() => {});
      },
    },
  });
  await talk.tool.link.ready(5000);
  const ask = talk.tool.ask('never', null).then(
    () => undefined,
    (error: LinkError) => error,
  );
  await until(() => isAsked);
  // Killed: no goodbye, and its port is opened by the next.
  await closePort(talk.ports.right);
  const port = await openPort(cable.right.path);
  const next = Conversation.over(port, {
    role: 'answers',
    capabilities: ['next'],
    answers: { is: () => 'next' },
  });
  const error = await ask;
  assert.instance(error, LinkError);
  assert.is(error?.code, 'link-session-ended');
  assert.is(await talk.tool.ask('is', null), 'next');
  assert.is(talk.sessions.length, 2);
  assert.is.not(talk.sessions[0], talk.sessions[1]);
  await next.close();
  await closePort(port);
  await talk.close();
  await cable.close();
});

test('a terminal that echoes, as a getty leaves one, is named', async () => {
  const port = await VirtualPort.open();
  // What a tty in its cooked mode does with what comes over the line.
  port.onData((bytes) => void port.write(bytes));
  const own = await openPort(port.path);
  const tool = Conversation.over(own, { role: 'calls', capabilities: [] });
  const error = await tool.link.ready(1000).catch((refused: LinkError) => refused);
  assert.instance(error, LinkError);
  assert.match((error as LinkError).message, 'a terminal echoes it');
  assert.match((error as LinkError).act, 'getty');
  await tool.close();
  await closePort(own);
  await port.close();
});

test('a tty that is not raw, with somebody on it who reads lines, is named too', async () => {
  const cable = await VirtualCable.open();
  const own = await openPort(cable.left.path);
  const cooked = spawn('stty', ['-F', cable.right.path, 'sane']);
  await once(cooked, 'close');
  const reader = spawn('head', ['-n', '100', cable.right.path], { stdio: 'ignore' });
  const tool = Conversation.over(own, { role: 'calls', capabilities: [] });
  const error = await tool.link.ready(1000).catch((refused: LinkError) => refused);
  assert.is((error as LinkError).code, 'link-no-answer');
  assert.match((error as LinkError).act, 'raw mode');
  reader.kill();
  await once(reader, 'close');
  await tool.close();
  await closePort(own);
  await cable.close();
});

test.run();
