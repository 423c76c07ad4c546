import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors, until } from '../test-doors.ts';

const test = suite('a request whose body takes its time');

let doors: Doors;
test.before(async () => {
  doors = await openDoors();
});
test.after(() => doors.close());

const body = JSON.stringify({ name: 'Of a thief' });

/** Sends all of a request but its body: it has been let in by its head. */
async function begin(): Promise<{ socket: TLSSocket; said: () => string }> {
  const { port } = doors.https;
  const socket = connect({ host: 'localhost', port, ca: doors.authorityPem });
  await once(socket, 'secureConnect');
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const cookie = Object.entries(doors.client.cookies).map(([name, value]) => `${name}=${value}`);
  const head = [
    'PATCH /api/v1/organisations/first HTTP/1.1',
    `host: localhost:${port}`,
    `origin: https://localhost:${port}`,
    `cookie: ${cookie.join('; ')}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    'expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await until(() => said.includes('100 Continue'), 'the word to go on');
  return { socket, said: () => said };
}

test('is refused, and changes nothing, where its session has ended meanwhile', async () => {
  const before = await doors.organisation.getOrganisation();
  const { socket, said } = await begin();
  const { items } = await doors.client.listOwnSessions({});
  await doors.client.logOut();
  assert.is(items.length, 1);
  socket.write(body);
  await until(() => said().includes('unauthenticated'), 'a refusal');
  assert.match(said(), 'HTTP/1.1 401');
  socket.destroy();
  assert.is((await doors.store.read('organisation', { id: 'first' }))?.name, before.name);
});

test.run();
