import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Visit } from './call.ts';
import { sendFile } from './send-file.ts';

const test = suite('a file that is made while it is sent');

/** Sends what `pieces` makes over real HTTP; what its reader got, and what was told of a failure. */
async function sent(pieces: AsyncGenerator<string>, leaves: boolean) {
  const failures: string[] = [];
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const done = once(server, 'request').then(async ([, stream]) => {
    const visit = { stream: () => stream, failed: (reason: string) => void failures.push(reason) };
    await sendFile(
      visit as unknown as Visit,
      { type: 'text/plain', name: 'a.txt', pieces },
      async () => true,
    );
  });
  const ended = await new Promise<string>((resolve) => {
    const { port } = server.address() as AddressInfo;
    const asked = get({ port, agent: false }, (answer) => {
      if (leaves) asked.destroy();
      answer.on('error', () => resolve('broken off'));
      answer.on('end', () => resolve('whole'));
      answer.resume();
    }).on('error', () => resolve('broken off'));
  });
  await done;
  server.close();
  return { ended, failures };
}

async function* failing(): AsyncGenerator<string> {
  yield 'one\n';
  throw new Error('chunk 7 is damaged');
}

test('that cannot be read to its end does not look whole, and why is told to the log', async () => {
  assert.equal(await sent(failing(), false), { ended: 'broken off', failures: ['chunk 7 is damaged'] });
});

async function* endless(): AsyncGenerator<string> {
  for (;;) yield 'x'.repeat(65_536);
}

test('is no failure where its reader goes, and is read no further', async () => {
  assert.equal(await sent(endless(), true), { ended: 'broken off', failures: [] });
});

test.run();
