// Asks and answers over a link.
import { type Duplex, duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../contract/index.ts';
import { Conversation, type ConversationOptions, LinkError, SerialLink } from './index.ts';

const test = suite('a conversation over a serial link');

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

function talkOver(
  stream: Duplex,
  role: 'calls' | 'answers',
  options: Partial<ConversationOptions> = {},
): Conversation {
  return Conversation.over(stream, { role, capabilities: [], ...options });
}

/** A promise, and what settles it. */
function later<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

test('asks are answered both ways, many at once, in whatever order answers are ready', async () => {
  const [left, right] = duplexPair();
  const first = later<string>();
  const tool = talkOver(left, 'calls', {
    answers: { whoAreYou: () => 'a tool', 'who-are-you': () => 'a tool' },
  });
  const gateway = talkOver(right, 'answers', {
    answers: {
      slow: () => first.promise,
      double: async (body) => (body as number) * 2,
      nothing: () => undefined,
    },
  });
  const slow = tool.ask('slow', null);
  const doubles = await Promise.all(Array.from({ length: 50 }, (_, nth) => tool.ask('double', nth)));
  assert.equal(
    doubles,
    Array.from({ length: 50 }, (_, nth) => 2 * nth),
  );
  first.resolve('at last');
  assert.is(await slow, 'at last');
  assert.is(await tool.ask('nothing', null), undefined);
  assert.is(await gateway.ask('who-are-you', {}), 'a tool');
  await tool.close();
  await gateway.close();
});

test('what is told comes in order, a megabyte too', async () => {
  const [left, right] = duplexPair();
  const told: unknown[] = [];
  const tool = talkOver(left, 'calls', { onTell: (name, body) => void told.push([name, body]) });
  const gateway = talkOver(right, 'answers');
  const chunk = Buffer.alloc(1024 * 1024, 7);
  await Promise.all([
    gateway.tell('heard', [1, 2]),
    gateway.tell('chunk', chunk),
    gateway.tell('heard', [3]),
  ]);
  await tool.ask('x', 0).catch(() => {});
  assert.equal(told, [
    ['heard', [1, 2]],
    ['chunk', chunk],
    ['heard', [3]],
  ]);
  await tool.close();
  await gateway.close();
});

test('a refusal says code, words and what to do; of a failure no more than that it was one', async () => {
  const [left, right] = duplexPair();
  const faults: string[] = [];
  const tool = talkOver(left, 'calls');
  const gateway = talkOver(right, 'answers', {
    onFault: (error) => void faults.push(error.message),
    answers: {
      own: () => {
        throw new LinkError('voucher-stale', 'the voucher is too old', 'ask for another one');
      },
      broken: () => {
        throw new Error('/var/lib/secret is missing');
      },
      date: () => new Date(),
    },
  });
  const refused = await refusal(tool.ask('own', null));
  assert.equal(
    [refused.code, refused.message, refused.act],
    ['voucher-stale', 'the voucher is too old', 'ask for another one'],
  );
  const failed = await refusal(tool.ask('broken', null));
  assert.equal([failed.code, failed.message], ['link-ask-failed', 'broken failed']);
  assert.equal(faults, ['/var/lib/secret is missing']);
  assert.is((await refusal(tool.ask('date', null))).code, 'link-message-refused');
  for (const name of ['unknown', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.is((await refusal(tool.ask(name.toLowerCase(), null))).code, 'link-ask-unknown');
  }
  await tool.close();
  await gateway.close();
});

test('an ask that nobody answers ends: by time, by its signal, by closing', async () => {
  const [left, right] = duplexPair();
  const tool = talkOver(left, 'calls');
  const gateway = talkOver(right, 'answers', { answers: { never: () => new Promise(() => {}) } });
  assert.is((await refusal(tool.ask('never', 0, { limitMs: 50 }))).code, 'link-ask-timeout');
  const aborting = new AbortController();
  const aborted = tool.ask('never', 0, { signal: aborting.signal }).catch((error: Error) => error.message);
  aborting.abort(new Error('the technician gave up'));
  assert.is(await aborted, 'the technician gave up');
  const open = refusal(tool.ask('never', 0));
  await tool.tell('x', 0);
  await tool.close();
  assert.is((await open).code, 'link-closed');
  await gateway.close();
});

test('more asks than may be open are refused where they begin, and what is asked beyond it is not done', async () => {
  const [left, right] = duplexPair();
  const gate = later<void>();
  const tool = talkOver(left, 'calls');
  const gateway = talkOver(right, 'answers', { answers: { wait: () => gate.promise } });
  const open = Array.from({ length: limits.linkAsks }, () => tool.ask('wait', 0));
  assert.is((await refusal(tool.ask('wait', 0))).code, 'link-too-many-asks');
  gate.resolve();
  await Promise.all(open);
  await tool.close();
  await gateway.close();
});

test('one that asks more than it may is refused by the other end', async () => {
  const [left, right] = duplexPair();
  const replies: unknown[][] = [];
  const rude = SerialLink.over(left, {
    ...{ role: 'calls', capabilities: [] },
    onMessage: (message) => void replies.push(message as unknown[]),
  });
  let most = 0;
  let now = 0;
  const gate = later<void>();
  const faults: string[] = [];
  const gateway = talkOver(right, 'answers', {
    onFault: (error) => void faults.push(error.message),
    answers: {
      async wait() {
        most = Math.max(most, ++now);
        await gate.promise;
        now -= 1;
      },
    },
  });
  for (let id = 0; id < 3 * limits.linkAsks; id++) await rude.send([0, id, 'wait', null]);
  for (const none of [
    'text',
    [],
    [0],
    [0, 'id', 'wait'],
    [0, 1, 'No Name'],
    [2, 1, 'x', 1, 2],
    [9, 1],
    null,
  ]) {
    await rude.send(none);
  }
  gate.resolve();
  await rude.send([0, 9999, 'wait', null]);
  const end = performance.now() + 30_000;
  while (!replies.some((reply) => reply[1] === 9999) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.is(most, limits.linkAsks);
  assert.is(replies.filter((reply) => reply[2] === 'link-too-many-asks').length, 2 * limits.linkAsks);
  assert.is(faults.length, 8);
  await rude.close();
  await gateway.close();
});

test('an answer to one process never reaches the next, whose asks have the same numbers', async () => {
  const [left, right] = duplexPair();
  const gates: ((answer: string) => void)[] = [];
  const tool = talkOver(left, 'calls');
  const gateway = talkOver(right, 'answers', {
    answers: {
      slow: () => {
        const gate = later<string>();
        gates.push(gate.resolve);
        return gate.promise;
      },
    },
  });
  const lost = refusal(tool.ask('slow', 'of the first'));
  await tool.tell('x', 0);
  // The tool is killed; another one takes the port.
  left.removeAllListeners('data');
  const next = talkOver(left, 'calls');
  const answer = next.ask('slow', 'of the second');
  await next.tell('x', 0);
  gates[0]?.('for the first');
  await next.tell('x', 0);
  gates[1]?.('for the second');
  assert.is(await answer, 'for the second');
  await tool.close();
  assert.is((await lost).code, 'link-closed');
  await next.close();
  await gateway.close();
});

test('what the other end was asked before it was restarted ends, and is not asked again', async () => {
  const [left, right] = duplexPair();
  let asked = 0;
  const tool = talkOver(left, 'calls');
  const gateway = talkOver(right, 'answers', {
    answers: {
      commit: () => {
        asked += 1;
        return new Promise(() => {});
      },
    },
  });
  const open = refusal(tool.ask('commit', 0));
  await tool.tell('x', 0);
  right.removeAllListeners('data');
  const next = talkOver(right, 'answers', {
    answers: {
      commit: () => {
        asked += 1;
      },
      state: () => 'unprovisioned',
    },
  });
  assert.is((await open).code, 'link-session-ended');
  assert.is(await tool.ask('state', null), 'unprovisioned');
  assert.is(asked, 1);
  await tool.close();
  await next.close();
  await gateway.close();
});

test.run();
