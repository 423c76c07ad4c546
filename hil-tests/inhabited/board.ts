import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { createSigningRequest, generateKeyPair, type Signer, softwareSigner } from '@loadline/sdk/identity';
import { type ProvisioningRecord, recordToSign } from '@loadline/sdk/provisioning';

/** One key for all boards of a process: no two of them ever meet, and a key takes a while to make. */
let key: Promise<Signer> | undefined;

function boardKey(): Promise<Signer> {
  key ??= generateKeyPair().then(({ privateKeyPem }) => softwareSigner(privateKeyPem));
  return key;
}

/** A certificate request for a gateway, by the key of the boards. */
export async function boardRequest(gatewayId: string): Promise<string> {
  return createSigningRequest({ commonName: gatewayId, signer: await boardKey() });
}

/** The record of a provisioning without a network, and its signature: by `signer`, or by the key of the boards. */
export async function boardRecord(of: {
  readonly gatewayId: string;
  readonly organisation: string;
  readonly serialNumber: string;
  readonly counter: number;
  readonly where: string;
  readonly authorityPem: string;
  readonly signer?: Signer;
}): Promise<{ record: string; signature: string }> {
  const signer = of.signer ?? (await boardKey());
  const { gatewayId, organisation, serialNumber, counter, where, authorityPem } = of;
  const digest = 'd0'.repeat(32);
  const record: ProvisioningRecord = {
    ...{ version: 1, gatewayId, organisation, serialNumber, result: 'staged', where },
    ...{ at: new Date().toISOString(), technician: 'nobody', tool: 'a test', model: 'a board', runtime: '0' },
    ...{ certificate: null, reading: null, voucher: digest, site: digest, ownershipCounter: counter },
    publicKey: sha256(createPublicKey(signer.publicKeyPem).export({ type: 'spki', format: 'der' })),
    authority: [sha256(new X509Certificate(authorityPem).raw)],
  };
  const text = JSON.stringify(record);
  return { record: text, signature: Buffer.from(signer.sign(recordToSign(text))).toString('base64') };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
