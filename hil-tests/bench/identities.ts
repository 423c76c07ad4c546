import { randomBytes } from 'node:crypto';
import {
  createAuthority,
  generateKeyPair,
  issueCertificate,
  type Profile,
  softwareSigner,
} from '@loadline/sdk/identity';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';

const day = 86_400_000;

/** An authority of its own, a server on localhost and clients of these names under it: for what is not Loadline's cloud. */
export async function makeIdentities(
  names: readonly string[],
): Promise<{ readonly server: GatewayIdentity; readonly clients: readonly GatewayIdentity[] }> {
  const [root, leaf] = await Promise.all([generateKeyPair(), generateKeyPair()]);
  const signer = softwareSigner(root.privateKeyPem);
  const now = Date.now();
  const terms = () => ({ notBefore: now - day, notAfter: now + day, serial: randomBytes(16) });
  const authorityPem = createAuthority({
    commonName: 'Stack to compare with',
    signer,
    ...terms(),
    notAfter: now + 2 * day,
  });
  const { publicKeyPem } = softwareSigner(leaf.privateKeyPem);
  const issue = (commonName: string, profile: Profile) =>
    issueCertificate({
      ...profile,
      issuer: { certificatePem: authorityPem, signer },
      subject: { commonName, publicKeyPem },
      ...terms(),
    });
  const of = (id: string, profile: Profile): GatewayIdentity => ({
    id,
    privateKeyPem: leaf.privateKeyPem,
    chainPem: issue(id, profile),
    authorityPem,
  });
  return {
    server: of('localhost', { profile: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }),
    clients: names.map((name) => of(name, { profile: 'gateway' })),
  };
}
