import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { limits } from '@loadline/sdk/contract';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Admissions } from './admissions.ts';

/** A connection as it stands before `Admissions`: addresses, and an end. */
async function server(admissions: Admissions) {
  const taken: Socket[] = [];
  const listens = createServer((socket) => {
    assert.ok(admissions.admit(socket));
    taken.push(socket);
  }).listen(0, '127.0.0.1');
  await once(listens, 'listening');
  return { port: (listens.address() as AddressInfo).port, taken, listens };
}

test('connections from one port to two of ours are two, and none of them counts once it has ended', async () => {
  const admissions = new Admissions();
  const [tcp, tls] = [await server(admissions), await server(admissions)];
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const from = {
    host: '127.0.0.1',
    localAddress: '127.0.0.1',
    localPort: (free.address() as AddressInfo).port,
  };
  free.close();
  await once(free, 'close');
  const first = connect({ ...from, port: tcp.port });
  await once(first, 'connect');
  const second = connect({ ...from, port: tls.port });
  await once(second, 'connect');
  for (const socket of [first, second]) socket.destroy();
  while (admissions.sockets.size > 0 || tcp.taken.length + tls.taken.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // As many as may be: none is left over of the two.
  const more = Array.from({ length: limits.socketUnprovenPerAddress }, (_, at) => ({
    ...{ remoteAddress: '127.0.0.1', remotePort: at, localPort: 1, once: () => {} },
  }));
  assert.ok(more.every((socket) => admissions.admit(socket as unknown as Socket)));
  for (const { listens } of [tcp, tls]) listens.close();
});

test.run();
