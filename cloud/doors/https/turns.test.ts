import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, neighbour, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('changes of one thing at one time');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

const device = `/api/v1/organisations/first/devices/${neighbour}`;

/** A request of the administrator's, on a connection of its own, by the address as it is given. */
function send(
  { https: { port }, authorityPem: ca, client }: Doors,
  asked: { method: string; path: string; ifMatch?: string | undefined; body?: object },
): Promise<{ status: number; tag: string | undefined; reply: Record<string, unknown> }> {
  const { method, path, ifMatch, body } = asked;
  const headers = {
    origin: client.origin,
    cookie: Object.entries(client.cookies)
      .map(([name, value]) => `${name}=${value}`)
      .join('; '),
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  return new Promise((resolve, reject) => {
    request({ host: 'localhost', port, ca, method, path, headers, agent: false }, async (answer) => {
      const reply = JSON.parse((await text(answer)) || '{}') as Record<string, unknown>;
      resolve({ status: answer.statusCode ?? 0, tag: answer.headers.etag, reply });
    })
      .on('error', reject)
      .end(body && JSON.stringify(body));
  });
}

test('of those who read the same, one changes it, however each writes its address', async ({ doors }) => {
  for (let round = 0; round < 5; round++) {
    const { tag: ifMatch } = await send(doors, { method: 'GET', path: device });
    const answers = await Promise.all(
      [device, `${device}?`, `${device}?again`, device.replace('crane', 'cr%61ne')].map((path, at) =>
        send(doors, { method: 'PATCH', path, ifMatch, body: { name: `${round} ${at}` } }),
      ),
    );
    assert.equal(answers.map(({ status }) => status).sort(), [200, 412, 412, 412]);
  }
});

test('two who change different fields of a device both have their way', async ({ doors }) => {
  const { id: department } = await doors.organisation.createDepartment({ body: { name: 'North' } });
  const patch = (body: object) => send(doors, { method: 'PATCH', path: device, body });
  for (let round = 0; round < 5; round++) {
    await patch({ name: 'before', department: null });
    await Promise.all([patch({ name: 'after' }), patch({ department })]);
    const { reply } = await send(doors, { method: 'GET', path: device });
    assert.equal([reply.name, reply.department], ['after', department]);
  }
});

test('a token that is switched off stays so, whoever renames it at that moment', async ({ doors }) => {
  const wanted = { name: 'script', scopes: ['devices.get'], days: 1 };
  const { id } = await doors.organisation.createToken({ body: wanted });
  const path = `/api/v1/organisations/first/tokens/${id}`;
  const patch = (body: object) => send(doors, { method: 'PATCH', path, body });
  for (let round = 0; round < 5; round++) {
    await patch({ status: 'active' });
    await Promise.all([patch({ status: 'inactive' }), patch({ name: `script ${round}` })]);
    assert.is((await send(doors, { method: 'GET', path })).reply.status, 'inactive');
  }
});

test.run();
