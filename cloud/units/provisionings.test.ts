// @long
import { generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import type { ProvisioningRecord } from '@loadline/sdk/provisioning';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from '../doors/test-doors.ts';
import { provisioned, recordOf, signedBy, type TestGateway } from './test-gateway.ts';

const test = suite<{ doors: Doors; gateway: TestGateway }>('records of provisioning');
test.before(async (context) => {
  context.doors = await openDoors();
  context.gateway = await provisioned(context.doors, 'pylon');
});
test.after(({ doors }) => doors.close());

/** The code and words of a refusal. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  return await asked.then(
    () => 'not refused',
    ({ code, message }) => `${code} ${message}`,
  );
}

const bring = ({ organisation }: Doors, device: string, body: { record: string; signature: string }) =>
  organisation.addProvisioning({ device, body });

test('a record is kept byte for byte, once, with who brought it, and says which gateway the board is', async ({
  doors,
  gateway,
}) => {
  const { organisation } = doors;
  // Spaces and the order of members are the signer's own: nothing that was signed is encoded again.
  const body = signedBy(gateway.signer, JSON.stringify(recordOf(gateway), null, 3));
  const { id } = await bring(doors, 'pylon', body);
  assert.is((await bring(doors, 'pylon', body)).id, id);
  const { items } = await organisation.listProvisionings({ device: 'pylon' });
  const caller = await doors.client.getCaller();
  assert.equal(
    items.map(({ at: _, ...rest }) => rest),
    [
      {
        ...{ id, serialNumber: gateway.serialNumber, record: body.record, signature: body.signature },
        ...{ by: { kind: 'user', id: caller.id }, certificate: gateway.fingerprint },
      },
    ],
  );
  const units = await organisation.listUnits();
  assert.equal(
    units.items.map(({ id, device }) => [id, device]),
    [[gateway.serialNumber, 'pylon']],
  );
});

test('a record that names no certificate is checked with the one of its key', async ({ doors, gateway }) => {
  const body = signedBy(gateway.signer, recordOf(gateway, { certificate: null, where: 'Pier 5' }));
  await bring(doors, 'pylon', body);
  const { items } = await doors.organisation.listProvisionings({ device: 'pylon' });
  assert.is(items.find(({ record }) => record === body.record)?.certificate, gateway.fingerprint);
});

test('what the cloud knows otherwise, and what is no record, is refused with its place', async ({
  doors,
  gateway,
}) => {
  const { organisation } = doors;
  const other = 'e1'.repeat(32);
  const said = (changes: Partial<ProvisioningRecord>) => signedBy(gateway.signer, recordOf(gateway, changes));
  const reading = { epoch: '00'.repeat(16), number: 1, tag: '1000' };
  const cases: [{ record: string; signature: string }, RegExp][] = [
    [signedBy(gateway.signer, 'no JSON'), /request-invalid.*not JSON/],
    [signedBy(gateway.signer, '{}'), /request-invalid.*version/],
    [signedBy(gateway.signer, { ...recordOf(gateway), more: 1 }), /request-invalid.*more/],
    [said({ gatewayId: 'ours' }), /request-invalid.*gatewayId/],
    [said({ organisation: 'second' }), /request-invalid.*organisation/],
    [said({ authority: [other] }), /request-invalid.*authority/],
    [said({ result: 'provisioned' }), /request-invalid.*result/],
    [said({ result: 'provisioned', reading }), /request-invalid.*has not been received/],
    [said({ serialNumber: 'another-board' }), /conflict.*no voucher/],
    [said({ ownershipCounter: gateway.counter + 1 }), /conflict.*no voucher/],
    [said({ certificate: other }), /conflict.*no certificate/],
    [said({ publicKey: other }), /conflict.*no certificate/],
  ];
  for (const [body, why] of cases) assert.match(await refusal(bring(doors, 'pylon', body)), why);
  const { items } = await organisation.listProvisionings({ device: 'pylon' });
  assert.is(items.length, 2);
});

test('a signature by another key, of another record, or none at all is refused', async ({
  doors,
  gateway,
}) => {
  const record = recordOf(gateway, { where: 'Pier 6' });
  const text = JSON.stringify(record);
  const thief = softwareSigner((await generateKeyPair()).privateKeyPem);
  const bare = Buffer.from(gateway.signer.sign(Buffer.from(text))).toString('base64');
  const good = signedBy(gateway.signer, record);
  const flipped = Buffer.from(good.signature, 'base64');
  flipped.writeUInt8(flipped.readUInt8(9) ^ 1, 9);
  const cases = [
    signedBy(thief, record),
    // Signed without the words that say what for: what a gateway signs elsewhere is no record.
    { record: text, signature: bare },
    { record: good.record.replace('Pier 6', 'Pier 7'), signature: good.signature },
    { record: text, signature: flipped.toString('base64') },
    { record: text, signature: 'AAAA' },
  ];
  for (const body of cases) {
    assert.match(await refusal(bring(doors, 'pylon', body)), /request-invalid.*not of the key/);
  }
});

test('a certificate that was revoked speaks for nobody; one that a newer one followed does', async ({
  doors,
}) => {
  const { organisation } = doors;
  const revoked = await provisioned(doors, 'revoked-mast');
  await organisation.revokeCertificate({ device: revoked.id, certificate: revoked.fingerprint });
  assert.match(
    await refusal(bring(doors, revoked.id, signedBy(revoked.signer, recordOf(revoked)))),
    /conflict.*no certificate/,
  );
  const older = await provisioned(doors, 'renewed-mast');
  const newer = await doors.prove(older.id);
  await doors.store.read('certificateKeysOf', { gateway: older.id });
  assert.ok(newer.cert);
  await bring(doors, older.id, signedBy(older.signer, recordOf(older)));
});

test('the board of another organisation is provisioned by nobody else', async ({ doors }) => {
  const gateway = await provisioned(doors, 'robbed-mast');
  await doors.client.releaseFleetUnit({ unit: gateway.serialNumber });
  assert.match(
    await refusal(bring(doors, gateway.id, signedBy(gateway.signer, recordOf(gateway)))),
    /conflict.*no voucher/,
  );
});

test.run();
