import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  certificateDetails,
  createAuthority,
  encodeCertsOnly,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';
import type { Identity } from './identity.ts';

const day = 86_400_000;

/** For tests: an authority that is a year old. */
export async function makeRoot(commonName: string, now: number): Promise<Issuer> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const times = { notBefore: now - 365 * day, notAfter: now + 3650 * day, serial: randomBytes(16) };
  return { signer, certificatePem: createAuthority({ commonName, signer, ...times }) };
}

/** For tests: `issuer` certifies the key of another authority. */
export function crossOver(commonName: string, { signer }: Issuer, issuer: Issuer, now: number): string {
  const subject = { commonName, publicKeyPem: signer.publicKeyPem };
  const times = { notBefore: now - day, notAfter: now + 365 * day, serial: randomBytes(16) };
  return issueCertificate({ ...times, profile: 'authority', subject, issuer });
}

/** For tests: an identity of a gateway, as it was issued. */
export async function makeIdentity(issuer: Issuer, commonName: string, times: Times): Promise<Identity> {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const subject = { commonName, publicKeyPem };
  const order = { ...times, profile: 'gateway', serial: randomBytes(16), issuer, subject } as const;
  return { privateKeyPem, chainPem: issueCertificate(order) };
}

export interface Times {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** For tests: the cloud's EST server over real TLS, as willing as a test wants it. */
export class TestEst {
  /** What was asked, with the fingerprint of the certificate that was shown, or the secret. */
  readonly asked: string[] = [];
  /** What cacerts tells, PEM. */
  told: readonly string[];
  /** Times of what it issues next. */
  times: Times;
  /** Why it refuses every certificate that is shown; undefined where it does not. */
  refusal: string | undefined;
  secret = 'open-sesame';
  #server: Server | undefined;
  #issuer: Issuer;

  constructor(issuer: Issuer, times: Times) {
    this.#issuer = issuer;
    this.told = [issuer.certificatePem];
    this.times = times;
  }

  /** Listens with a certificate of `issuer`, which it shows `others` beside; resolves with its address. */
  async open(issuer: Issuer, others = ''): Promise<string> {
    const { privateKeyPem, publicKeyPem } = await generateKeyPair();
    const cert = issueCertificate({
      ...{ notBefore: Date.now() - 30 * day, notAfter: Date.now() + 300 * day, serial: randomBytes(16) },
      ...{ profile: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
      issuer,
      subject: { commonName: 'localhost', publicKeyPem },
    });
    this.#issuer = issuer;
    const asksToo = { requestCert: true, rejectUnauthorized: false };
    this.#server = createServer(
      { key: privateKeyPem, cert: cert + others, ...asksToo },
      (request, response) => {
        void this.#answer(request).then(({ status, body }) => response.writeHead(status).end(body));
      },
    );
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<{ readonly status: number; readonly body: string }> {
    const operation = request.url?.split('/').at(-1) ?? '';
    const shown = (request.socket as TLSSocket).getPeerX509Certificate();
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    if (operation === 'cacerts') {
      this.asked.push('cacerts');
      return { status: 200, body: encodeCertsOnly(this.told) };
    }
    const [, credentials = ''] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? [];
    const secret = Buffer.from(credentials, 'base64').toString().split(':')[1];
    const by = secret ?? (shown ? certificateDetails(shown.raw).fingerprint : 'nobody');
    this.asked.push(`${operation} ${by}`);
    const fault =
      secret === undefined ? this.refusal : secret === this.secret ? undefined : 'the secret is wrong';
    if (fault !== undefined)
      return { status: 403, body: JSON.stringify({ type: 'x/forbidden', detail: fault }) };
    const subject = readSigningRequest(Buffer.from(Buffer.concat(parts).toString(), 'base64'));
    const order = { ...this.times, profile: 'gateway', serial: randomBytes(16), subject } as const;
    return { status: 200, body: encodeCertsOnly([issueCertificate({ ...order, issuer: this.#issuer })]) };
  }
}
