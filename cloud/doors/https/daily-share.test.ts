// @long
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpsRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addRelease, builtRelease, ReleaseManager, sha256 } from '../../releases/test-release.ts';
import { type Doors, openDoors, ours, theirs } from '../test-doors.ts';

const test = suite('what one gateway may take of the repository in a day');

const mebibyte = 1024 * 1024;
const node = randomBytes(24 * mebibyte);
let doors: Doors;

test.before(async () => {
  doors = await openDoors();
  const manager = new ReleaseManager();
  const { releases } = doors.updating;
  await manager.appointBy(releases);
  await addRelease(releases, manager, builtRelease('1.4.0', { 'bin/node': node }));
});
test.after(() => doors.close());

/** Takes files, or parts of them, over one connection at a time; the answer, and how many bytes came. */
async function takerOf(gateway: string) {
  const proof = await doors.prove(gateway);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () =>
    connect({ host: 'localhost', port: doors.https.port, ca: doors.authorityPem, ...proof });
  return {
    /** Begins to take a file, and cuts it. */
    async begin(path: string) {
      const asked = httpsRequest({ agent, path: `/update/v1/${path}`, headers: { host: 'localhost' } });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      assert.is(answer.statusCode, 200);
      answer.destroy();
      await once(asked, 'close');
    },
    async take(path: string, range?: string) {
      const headers = { host: 'localhost', ...(range !== undefined && { range }) };
      const asked = httpsRequest({ agent, path: `/update/v1/${path}`, headers });
      asked.end();
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      let bytes = 0;
      for await (const chunk of answer) bytes += chunk.length;
      return { answer, bytes };
    },
    close: () => agent.destroy(),
  };
}

test('who takes the same again and again is put off, and nobody else with it', async () => {
  const mast = await takerOf(ours);
  const path = `blobs/${sha256(node)}`;
  // Of what is cut, only what was sent is charged: a link that breaks again and again would use up the day.
  for (let cuts = 0; cuts < 30; cuts++) await mast.begin(path);
  let taken = 0;
  let refused: IncomingMessage | undefined;
  while (refused === undefined && taken < 600 * mebibyte) {
    const { answer, bytes } = await mast.take(path);
    if (answer.statusCode === 200) taken += bytes;
    else refused = answer;
  }
  assert.ok(taken >= 512 * mebibyte && taken < 600 * mebibyte, `${taken} bytes`);
  assert.is(refused?.statusCode, 429);
  assert.ok(Number(refused?.headers['retry-after']) > 0);
  assert.is((await mast.take('metadata/timestamp.json')).answer.statusCode, 429);
  const other = await takerOf(theirs);
  assert.is((await other.take(path, 'bytes=0-9')).answer.statusCode, 206);
  for (const one of [mast, other]) one.close();
});

test.run();
