import { request } from 'node:https';
import { createSigningRequest, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../test-doors.ts';

const test = suite<{ doors: Doors }>('enrolment over HTTPS');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

/** The status of an enrolment as that gateway. */
async function enrol({ https, authorityPem }: Doors, gateway: string, secret: string): Promise<number> {
  const { privateKeyPem } = await generateKeyPair();
  const pem = createSigningRequest({ commonName: gateway, signer: softwareSigner(privateKeyPem) });
  const body = pem.replaceAll(/-----[^-]+-----|\s/g, '');
  return await new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: 'localhost', port: https.port, ca: authorityPem, agent: false },
        path: '/.well-known/est/simpleenroll',
        method: 'POST',
        auth: `${gateway}:${secret}`,
        headers: { 'content-type': 'application/pkcs10' },
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

test('stands in the audit log, refused or done, and its secret does not', async ({ doors }) => {
  const { organisation, client } = doors;
  const { enrolmentSecret } = await organisation.createDevice({ body: { id: 'boom' } });
  assert.is(await enrol(doors, 'boom', 'guess-guess-guess'), 403);
  assert.is(await enrol(doors, 'nobody-knows', enrolmentSecret), 403);
  assert.is(await enrol(doors, 'boom', enrolmentSecret), 200);
  const { items } = await organisation.listAudit({ query: { action: 'certificate.create' } });
  const told = items.map(({ actor, target, outcome, code }) => [actor.kind, target?.id, outcome, code]);
  assert.equal(told, [
    ['gateway', 'boom', 'done', null],
    ['nobody', 'boom', 'refused', 'enrolment-refused'],
  ]);
  assert.ok(items.every(({ source }) => source !== null));
  const fleet = await client.listFleetAudit({ query: { action: 'certificate.create' } });
  assert.equal(
    fleet.items.map(({ target }) => target?.id),
    ['nobody-knows'],
  );
  assert.not.match(JSON.stringify([items, fleet.items]), enrolmentSecret);
  assert.not.match(JSON.stringify([items, fleet.items]), 'guess-guess');
});

test.run();
