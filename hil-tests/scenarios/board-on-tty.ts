import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { bundlePath, leanStart } from '@loadline/device-runtime';
import {
  createAuthority,
  createVoucher,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
} from '@loadline/sdk/identity';
import type { QuestionBody, QuestionName, Reply } from '@loadline/sdk/provisioning';
import { Conversation, LinkError } from '@loadline/sdk/serial-link';
import * as assert from 'uvu/assert';
import { VirtualPort } from '../rig/index.ts';
import { Service } from '../system/index.ts';

const day = 86_400_000;
/** Milliseconds that anything here may take. */
export const patience = 20_000;
export const challenge = 'ab'.repeat(32);

/** A fleet's authority, and who signs vouchers under it. */
export interface Vouching {
  readonly fleet: Issuer;
  readonly signer: Issuer;
}

const term = (days: number) => ({
  notBefore: Date.now() - day,
  notAfter: Date.now() + days * day,
  serial: randomBytes(16),
});

export async function makeVouching(): Promise<Vouching> {
  const root = softwareSigner((await generateKeyPair()).privateKeyPem);
  const fleet = {
    certificatePem: createAuthority({ ...term(400), commonName: 'Fleet', signer: root }),
    signer: root,
  };
  const own = softwareSigner((await generateKeyPair()).privateKeyPem);
  const subject = { commonName: 'vouchers', publicKeyPem: own.publicKeyPem };
  const certificatePem = issueCertificate({ ...term(100), profile: 'voucher', subject, issuer: fleet });
  return { fleet, signer: { certificatePem, signer: own } };
}

export interface ProvisionedAs {
  readonly radio?: string;
  readonly organisation?: string;
  readonly gatewayId?: string;
  readonly discardUndelivered?: boolean;
}

/** A board with the shipped gateway on it, and the far end of the tty that it answers on: no tool, no cloud. */
export class BoardOnTty {
  readonly folder: string;
  readonly port: VirtualPort;
  readonly #vouching: Vouching;
  readonly #services: Service[] = [];
  readonly #conversations: Conversation[] = [];

  static async make(vouching: Vouching): Promise<BoardOnTty> {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-tty-'));
    await mkdir(join(folder, 'state'));
    await writeFile(join(folder, 'maker.pem'), vouching.fleet.certificatePem);
    await writeFile(join(folder, 'serial'), 'BOARD-1\0');
    await writeFile(join(folder, 'model'), 'Simulated board\0');
    const port = await VirtualPort.open({ folder: join(folder, 'dev'), name: 'console' });
    return new BoardOnTty(folder, port, vouching);
  }

  private constructor(folder: string, port: VirtualPort, vouching: Vouching) {
    this.folder = folder;
    this.port = port;
    this.#vouching = vouching;
  }

  get site(): string {
    return join(this.folder, 'state/site');
  }

  async remove(): Promise<void> {
    for (const conversation of this.#conversations) await conversation.close();
    for (const service of this.#services) await service.stop();
    await this.port.close();
    await rm(this.folder, { recursive: true });
  }

  /** The gateway's flags, with more. */
  flags(...more: string[]): string[] {
    const { folder, port, site } = this;
    return [
      ...['--site', site, '--provision-on', port.path, '--maker', join(folder, 'maker.pem')],
      ...['--serial-number', join(folder, 'serial'), '--model', join(folder, 'model')],
      ...more,
    ];
  }

  /** @param under words before its command line */
  start(args: readonly string[] = this.flags(), under: readonly string[] = []): Service {
    const service = new Service({ name: 'gateway', file: bundlePath, args, under, ...leanStart });
    this.#services.push(service);
    return service;
  }

  /** The far end of the tty, as a stream. */
  farEnd(): Duplex {
    const { port } = this;
    const stream = new Duplex({
      read() {},
      write: (bytes, _encoding, done) => {
        port.write(bytes).then(() => done(), done);
      },
    });
    const unhear = port.onData((bytes) => stream.push(Buffer.from(bytes)));
    stream.once('close', unhear);
    stream.on('error', unhear);
    return stream;
  }

  /** Begins to speak, as a tool does; whoever spoke before must have ended. */
  async speak(onTell: (name: string, body: unknown) => void = () => {}): Promise<Conversation> {
    const stream = this.farEnd();
    const conversation = Conversation.over(stream, { role: 'calls', capabilities: [], onTell });
    this.#conversations.push(conversation);
    void conversation.link.closed.then(() => stream.destroy());
    await conversation.link.ready(patience);
    return conversation;
  }

  voucher(nonce: string, ownershipCounter: number, organisation = 'acme'): string {
    const { fleet, signer } = this.#vouching;
    const voucher = {
      serialNumber: 'BOARD-1',
      createdOn: Date.now(),
      assertion: 'logged' as const,
      nonce,
      ownershipCounter,
      organisation,
      pinnedAuthorityPem: fleet.certificatePem,
    };
    return createVoucher({ voucher, signer, chainPem: '' });
  }

  /** Puts a site into force, one that leads to no cloud. */
  async provision(by: Conversation, counter: number, as: ProvisionedAs = {}): Promise<void> {
    const {
      radio = '/dev/nothing',
      organisation = 'acme',
      gatewayId = 'mast-1',
      discardUndelivered = false,
    } = as;
    const { fleet } = this.#vouching;
    const { nonce } = await ask(by, 'describe', {});
    await ask(by, 'own', { voucher: this.voucher(nonce, counter, organisation), discardUndelivered });
    const { request } = await ask(by, 'key', { gatewayId, challenge });
    const subject = readSigningRequest(request);
    const site = JSON.stringify({
      version: 1,
      gatewayId,
      organisation,
      name: 'Mast',
      authority: fleet.certificatePem,
      chain: issueCertificate({ ...term(30), profile: 'gateway', subject, issuer: fleet }),
      enrolment: { url: 'https://localhost:1', secret: null },
      network: { addresses: { by: 'dhcp' } },
      proxyPassword: null,
      configuration: { uplink: { host: 'localhost', port: 1 }, ports: [{ name: 'radio', path: radio }] },
    });
    const { digest } = await ask(by, 'write', { site });
    assert.is(digest, createHash('sha256').update(site).digest('hex'));
    assert.equal(await ask(by, 'commit', { digest }), { state: 'provisioned' });
  }

  /** Whether a process has the tty open. */
  isHeldBy(pid: number): boolean {
    const { device } = this.port;
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === device;
      } catch {
        return false;
      }
    });
  }
}

export async function ask<N extends QuestionName>(
  to: Conversation,
  name: N,
  body: Partial<QuestionBody<N>>,
): Promise<Reply<N>> {
  return (await to.ask(name, body)) as Reply<N>;
}

/** The code of a refusal. */
export async function refusal(to: Conversation, name: QuestionName, body: unknown): Promise<string> {
  const error = await to.ask(name, body).catch((caught) => caught);
  return error instanceof LinkError ? error.code : 'answered';
}

/** When the mode of a gateway was open and closed, and why. */
export function modesOf(service: Service): string[] {
  return service.log
    .filter(({ event }) => event === 'provisioning-mode')
    .map(({ state, why }) => `${state}: ${why}`);
}
