import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthority,
  encodeCertsOnly,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';
import { jsonLog } from '@loadline/sdk/platform';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Time } from '../clock/index.ts';
import { parseConfig } from '../config/index.ts';
import { certificateDaysLeft, Est, IdentityFiles, loadIdentity } from './index.ts';

const test = suite('enrolment, whatever the clock says');
const day = 86_400_000;
const now = Date.now();
const unknown: Time = { kind: 'at-least', wall: 0 };
const floor: Time = { kind: 'at-least', wall: now - day };

async function makeAuthorityOf(commonName: string): Promise<Issuer> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const times = { notBefore: now - 400 * day, notAfter: now + 400 * day, serial: randomBytes(16) };
  return { signer, certificatePem: createAuthority({ commonName, signer, ...times }) };
}

/** An EST server that gives a certificate to whoever asks, and counts them. */
class EstServer {
  asked: string[] = [];
  readonly #server: Server;

  constructor(privateKeyPem: string, certificatePem: string, issuer: Issuer) {
    this.#server = createServer({ key: privateKeyPem, cert: certificatePem }, async (request, response) => {
      this.asked.push(request.headers.authorization ?? '');
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part);
      const subject = readSigningRequest(Buffer.from(Buffer.concat(parts).toString(), 'base64'));
      const serial = randomBytes(16);
      const times = { notBefore: now - day, notAfter: now + 30 * day, serial };
      const issued = issueCertificate({ ...times, profile: 'gateway', subject, issuer });
      response.setHeader('content-type', 'application/pkcs7-mime; smime-type=certs-only');
      response.end(encodeCertsOnly([issued]));
    });
  }

  /** Listens, and resolves with its port. */
  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<unknown> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

let folder: string;
let logged: string[];
let fleet: Issuer;
test.before(async () => {
  fleet = await makeAuthorityOf('Fleet');
});
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-enrolment-'));
  logged = [];
  await writeFile(join(folder, 'secret'), 'open-sesame\n');
});
test.after.each(() => rm(folder, { recursive: true }));

async function server(issuer: Issuer, notBefore: number, notAfter: number): Promise<EstServer> {
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const certificatePem = issueCertificate({
    profile: 'server',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    notBefore,
    notAfter,
    serial: randomBytes(16),
    issuer,
    subject: { commonName: 'localhost', publicKeyPem },
  });
  return new EstServer(privateKeyPem, certificatePem, fleet);
}

function load(port: number, time: Time, signal: AbortSignal) {
  const text = `
[gateway]
id = "mast-1"
state = "state"
[uplink]
host = "localhost"
authority = "authority.pem"
[enrolment]
url = "https://127.0.0.1:${port}"
secret_file = "secret"
[[ports]]
name = "radio"
path = "/dev/null"
`;
  const { enrolment, gateway } = parseConfig(text, join(folder, 'gateway.toml')).config;
  const est = new Est({
    url: enrolment?.url ?? '',
    gatewayId: gateway.id,
    authorityPem: () => fleet.certificatePem,
    time: () => time,
    proxy: () => undefined,
    signal,
  });
  const log = jsonLog((line) => logged.push(line), Date.now);
  const files = new IdentityFiles(gateway.state, gateway.id);
  return loadIdentity({ files, enrolment, est, log, random: () => 0, signal });
}

/** Tries until it was refused three times; the secret must not have been sent. */
async function refusedBy(est: EstServer, time: Time): Promise<string> {
  const port = await est.open();
  const stopping = new AbortController();
  const loading = load(port, time, stopping.signal).then(
    () => 'enrolled',
    (error: Error) => error.name,
  );
  try {
    const failures = () => logged.filter((line) => line.includes('enrolment-failed'));
    for (const limit = Date.now() + 30_000; failures().length < 3; ) {
      assert.ok(Date.now() < limit, 'waited 30 s in vain');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(est.asked, []);
    return failures()[0] ?? '';
  } finally {
    stopping.abort();
    assert.is(await loading, 'AbortError');
    await est.close();
  }
}

for (const [name, time] of Object.entries({ unknown, floor })) {
  test(`enrols where only this is known of the time: ${name}`, async () => {
    const est = await server(fleet, now - day, now + day);
    try {
      const { identity } = await load(await est.open(), time, AbortSignal.timeout(30_000));
      assert.match(identity.chainPem, 'BEGIN CERTIFICATE');
      assert.is(est.asked.length, 1);
      assert.is(certificateDaysLeft(identity.chainPem, { kind: 'at-least', wall: now + day / 2 }), 29);
      assert.is((await stat(join(folder, 'state', 'gateway.key'))).mode & 0o777, 0o600);
      assert.is(await readFile(join(folder, 'state', 'gateway.crt'), 'utf8'), identity.chainPem);
      assert.match((await stat(join(folder, 'secret')).catch((error) => error)).code, 'ENOENT');
    } finally {
      await est.close();
    }
  });

  test(`an impostor gets no secret where only this is known of the time: ${name}`, async () => {
    const impostor = await makeAuthorityOf('Fleet');
    await refusedBy(await server(impostor, now - day, now + day), time);
  });
}

test('a certificate that ended before what is surely past gets no secret, whoever signed it', async () => {
  await refusedBy(await server(fleet, now - 30 * day, now - 2 * day), floor);
});

test('a certificate that has ended gets no secret where the time is known, nor one yet to begin', async () => {
  const known: Time = { kind: 'known', by: 'cloud', wall: now, uncertainty: 1000 };
  await refusedBy(await server(fleet, now - 30 * day, now - 2 * day), known);
  logged = [];
  await refusedBy(await server(fleet, now + 2 * day, now + 30 * day), known);
});

test("the machine's own clock judges nothing once it was set by hand", async () => {
  // Synchronised, and then set back by two months: a certificate that ended since is not good again.
  const known: Time = { kind: 'known', by: 'system', wall: now + 60 * day, uncertainty: 1000 };
  await refusedBy(await server(fleet, now - day, now + 30 * day), known);
});

test('days left are whole, negative past the end, and null without a certificate', async () => {
  const { certificatePem } = fleet;
  const wall = (days: number): Time => ({ kind: 'at-least', wall: now + days * day });
  assert.is(certificateDaysLeft(certificatePem, wall(398.5)), 1);
  assert.is(certificateDaysLeft(certificatePem, wall(400.5)), -1);
  assert.is(certificateDaysLeft(undefined, unknown), null);
  assert.is(certificateDaysLeft('no certificate', unknown), null);
});

test.run();
