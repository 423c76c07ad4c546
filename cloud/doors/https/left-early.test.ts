import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Standing } from '../../access/index.ts';
import { type Directory, Live } from '../../router/index.ts';
import type { Call } from './call.ts';
import { liveHandlers } from './handlers/live.ts';

const test = suite('a follower who leaves while he is let in');

/** The answer to a request whose client has gone. */
async function leftAlone(): Promise<{ answer: ServerResponse; close: () => void }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [, answer] = (await once(server, 'request')) as [unknown, ServerResponse];
  client.destroy();
  await once(answer, 'close');
  return { answer, close: () => server.close() };
}

test('is not followed for, and not counted among the streams he has open', async () => {
  const live = new Live();
  const { handlers } = liveHandlers({
    live,
    directory: { device: () => undefined } as unknown as Directory,
    store: { changes: 0 },
    onSkipped: () => {},
    now: Date.now,
  });
  const standing: Standing = {
    organisation: { id: 'first' },
    scopes: new Set(['readings.get']),
    reach: { departments: 'all', customer: null, devices: null, tags: null },
    withheld: null,
  };
  const { answer, close } = await leftAlone();
  const caller = { ...{ kind: 'token', id: 't', name: 'logger', creator: 'p' }, expires: 9e15, standing };
  // More often than one caller may have streams.
  for (let times = 0; times < 25; times++) {
    await handlers.followReadings({
      ...{ input: { organisation: 'first', query: {} }, caller, standing },
      visit: { stream: () => answer },
      again: async () => standing,
    } as unknown as Call<'followReadings'>);
  }
  assert.is(live.followers, 0);
  close();
});

test.run();
