import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  createAuthority,
  generateKeyPair,
  type IdentityCode,
  IdentityError,
  type Issuer,
  issueCertificate,
  type Profile,
  softwareSigner,
} from './index.ts';

/** For tests: a private key with its certificate, as TLS wants it. */
export interface Holder {
  readonly key: string;
  readonly cert: string;
}

/** For tests: when a certificate begins and ends, ms since 1970. */
export interface Times {
  readonly notBefore: number;
  readonly notAfter: number;
}

const day = 86_400_000;
// Read once: what is issued a second later must not outlive its issuer.
const now = Date.now();

/** For tests: begins a day ago and ends in thirty. */
export function terms() {
  return { notBefore: now - day, notAfter: now + 30 * day, serial: randomBytes(16) };
}

/** For tests: a root with a key of its own. */
export async function makeRoot(commonName = 'Test root', times?: Times): Promise<Issuer> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  return { signer, certificatePem: createAuthority({ commonName, signer, ...terms(), ...times }) };
}

/** For tests: a new key with a certificate of `issuer`. */
export async function makeHolder(
  issuer: Issuer,
  commonName: string,
  profile: Profile,
  times?: Times,
): Promise<Holder> {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const subject = { commonName, publicKeyPem };
  return {
    key: privateKeyPem,
    cert: issueCertificate({ ...terms(), ...times, ...profile, issuer, subject }),
  };
}

/** For tests: a server on this machine. */
export const localServer: Profile = {
  profile: 'server',
  dnsNames: ['localhost'],
  ipAddresses: ['127.0.0.1', '::1'],
};

/** For tests: what `uvu/assert`'s throws takes to demand a code and a piece of the message. */
export function coded(code: IdentityCode, piece: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof IdentityError && error.code === code && piece.test(error.message);
}

const run = promisify(execFile);

/** For tests: runs openssl with `input` on its standard input, and gives both of its outputs together. */
export async function openssl(args: readonly string[], input: string | Uint8Array = ''): Promise<string> {
  const running = run('openssl', args, { timeout: 20_000 });
  // openssl may end without having read all of it; its exit code tells.
  running.child.stdin?.on('error', () => undefined);
  running.child.stdin?.end(input);
  const { stdout, stderr } = await running;
  return stdout + stderr;
}

/** For tests: whether there is an openssl command to compare with. */
export const opensslFound: boolean = await openssl(['version']).then(
  () => true,
  () => false,
);
