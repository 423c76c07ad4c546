import { duplexPair } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Conversation, LinkError } from './index.ts';

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

test('asks are answered both ways, and tells arrive', async () => {
  const [left, right] = duplexPair();
  const told: unknown[] = [];
  const tool = Conversation.over(left, {
    role: 'calls',
    capabilities: ['tool'],
    onTell: (name, body) => void told.push([name, body]),
  });
  const gateway = Conversation.over(right, {
    role: 'answers',
    capabilities: ['gateway', 'provisioning/1'],
    answers: {
      describe: () => ({ serialNumber: 'LL-1' }),
      double: async (body) => (body as number) * 2,
      refuse: () => {
        throw new LinkError('not-now', 'not now', 'later');
      },
    },
  });
  const session = await tool.link.ready(2000);
  assert.equal(session.capabilities, ['gateway', 'provisioning/1']);
  assert.equal(await tool.ask('describe', null), { serialNumber: 'LL-1' });
  assert.equal(
    await Promise.all(Array.from({ length: 50 }, (_, n) => tool.ask('double', n))),
    Array.from({ length: 50 }, (_, n) => 2 * n),
  );
  const { code, message, act } = await refusal(tool.ask('refuse', 1));
  assert.equal([code, message, act], ['not-now', 'not now', 'later']);
  assert.is((await refusal(tool.ask('nothing', 1))).code, 'link-ask-unknown');
  await gateway.tell('tag', [1, 2, 3]);
  const chunk = Buffer.alloc(1024 * 1024, 7);
  await gateway.tell('chunk', chunk);
  assert.is(told.length, 2);
  assert.ok(chunk.equals((told[1] as unknown[])[1] as Buffer));
  await tool.close();
  await gateway.close();
});

test.run();
