import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  createAuthority,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  softwareSigner,
} from '@loadline/sdk/identity';
import { jsonLog } from '@loadline/sdk/platform';
import { makeTestKeys } from '../keys/test-keys.ts';
import { type Mail, type MailConfig, Mailer } from './index.ts';

/** For tests: a secret that must be in the mail and nowhere else. */
export const secret = 'c2VjcmV0LW9mLXRoaXMtdGVzdC4uLi4u';

/** For tests: an invitation to `address`. */
export function invitationTo(address: string, validUntil = Date.UTC(2099, 0)): Mail {
  return {
    kind: 'invitation',
    to: { address },
    organisation: 'Acme',
    invitedBy: { address: 'ann@example.com' },
    secret,
    validUntil,
  };
}

/** For tests: mailers on one state folder, and everything they said. */
export interface TestPost {
  readonly folder: string;
  /** The lines of the log. */
  readonly lines: readonly string[];
  /** ms since 1970; stands until it is set. */
  now: number;
  /** `pauses`: ms between attempts; short where not given. */
  open(smtp?: MailConfig, pauses?: { first: number; longest: number }): Promise<Mailer>;
  /** Waits until a line of the log holds this. */
  said(piece: string, times?: number): Promise<string>;
  /** Closes every mailer and removes the folder. */
  end(): Promise<void>;
}

export async function makeTestPost(): Promise<TestPost> {
  const { folder, keys, remove } = await makeTestKeys();
  const lines: string[] = [];
  const opened: Mailer[] = [];
  const post: TestPost = {
    folder,
    lines,
    now: Date.UTC(2026, 10, 22, 14, 30),
    open: async (smtp, pauses = { first: 20, longest: 40 }) => {
      const now = () => post.now;
      const mailer = await Mailer.open({
        folder,
        page: 'https://cloud.example:8443',
        smtp,
        keys,
        log: jsonLog((line) => lines.push(line), now),
        now,
        pauses,
      });
      opened.push(mailer);
      return mailer;
    },
    said: async (piece, times = 1) => {
      await until(() => lines.filter((line) => line.includes(piece)).length >= times, piece);
      return lines.filter((line) => line.includes(piece)).at(-1) as string;
    },
    end: async () => {
      for (const mailer of opened) await mailer.close();
      remove();
    },
  };
  return post;
}

/** For tests: polls until it holds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`this did not come: ${what}`);
    await pause(5);
  }
}

const day = 86_400_000;
const now = Date.now();

/** For tests: an authority of its own. */
export async function makeAuthority(): Promise<Issuer> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const terms = { notBefore: now - day, notAfter: now + day, serial: randomBytes(16) };
  return { signer, certificatePem: createAuthority({ commonName: 'Mail root', signer, ...terms }) };
}

/** For tests: a mail server's key and certificate for one name or address. */
export async function makeIdentity(issuer: Issuer, names: { dnsNames?: string[]; ipAddresses?: string[] }) {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const cert = issueCertificate({
    profile: 'server',
    dnsNames: names.dnsNames ?? [],
    ipAddresses: names.ipAddresses ?? [],
    notBefore: now - day,
    notAfter: now + day,
    serial: randomBytes(16),
    issuer,
    subject: { commonName: 'Mail server', publicKeyPem },
  });
  return { key: privateKeyPem, cert };
}
