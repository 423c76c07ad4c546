import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { createSigningRequest, generateKeyPair, type Signer, softwareSigner } from '@loadline/sdk/identity';
import { type ProvisioningRecord, recordToSign } from '@loadline/sdk/provisioning';
import type { Doors } from '../doors/test-doors.ts';

/** For tests: a gateway on a board, provisioned as far as its certificate. */
export interface TestGateway {
  readonly id: string;
  readonly serialNumber: string;
  readonly signer: Signer;
  readonly privateKeyPem: string;
  readonly chain: string;
  readonly authority: string;
  readonly fingerprint: string;
  readonly counter: number;
}

/** For tests: takes a gateway in, claims its board and has a certificate issued for it. */
export async function provisioned(
  { organisation }: Pick<Doors, 'organisation'>,
  id: string,
  serialNumber = `board-of-${id}`,
): Promise<TestGateway> {
  await organisation.createDevice({ body: { id } });
  const { counter } = await organisation.createVoucher({ body: { serialNumber } });
  const { privateKeyPem } = await generateKeyPair();
  const signer = softwareSigner(privateKeyPem);
  const request = createSigningRequest({ commonName: id, signer });
  const issued = await organisation.issueCertificate({ device: id, body: { request } });
  return { ...issued, id, serialNumber, signer, privateKeyPem, counter };
}

/** For tests: what a technician has a gateway sign, without a reading. */
export function recordOf(
  gateway: TestGateway,
  changes: Partial<ProvisioningRecord> = {},
): ProvisioningRecord {
  const { id: gatewayId, serialNumber, signer, authority, fingerprint, counter } = gateway;
  const digest = 'd0'.repeat(32);
  return {
    ...{ version: 1, gatewayId, organisation: 'first', serialNumber, result: 'staged' },
    ...{ at: '2026-11-22T12:00:00Z', where: 'Pier 4', technician: 'ann@example.org', tool: 'loadline 1' },
    ...{ model: 'a board', runtime: '1.0', certificate: fingerprint, reading: null },
    ...{ ownershipCounter: counter, voucher: digest, site: digest },
    publicKey: sha256(createPublicKey(signer.publicKeyPem).export({ type: 'spki', format: 'der' })),
    authority: [sha256(new X509Certificate(authority).raw)],
    ...changes,
  };
}

/** For tests: a record as it is brought, signed over what `recordToSign` says. */
export function signedBy(signer: Signer, record: unknown): { record: string; signature: string } {
  const text = typeof record === 'string' ? record : JSON.stringify(record);
  return { record: text, signature: Buffer.from(signer.sign(recordToSign(text))).toString('base64') };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
