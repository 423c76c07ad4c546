import { createPublicKey, randomBytes as systemRandomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  type CertificateDetails,
  certificateDetails,
  createAuthority,
  generateKeyPair,
  IdentityError,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  type Subject,
  softwareSigner,
} from '@loadline/sdk/identity';
import { isExposed, makePrivateFolder, readIfThere, writeWhole } from '@loadline/sdk/platform';
import { AuthorityError } from './errors.ts';
import { openServerIdentity, type ServerIdentity } from './server-identity.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** How long certificates live, in milliseconds. */
const lifetimes = {
  root: 20 * 365 * day,
  server: 90 * day,
  gateway: 30 * day,
  /** Every certificate begins this long before it is made: clocks that are a little slow take it too. */
  backdated: hour,
} as const;

/** One certificate that was issued, as it is to be recorded. */
export interface Issuance extends CertificateDetails {
  readonly profile: 'authority' | 'server' | 'gateway';
  readonly certificatePem: string;
}

export interface AuthorityOptions {
  /** Where the keys are made and stay. One process at a time. */
  readonly folder: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of every certificate before it is handed out; what it throws keeps the certificate back. */
  readonly log: (issuance: Issuance) => void | Promise<void>;
  /** Randomness of serial numbers, by default the system's. */
  readonly randomBytes?: (count: number) => Uint8Array;
}

export interface Authority {
  /** The root of the fleet: what gateways and clients trust. */
  readonly certificatePem: string;
  /**
   * The cloud's own key and certificate for localhost, 127.0.0.1, ::1 and `names` (host names and addresses), from
   * the folder; made anew when less than a third of its life is left, or the names or the root changed.
   */
  issueServer(options: { names: readonly string[] }): Promise<ServerIdentity>;
  /**
   * Issues a gateway's certificate for a PKCS#10 request (PEM or DER), which must ask for exactly `gatewayId`. That the
   * sender may enrol as that gateway has been checked before. `log`, in the place of the authority's own, is told of it
   * by who knows more of the sender. Throws IdentityError `request-malformed`.
   */
  issueGateway(
    request: string | Uint8Array,
    gatewayId: string,
    log?: AuthorityOptions['log'],
  ): Promise<Issuance>;
}

/**
 * Opens the authority in `folder`, or makes it: key first, then the root certificate, each whole or not at all. A key
 * without a certificate is the first start cut short, and is finished. Throws AuthorityError.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { folder, now, log } = options;
  const randomBytes = options.randomBytes ?? systemRandomBytes;
  await makePrivateFolder(folder);

  const record = async (
    profile: Issuance['profile'],
    certificatePem: string,
    tell = log,
  ): Promise<Issuance> => {
    const issuance = { profile, certificatePem, ...certificateDetails(certificatePem) };
    await tell(issuance);
    return issuance;
  };
  const terms = (life: number) => {
    const notBefore = now() - lifetimes.backdated;
    return { notBefore, notAfter: now() + life, serial: randomBytes(16) };
  };
  const issuer = await loadOrMake(folder, async (signer) => {
    // A name of its own for each root: two authorities with one name are hard to tell apart in an error.
    const commonName = `Loadline fleet authority ${Buffer.from(randomBytes(4)).toString('hex')}`;
    const pem = createAuthority({ commonName, signer, ...terms(lifetimes.root) });
    return (await record('authority', pem)).certificatePem;
  });

  return {
    certificatePem: issuer.certificatePem,

    issueServer: ({ names }) =>
      openServerIdentity({
        path: join(folder, 'server.pem'),
        names: ['localhost', '127.0.0.1', '::1', ...names],
        issuerPem: issuer.certificatePem,
        now: now(),
        issue: async (order) => {
          const pem = issueCertificate({ ...terms(lifetimes.server), profile: 'server', issuer, ...order });
          return (await record('server', pem)).certificatePem;
        },
      }),

    async issueGateway(request, gatewayId, tell) {
      const subject = checkGatewayRequest(request, gatewayId);
      const order = { ...terms(lifetimes.gateway), profile: 'gateway', issuer, subject } as const;
      return await record('gateway', issueCertificate(order), tell);
    },
  };
}

/**
 * Checks that a PKCS#10 request (PEM or DER) is sound and asks for exactly `gatewayId`; its subject. Throws
 * IdentityError `request-malformed`. For checking before a one-time secret is spent on it, too.
 */
export function checkGatewayRequest(request: string | Uint8Array, gatewayId: string): Subject {
  const subject = readSigningRequest(request);
  if (subject.commonName !== gatewayId) {
    throw new IdentityError(
      'request-malformed',
      `the certificate request is for '${subject.commonName}', and the gateway that sent it is '${gatewayId}'`,
    );
  }
  return subject;
}

async function loadOrMake(
  folder: string,
  makeRoot: (signer: Issuer['signer']) => Promise<string>,
): Promise<Issuer> {
  const keyPath = join(folder, 'authority.key.pem');
  const certificatePath = join(folder, 'authority.pem');
  const certificatePem = await readIfThere(certificatePath);
  let keyPem = await readIfThere(keyPath);

  if (keyPem === undefined && certificatePem !== undefined) {
    throw new AuthorityError(
      'authority-incomplete',
      `${keyPath} is missing, but its certificate is there: restore the key from a backup, or remove ` +
        `${certificatePath} to begin a new authority, at which every gateway must enrol again`,
    );
  }
  if (keyPem === undefined) {
    keyPem = (await generateKeyPair()).privateKeyPem;
    await writeWhole(keyPath, keyPem, 0o600);
  }
  if (await isExposed(keyPath)) {
    throw new AuthorityError(
      'authority-key-exposed',
      `other users may read ${keyPath}: run 'chmod 600 ${keyPath}', and if others were on this machine, ` +
        'begin a new authority',
    );
  }
  const signer = read(keyPath, () => softwareSigner(keyPem));
  if (certificatePem === undefined) {
    const made = await makeRoot(signer);
    await writeWhole(certificatePath, made, 0o644);
    return { certificatePem: made, signer };
  }
  const { publicKeyPem } = read(certificatePath, () => certificateDetails(certificatePem));
  if (!createPublicKey(publicKeyPem).equals(createPublicKey(signer.publicKeyPem))) {
    throw new AuthorityError(
      'authority-incomplete',
      `${keyPath} is not the key of ${certificatePath}: restore the two of one backup`,
    );
  }
  return { certificatePem, signer };
}

function read<Result>(path: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): AuthorityError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AuthorityError('authority-unreadable', `${path}: ${why}; restore it from a backup`, { cause });
}
