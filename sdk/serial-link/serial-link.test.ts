// The edge: one end on a stream after the other, with the other process killed, slow, silent or none.
import { Duplex, duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import { LinkError, type LinkLife, SerialLink, type SerialLinkOptions, type Session } from './index.ts';

const test = suite('a serial link on a stream');

/** The error that something is refused with. */
async function refusal(promise: Promise<unknown>): Promise<LinkError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, LinkError);
    return error as LinkError;
  }
  throw new Error('it was not refused');
}

interface Noted {
  readonly link: SerialLink;
  readonly messages: unknown[];
  readonly sessions: Session[];
  readonly lives: LinkLife['kind'][];
}

function linkOver(
  stream: Duplex,
  role: 'calls' | 'answers',
  options: Partial<SerialLinkOptions> = {},
): Noted {
  const messages: unknown[] = [];
  const sessions: Session[] = [];
  const lives: LinkLife['kind'][] = [];
  const link = SerialLink.over(stream, {
    ...{ role, capabilities: [role] },
    onMessage: (message) => void messages.push(message),
    onSession: (session) => void sessions.push(session),
    onLife: ({ kind }) => void lives.push(kind),
    ...options,
  });
  return { link, messages, sessions, lives };
}

/** A stream that is there, takes everything and says nothing. */
function silence(): Duplex {
  return new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
}

/** Waits until it holds. */
async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !condition(); ) {
    if (performance.now() > end) throw new Error(`waited in vain: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('a message that was sent before anybody was there goes to the first who is', async () => {
  const [left, right] = duplexPair();
  const tool = linkOver(left, 'calls');
  const sent = tool.link.send({ early: true });
  const gateway = linkOver(right, 'answers');
  await sent;
  assert.equal(gateway.messages, [{ early: true }]);
  assert.equal(
    [gateway.sessions, tool.sessions].map(([session]) => session?.capabilities),
    [['calls'], ['answers']],
  );
  assert.is(tool.link.state, 'up');
  assert.is((await tool.link.ready(1)).peer, tool.sessions[0]?.peer);
  await tool.link.close();
  await until(() => gateway.lives.includes('ended'));
  assert.is(gateway.link.state, 'searching');
  assert.is(gateway.link.session, undefined);
  await gateway.link.close();
});

test('over another stream the session goes on: nothing is lost, nothing comes twice', async () => {
  let [left, right] = duplexPair();
  const tool = linkOver(left, 'calls');
  const gateway = linkOver(right, 'answers');
  const all: Promise<void>[] = [];
  for (let turn = 0; turn < 5; turn++) {
    for (let nth = 0; nth < 20; nth++) {
      all.push(
        tool.link.send(`tool ${turn} ${nth}`.padEnd(3000)),
        gateway.link.send(`gateway ${turn} ${nth}`),
      );
    }
    const before = gateway.messages.length;
    await until(() => gateway.messages.length > before);
    for (const stream of [left, right]) stream.destroy();
    await until(() => tool.lives.length > 0 && tool.lives.at(-1) === 'detached');
    [left, right] = duplexPair();
    tool.link.attach(left);
    gateway.link.attach(right);
    await until(() => tool.lives.at(-1) === 'resumed');
  }
  await Promise.all(all);
  const due = (who: string) =>
    Array.from({ length: 100 }, (_, nth) => `${who} ${Math.floor(nth / 20)} ${nth % 20}`);
  assert.equal(
    gateway.messages.map((one) => String(one).trim()),
    due('tool'),
  );
  assert.equal(tool.messages, due('gateway'));
  assert.equal([tool.sessions.length, gateway.sessions.length], [1, 1]);
  await tool.link.close();
  await gateway.link.close();
});

test('to another process at the other end nothing of the old session goes', async () => {
  const [left, right] = duplexPair();
  const tool = linkOver(left, 'calls');
  const gateway = linkOver(right, 'answers', { onMessage: () => new Promise(() => {}) });
  await tool.link.ready(5000);
  await tool.link.send('first');
  // The program takes no more, so these wait.
  const waiting = Array.from({ length: 200 }, (_, nth) => tool.link.send(Buffer.alloc(1000, nth)));
  await until(() => gateway.link.figures.held > 50_000);
  // Killed, without a goodbye: its stream is another process's.
  right.removeAllListeners('data');
  const next = linkOver(right, 'answers');
  const ends = await Promise.allSettled(waiting);
  const lost = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as LinkError).code] : []));
  assert.ok(lost.length > 20 && lost.every((code) => code === 'link-session-ended'), String(lost.length));
  await tool.link.send('to the next');
  assert.equal(next.messages, ['to the next']);
  assert.is(tool.sessions.length, 2);
  assert.is.not(tool.sessions[0]?.peer, tool.sessions[1]?.peer);
  await tool.link.close();
  await next.link.close();
  await gateway.link.close();
});

test('the next message waits for the program, and the other end for it', async () => {
  const [left, right] = duplexPair();
  let isOpen = false;
  let atOnce = 0;
  let most = 0;
  const tool = linkOver(left, 'calls');
  const taken: unknown[] = [];
  const gateway = linkOver(right, 'answers', {
    async onMessage(message) {
      most = Math.max(most, ++atOnce);
      await until(() => isOpen);
      taken.push(message);
      atOnce -= 1;
    },
  });
  let acknowledged = 0;
  const all = Array.from({ length: 400 }, async (_, nth) => {
    await tool.link.send([nth, Buffer.alloc(1000)]);
    acknowledged += 1;
  });
  await until(() => gateway.link.figures.held > 50_000);
  const [held, then] = [gateway.link.figures.held, acknowledged];
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal([gateway.link.figures.held, acknowledged], [held, then]);
  assert.ok(held < 3 * limits.linkWindowFrames * limits.linkFrameBytes, String(held));
  isOpen = true;
  await Promise.all(all);
  await until(() => taken.length === 400);
  assert.is(most, 1);
  assert.ok(taken.every((message, nth) => (message as unknown[])[0] === nth));
  await tool.link.close();
  await gateway.link.close();
});

test('where nobody answers it is said what was heard instead', async () => {
  const quiet = linkOver(silence(), 'calls');
  const nothing = await refusal(quiet.link.ready(50));
  assert.is(nothing.code, 'link-no-answer');
  assert.match(nothing.message, 'nothing came');
  const stream = silence();
  const console = linkOver(stream, 'calls');
  stream.push('raspberrypi login: ');
  const other = await refusal(console.link.ready(50));
  assert.match(other.message, '19 bytes came within 0.05 s, 0 frames among them, and no answer');
  assert.is(Buffer.from(console.link.noise).toString(), 'raspberrypi login: ');
  await quiet.link.close();
  await console.link.close();
});

test('an end that answers keeps silent until it is spoken to', async () => {
  const written: Uint8Array[] = [];
  const stream = new Duplex({
    read() {},
    write(bytes, _encoding, done) {
      written.push(bytes);
      done();
    },
  });
  const gateway = linkOver(stream, 'answers');
  const waiting = refusal(gateway.link.send('to whoever comes'));
  stream.push('somebody types\r\n\0\0');
  await refusal(gateway.link.ready(700));
  assert.is(written.length, 0);
  await gateway.link.close();
  assert.is((await waiting).code, 'link-closed');
});

test('what waits is bounded, and a message that cannot travel is refused at once', async () => {
  const tool = linkOver(silence(), 'calls');
  const waiting = Array.from({ length: limits.linkWaitingMessages }, () => refusal(tool.link.send(0)));
  assert.is((await refusal(tool.link.send(0))).code, 'link-too-much-waiting');
  assert.is((await refusal(tool.link.send(new Date()))).code, 'link-message-refused');
  await tool.link.close();
  assert.ok((await Promise.all(waiting)).every(({ code }) => code === 'link-closed'));
  assert.is((await refusal(tool.link.send(0))).code, 'link-closed');
  assert.is((await refusal(tool.link.ready(1000))).code, 'link-closed');
  const large = linkOver(silence(), 'calls');
  const bytes = Buffer.alloc(1024 * 1024);
  const fours = Array.from({ length: 3 }, () => refusal(large.link.send(bytes)));
  assert.is((await refusal(large.link.send(bytes))).code, 'link-too-much-waiting');
  await large.link.close();
  await Promise.all(fours);
});

test('a program that fails on a message closes the link, and says why', async () => {
  const [left, right] = duplexPair();
  const tool = linkOver(left, 'calls');
  const gateway = linkOver(right, 'answers', {
    onMessage() {
      throw new Error('it cannot be');
    },
  });
  assert.is((await refusal(tool.link.send(1))).code, 'link-session-ended');
  assert.match(await gateway.link.closed, 'it cannot be');
  await until(() => tool.lives.includes('ended'));
  await tool.link.close();
  assert.is(await tool.link.closed, 'closed');
});

test('a stream that takes nothing more is left for another one', async () => {
  const stuck = new Duplex({ read() {}, write() {} });
  const tool = linkOver(stuck, 'calls');
  await refusal(tool.link.ready(50));
  const [left, right] = duplexPair();
  const gateway = linkOver(right, 'answers');
  tool.link.attach(left);
  await tool.link.ready(2000);
  await tool.link.send('through');
  assert.equal(gateway.messages, ['through']);
  await tool.link.close();
  await gateway.link.close();
});

test('capabilities that a hello cannot say are refused at once', () => {
  for (const capabilities of [['Provisioning'], ['x'.repeat(25)], new Array(17).fill('x'), ['']]) {
    assert.throws(
      () => SerialLink.over(silence(), { role: 'calls', capabilities, onMessage() {} }),
      /capabilities/,
    );
  }
});

test('a stream that fails is let go of, and its later errors harm nobody', async () => {
  const stream = silence();
  const tool = linkOver(stream, 'calls');
  stream.destroy(new Error('EIO: it was pulled out'));
  await until(() => tool.lives.includes('detached'));
  stream.emit('error', new Error('and again'));
  assert.equal(tool.lives, ['detached']);
  assert.is(tool.link.state, 'searching');
  await tool.link.close();
});

test.run();
