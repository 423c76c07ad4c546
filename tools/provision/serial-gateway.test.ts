import { type Duplex, duplexPair } from 'node:stream';
import { generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { Conversation } from '@loadline/sdk/serial-link';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LineLost } from './line.ts';
import { SerialGateway } from './serial-gateway.ts';
import { refuse, TestGateway } from './test-gateway.ts';

const test = suite('a gateway behind a serial link');

const signer = softwareSigner((await generateKeyPair()).privateKeyPem);

/** Opens the near end of a stream. */
const opening = (stream: Duplex) => async () => ({ stream, close: async () => void stream.destroy() });

async function thrown(work: Promise<unknown>): Promise<Error & { act?: string; code?: string }> {
  return await work.then(
    () => assert.unreachable('it is refused') as never,
    (error) => error,
  );
}

test('a login prompt is named as what it is, and what to do about it', async () => {
  const [here, there] = duplexPair();
  there.on('data', () => there.write('\r\nDebian GNU/Linux 12 quay ttyAMA0\r\n\r\nquay login: '));
  const error = await thrown(SerialGateway.open({ open: opening(here), patience: 0 }, 800));
  assert.match(error.message, 'a getty has the gateway');
  assert.match(error.act ?? '', 'serial-getty');
  there.destroy();
});

test('where nothing answers, that is said with what to look at', async () => {
  const [here, there] = duplexPair();
  there.resume();
  const error = await thrown(SerialGateway.open({ open: opening(here), patience: 0 }, 300));
  assert.match(error.message, 'nothing came within 0.3 s');
  assert.match(error.act ?? '', 'cable');
  there.destroy();
});

test('a refusal has its code and its words, and what to do where the gateway does not say it', async () => {
  const gateway = await TestGateway.open(signer, {
    own: () => refuse('voucher-refused', 'for another board'),
  });
  const error = await thrown(gateway.line.ask('own', { voucher: '', discardUndelivered: false }));
  assert.equal(
    [error.name, error.code, error.message],
    ['GatewayRefusal', 'voucher-refused', 'for another board'],
  );
  assert.match(error.act ?? '', 'check the serial number');
  await gateway.close();
});

test('an answer that is not what the protocol says is not believed', async () => {
  const gateway = await TestGateway.open(signer, { commit: () => ({ state: 'ruined' }) as never });
  const error = await thrown(gateway.line.ask('commit', { digest: '0'.repeat(64) }));
  assert.match(error.message, /the answer to commit is not what the protocol says \(state /);
  await gateway.close();
});

test('a time that no date can be made of is none', async () => {
  const gateway = await TestGateway.open(signer, {
    describe: (honest) => ({
      ...honest,
      gateway: { id: 'quay-7', organisation: 'first', fingerprint: null, expires: 1e30 },
    }),
  });
  const error = await thrown(gateway.line.ask('describe', {}));
  assert.match(error.message, 'the answer to describe is not what the protocol says (gateway.expires ');
  await gateway.close();
});

test('a line that is gone is waited for, no longer than it may be, and it is said at which question it went', async () => {
  const [here, there] = duplexPair();
  const far = Conversation.over(there, {
    role: 'answers',
    capabilities: [],
    answers: { write: () => new Promise(() => here.destroy()) },
  });
  const life: string[] = [];
  let opened = 0;
  const open = async () => {
    if (opened++ > 0) throw new Error('there is no such port');
    return { stream: here, close: async () => {} };
  };
  const line = await SerialGateway.open({ open, patience: 300, onLife: (one) => life.push(one) }, 5000);
  const error = await thrown(line.ask('write', { site: '{}' }));
  assert.instance(error, LineLost);
  assert.is(error.message, 'the line was lost, while it was asked to write');
  assert.equal([life, opened > 1], [['lost'], true]);
  await line.close();
  await far.close();
});

test('a line that is back in time goes on where it was', async () => {
  const [here, there] = duplexPair();
  const far: Conversation = Conversation.over(there, {
    role: 'answers',
    capabilities: [],
    answers: {
      close: async () => {
        here.destroy();
        await new Promise((resolve) => setTimeout(resolve, 200));
        const [near, distant] = duplexPair();
        next.resolve(near);
        far.link.attach(distant);
        return {};
      },
    },
  });
  const next = Promise.withResolvers<Duplex>();
  const life: string[] = [];
  let opened = 0;
  const open = async () => ({ stream: opened++ === 0 ? here : await next.promise, close: async () => {} });
  const line = await SerialGateway.open({ open, patience: 5000, onLife: (one) => life.push(one) }, 5000);
  assert.equal(await line.ask('close', {}), {});
  assert.equal(life, ['lost', 'back']);
  await line.close();
  await far.close();
});

test.run();
