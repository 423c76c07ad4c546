import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { CloudError } from '@loadline/sdk/client';
import {
  createAuthority,
  createSigningRequest,
  generateKeyPair,
  issueCertificate,
  readSigningRequest,
  type Signer,
  softwareSigner,
} from '@loadline/sdk/identity';
import {
  keyProof,
  type QuestionBody,
  type QuestionName,
  type Reply,
  recordToSign,
  type Site,
} from '@loadline/sdk/provisioning';
import { Conversation, LinkError } from '@loadline/sdk/serial-link';
import { fingerprintsOf } from './checks.ts';
import type { FieldCloud } from './field-cloud.ts';
import { SerialGateway } from './serial-gateway.ts';

/** For tests: a gateway that plays by a script over the real link, in memory. It keeps nothing on a disk, and checks nothing. */

const day = 86_400_000;
const hash = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

const keyOf = (ssid: string, passphrase: string) =>
  pbkdf2Sync(passphrase, ssid, 4096, 32, 'sha1').toString('hex');

type Answers = { [N in QuestionName]?: (body: QuestionBody<N>) => Reply<N> | Promise<Reply<N>> };

/** Refuses a question as a gateway does. */
export function refuse(code: string, says: string): never {
  throw new LinkError(code, says, '');
}

export class TestGateway {
  readonly line: SerialGateway;
  /** Questions in the order in which they came. */
  readonly asked: QuestionName[] = [];
  /** What was written last. */
  site: Site | undefined;
  readonly #conversation: Conversation;

  private constructor(line: SerialGateway, conversation: Conversation, asked: QuestionName[]) {
    this.line = line;
    this.#conversation = conversation;
    this.asked = asked;
  }

  /**
   * @param lies answers that are not a gateway's, by question; they are given what it would answer
   * @param inForce what `read` shows before anything is written
   */
  static async open(
    signer: Signer,
    lies: { [N in QuestionName]?: (honest: Reply<N>, body: QuestionBody<N>) => Reply<N> } = {},
    described: Partial<Reply<'describe'>> = {},
    inForce?: Site,
  ): Promise<TestGateway> {
    const [here, there] = duplexPair();
    const asked: QuestionName[] = [];
    const nonce = '5'.repeat(32);
    let gateway: TestGateway | undefined;
    let written = '';
    const tell = async (name: string, body: unknown) => {
      await turn();
      await gateway?.conversation.tell(name, body);
    };
    const description: Reply<'describe'> = {
      ...{ protocol: 1, model: 'Scripted', serialNumber: 'S-1', runtime: '1', node: '24', system: 'none' },
      ...{ state: 'unprovisioned', gateway: null, inForce: null, ownershipCounter: 0, nonce },
      ...{ maker: [hash('maker')], interfaces: [], undelivered: 0, clock: { wall: 0, trusted: true } },
      ports: [{ path: '/dev/radio', holder: null }],
      ...described,
    };
    const answers: Answers = {
      describe: () => description,
      own: () => ({ organisation: 'harbour', ownershipCounter: description.ownershipCounter + 1 }),
      listen: async ({ on }) => {
        const tag = { tag: '25DF', port: '/dev/radio', base: 1, frames: 1, rssi: -50, cv: 100 };
        if (on) void tell('heard', { tags: [{ ...tag, value: '1', lowBattery: false, secondsAgo: 0 }] });
        return {};
      },
      key: ({ gatewayId, challenge }) => {
        const request = createSigningRequest({ commonName: gatewayId, signer });
        const proven = keyProof({
          challenge,
          nonce,
          serialNumber: description.serialNumber,
          gatewayId,
          request,
        });
        return { request, proof: Buffer.from(signer.sign(proven)).toString('base64') };
      },
      write: ({ site }) => {
        written = site;
        (gateway as TestGateway).site = JSON.parse(site);
        return { digest: hash(site) };
      },
      read: () => {
        const isPresent = gateway?.site === undefined;
        const site = (gateway?.site ?? inForce) as Site;
        const { wifi, ...wired } = site.network;
        const secrets = {
          'enrolment.secret': site.enrolment.secret,
          'network.wifi.passphrase': site.network.wifi?.passphrase ?? null,
          proxyPassword: site.proxyPassword,
        };
        const { uplink, ...rest } = site.configuration;
        return {
          digest: hash(written),
          gatewayId: site.gatewayId,
          configuration: {
            ...rest,
            gateway: { id: site.gatewayId, state: 'state' },
            enrolment: { url: site.enrolment.url },
            uplink: { ...(uplink as object), authority: 'authority.pem' },
          },
          authority: fingerprintsOf(site.authority),
          chain: site.chain === null ? [] : fingerprintsOf(site.chain),
          secrets: Object.fromEntries(
            Object.entries(secrets).flatMap(([name, secret]) =>
              secret === null || isPresent ? [] : [[name, hash(secret)]],
            ),
          ),
          ...(isPresent && {
            present: {
              name: site.name,
              network: { ...wired, ...(wifi && { wifi: { ssid: wifi.ssid, country: wifi.country } }) },
              preSharedKey: wifi?.passphrase ? hash(keyOf(wifi.ssid, wifi.passphrase)) : null,
              proxyPassword: site.proxyPassword === null ? null : hash(site.proxyPassword),
            },
          }),
        };
      },
      commit: () => ({ state: gateway?.site?.chain === null ? 'staged' : 'provisioned' }),
      trial: () => ({
        reading: { epoch: '7'.repeat(32), number: 1, tag: '25DF' },
        fingerprint: fingerprintsOf(gateway?.site?.chain ?? '')[0] ?? '0'.repeat(64),
      }),
      sign: ({ record }) => ({
        signature: Buffer.from(signer.sign(recordToSign(record))).toString('base64'),
      }),
      reset: () => ({ undelivered: 0 }),
      close: () => ({}),
    };
    const conversation = Conversation.over(there, {
      role: 'answers',
      capabilities: [],
      answers: Object.fromEntries(
        (Object.keys(answers) as QuestionName[]).map((name) => [
          name,
          async (body: unknown) => {
            asked.push(name);
            const honest = await answers[name]?.(body as never);
            return lies[name]?.(honest as never, body as never) ?? honest;
          },
        ]),
      ),
    });
    const close = async () => void here.destroy();
    const line = await SerialGateway.open(
      { open: async () => ({ stream: here, close }), patience: 100 },
      5000,
    );
    gateway = new TestGateway(line, conversation, asked);
    return gateway;
  }

  get conversation(): Conversation {
    return this.#conversation;
  }

  async close(): Promise<void> {
    await this.line.close();
    await this.#conversation.close();
  }
}

/** For tests: a cloud of one organisation and one authority, in memory. */
export async function testCloud(more: Partial<FieldCloud> = {}) {
  const rootSigner = softwareSigner((await generateKeyPair()).privateKeyPem);
  const now = Date.now();
  const term = () => ({ notBefore: now - day, notAfter: now + day, serial: randomBytes(16) });
  const root = createAuthority({ commonName: 'Test root', signer: rootSigner, ...term() });
  const kept: { record: string; signature: string }[] = [];
  const takenIn: string[] = [];
  const cloud: FieldCloud = {
    origin: 'https://cloud.example:8443',
    technician: 'anna@example.org',
    organisations: [{ id: 'harbour', name: 'Harbour' }],
    voucher: async () => ({ voucher: 'AAAA', counter: 1, expires: null }),
    known: async (_, id) => (takenIn.includes(id) ? { reported: false } : undefined),
    takeIn: async (_, { id }) => {
      takenIn.push(id);
      return `secret-of-${id}-0123456789`;
    },
    enrolmentSecret: async (_, id) => `new-secret-of-${id}-0123456789`,
    certificate: async (_, id, request) => {
      const { commonName, publicKeyPem } = readSigningRequest(request);
      if (commonName !== id) throw new CloudError(422, 'request-malformed', 'another name');
      const issuer = { certificatePem: root, signer: rootSigner };
      const subject = { commonName, publicKeyPem };
      const chain = issueCertificate({ ...term(), profile: 'gateway', issuer, subject });
      return { chain, authority: root, fingerprint: fingerprintsOf(chain)[0] as string };
    },
    stored: async () => 1,
    keep: async (_, __, signed) => void kept.push(signed),
    ...more,
  };
  return { cloud, kept, takenIn, root };
}
