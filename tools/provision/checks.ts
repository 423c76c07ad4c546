import { createHash, createPublicKey, verify } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { certificateDetails, readSigningRequest } from '@loadline/sdk/identity';
import { keyProof, type Reply, recordToSign, type Site } from '@loadline/sdk/provisioning';
import { ProvisionFailure } from './outcome.ts';

/** What the tool believes only after it has looked. Each function throws ProvisionFailure, and says what is not as it must be. */

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** SHA-256 fingerprints of all certificates in a PEM text, in their order. */
export function fingerprintsOf(pem: string): string[] {
  return certificatesIn(pem).map((one) => certificateDetails(one).fingerprint);
}

function certificatesIn(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

/** SHA-256 of a public key, SPKI in DER. */
export function fingerprintOfKey(publicKeyPem: string): string {
  return sha256(createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' }));
}

/** SHA-256 of a voucher's CMS, which comes in base64. */
export function fingerprintOfVoucher(voucher: string): string {
  return sha256(Buffer.from(voucher, 'base64'));
}

/** What the tool asked for a key with. */
interface Asked {
  readonly challenge: string;
  readonly nonce: string;
  readonly serialNumber: string;
  readonly gatewayId: string;
}

/** The public key of a request, once the gateway has proven that it has the private one, now and to this tool. */
export function checkKey(asked: Asked, { request, proof }: Reply<'key'>): string {
  let subject: ReturnType<typeof readSigningRequest>;
  try {
    subject = readSigningRequest(request);
  } catch (cause) {
    throw unproven(`its certificate request cannot be used: ${(cause as Error).message}`, cause);
  }
  if (subject.commonName !== asked.gatewayId) {
    throw unproven(
      `its certificate request is for ${subject.commonName}, and ${asked.gatewayId} was asked for`,
    );
  }
  const proven = keyProof({ ...asked, request });
  if (!verify('sha256', proven, subject.publicKeyPem, Buffer.from(proof, 'base64'))) {
    throw unproven('its signature over this session is not by the key of its certificate request');
  }
  return subject.publicKeyPem;
}

function unproven(what: string, cause?: unknown): ProvisionFailure {
  return new ProvisionFailure(
    'failed',
    `the gateway has not proven that it has its key: ${what}`,
    'do not go on with this board: something else than its program answers, or it is damaged',
    { cause },
  );
}

/** The cloud's certificate is for this gateway's name and key. */
export function checkChain(chain: string, wanted: { gatewayId: string; publicKeyPem: string }): void {
  const [leaf = ''] = certificatesIn(chain);
  const { commonName, publicKeyPem } = certificateDetails(leaf);
  if (commonName === wanted.gatewayId && sameKey(publicKeyPem, wanted.publicKeyPem)) return;
  throw new ProvisionFailure(
    'failed',
    `the cloud's certificate is for ${commonName}, or for another key than the gateway's`,
    'run it again; if it stays so, tell who runs the cloud',
  );
}

function sameKey(one: string, other: string): boolean {
  return fingerprintOfKey(one) === fingerprintOfKey(other);
}

/** SHA-256 of every secret in a site, by the path of its member. */
function secretsIn(site: Site): Record<string, string> {
  const secrets = {
    'enrolment.secret': site.enrolment.secret,
    'network.wifi.passphrase': site.network.wifi?.passphrase ?? null,
    proxyPassword: site.proxyPassword,
  };
  return Object.fromEntries(
    Object.entries(secrets).flatMap(([name, secret]) => (secret === null ? [] : [[name, sha256(secret)]])),
  );
}

/** What differs between what was read back and the site; nothing, where it is the site. */
function differences(site: Site, back: Reply<'read'>): string[] {
  const found: string[] = [];
  const compare = (what: string, wanted: unknown, is: unknown) => {
    if (!isDeepStrictEqual(plain(wanted), plain(is))) found.push(what);
  };
  compare('its id', site.gatewayId, back.gatewayId);
  // Of the roots it keeps those that its voucher vouches for: while the fleet changes its root that may be one of two.
  const roots = fingerprintsOf(site.authority);
  const isOfThese = back.authority.every((root) => roots.includes(root));
  if (!isOfThese || back.authority.length === 0) found.push("the fleet's authority");
  compare('its certificate', site.chain === null ? [] : fingerprintsOf(site.chain), back.chain);
  compare('its secrets', secretsIn(site), back.secrets);
  for (const [name, wanted] of Object.entries(site.configuration)) {
    const is = back.configuration[name];
    compare(`the table ${name}`, wanted, name === 'uplink' ? withoutOwnFiles(is) : is);
  }
  const theirs = new Set([...Object.keys(site.configuration), ...ownTables]);
  for (const name of Object.keys(back.configuration)) {
    if (!theirs.has(name)) found.push(`a table ${name}, which nobody wrote`);
  }
  const { id } = { ...(back.configuration.gateway as object) } as { readonly id?: unknown };
  compare('the id in its configuration', site.gatewayId, id);
  return found;
}

/** What the gateway says in its configuration itself. */
export const ownTables = ['gateway', 'enrolment', 'control', 'clock', 'journal'];

/** `uplink` without the paths of files, which the gateway adds. */
export function withoutOwnFiles(uplink: unknown): Readonly<Record<string, unknown>> {
  const { authority: _, proxy, ...rest } = { ...(uplink as Record<string, unknown>) };
  if (proxy === undefined) return rest;
  const { password_file: __, ...kept } = { ...(proxy as Record<string, unknown>) };
  return { ...rest, proxy: kept };
}

/** A value as JSON has it: nothing undefined, no prototypes. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** What stands on the gateway's disk is what was written. `written`: the site as JSON text. */
export function checkReadBack(site: Site, written: string, back: Reply<'read'>): void {
  const digest = sha256(written);
  const found = back.digest === digest ? [] : ['the digest of the whole'];
  found.push(...differences(site, back));
  if (found.length === 0) return;
  throw new ProvisionFailure(
    'failed',
    `what was read back is not what was written: ${found.join(', ')}`,
    'run it again; if it stays so, the storage of the board is damaged',
  );
}

/** A record's signature is by the gateway's key. */
export function checkRecord(record: string, signature: string, publicKeyPem: string): void {
  if (verify('sha256', recordToSign(record), publicKeyPem, Buffer.from(signature, 'base64'))) return;
  throw new ProvisionFailure(
    'failed',
    'the signature of the record is not by the key of the gateway',
    'run it again; if it stays so, something else than its program answers',
  );
}
