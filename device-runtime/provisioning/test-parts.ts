import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createAuthority,
  createVoucher,
  generateKeyPair,
  type Issuer,
  issueCertificate,
  readSigningRequest,
  softwareSigner,
  type Voucher,
} from '@loadline/sdk/identity';
import type { QuestionBody, QuestionName, Reply } from '@loadline/sdk/provisioning';
import type { JudgedAt } from '@loadline/sdk/trust';
import { Agent, type Work } from './agent.ts';
import type { Board } from './board.ts';
import { machineDisk } from './disk.ts';
import { Refused } from './refused.ts';
import { SiteStore } from './store.ts';
import { Trial } from './trial.ts';

/** Parts for tests of what answers questions: a fleet, a board, and a gateway that only says that it was started. */

const day = 86_400_000;
export const serialNumber = 'BOARD-1';

export interface Fleet extends Issuer {
  /** Signs vouchers under it. */
  readonly voucherSigner: Issuer;
}

const term = () => ({
  notBefore: Date.now() - day,
  notAfter: Date.now() + 100 * day,
  serial: randomBytes(16),
});

export async function makeFleet(commonName = 'Fleet'): Promise<Fleet> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const certificatePem = createAuthority({ ...term(), notAfter: Date.now() + 400 * day, commonName, signer });
  const own = softwareSigner((await generateKeyPair()).privateKeyPem);
  const subject = { commonName: 'vouchers', publicKeyPem: own.publicKeyPem };
  const issuer = { certificatePem, signer };
  const signerPem = issueCertificate({ ...term(), profile: 'voucher', subject, issuer });
  return { ...issuer, voucherSigner: { certificatePem: signerPem, signer: own } };
}

/** A certificate for a request, as the cloud would issue it. */
export function certify(fleet: Fleet, requestPem: string, commonName?: string): string {
  const asked = readSigningRequest(requestPem);
  const subject = { ...asked, commonName: commonName ?? asked.commonName };
  return issueCertificate({ ...term(), profile: 'gateway', subject, issuer: fleet });
}

export function voucherOf(fleet: Fleet, of: Partial<Voucher> = {}): string {
  const { nonce, expiresOn } = of;
  const voucher: Voucher = {
    serialNumber,
    createdOn: Date.now(),
    assertion: 'logged',
    ownershipCounter: 1,
    organisation: 'acme',
    pinnedAuthorityPem: fleet.certificatePem,
    ...(nonce === undefined && expiresOn === undefined && { expiresOn: Date.now() + day }),
    ...of,
  };
  return createVoucher({ voucher, signer: fleet.voucherSigner, chainPem: '' });
}

/** A site as JSON, with what is given in the place of the usual. */
export function siteText(fleet: Fleet, of: Record<string, unknown> = {}): string {
  return JSON.stringify({
    version: 1,
    gatewayId: 'mast-1',
    organisation: 'acme',
    name: 'Mast',
    authority: fleet.certificatePem,
    chain: null,
    enrolment: { url: 'https://cloud.example:8443', secret: 'one-time-secret-of-it' },
    network: { addresses: { by: 'dhcp' } },
    proxyPassword: null,
    configuration: {
      uplink: { host: 'cloud.example' },
      ports: [{ name: 'radio', path: '/dev/nothing' }],
      sensors: [{ tag: '25DF', name: 'Wind', unit: 'm/s' }],
    },
    ...of,
  });
}

/** A board with an agent on it; what stands for the gateway counts. */
export class TestBoard {
  readonly root: string;
  readonly agent: Agent;
  readonly store: SiteStore;
  readonly steps: string[] = [];
  starts = 0;
  /** Who listens now. */
  listeners = 0;
  undelivered = 0;
  closed = false;
  now = 0;
  time: JudgedAt = { kind: 'at-least', wall: 0 };
  delivered: { epoch: string; number: number; tag: number } | undefined;

  static async make(makerPem: string, root?: string): Promise<TestBoard> {
    const at = root ?? (await mkdtemp(join(tmpdir(), 'loadline-board-')));
    return new TestBoard(at, makerPem, await SiteStore.open(machineDisk, join(at, 'site')));
  }

  private constructor(root: string, makerPem: string, store: SiteStore) {
    this.root = root;
    this.store = store;
    const trial = new Trial({
      look: async () => ({
        hasNetwork: true,
        status: undefined,
        reason: 'a test',
        delivered: this.delivered,
      }),
      findings: async () => [{ severity: 'error', about: 'cloud', says: 'it is away', act: 'wait' }],
      every: 5,
    });
    const work: Work = {
      undelivered: async () => (store.inForce === undefined ? 0 : this.undelivered),
      start: async () => {
        this.starts++;
      },
      stop: async () => {},
      trial,
    };
    const board: Board = {
      serialNumber,
      look: async () => ({
        facts: { model: 'Test', serialNumber, runtime: '0.1.0', node: 'v24', system: 'test' },
        interfaces: [],
        ports: [],
        clock: { wall: 0, trusted: false },
      }),
    };
    this.agent = new Agent({
      store,
      board,
      makerPem,
      work,
      listening: {
        begin: () => {
          this.listeners++;
          return async () => {
            this.listeners--;
          };
        },
        suspend: async () => {},
        resume: () => {},
      },
      time: () => this.time,
      monotonic: () => this.now,
      onClose: () => {
        this.closed = true;
      },
      onStep: (step, detail) => this.steps.push(`${step} ${JSON.stringify(detail)}`),
    });
  }

  /** A session, as a tool has one after its hello. */
  session(tell: (name: string, body: unknown) => Promise<void> = async () => {}) {
    const talk = this.agent.converse(tell);
    return {
      end: () => talk.end(),
      ask: async <N extends QuestionName>(name: N, body: Partial<QuestionBody<N>>): Promise<Reply<N>> =>
        (await talk.answer(name, body)) as Reply<N>,
      raw: (name: QuestionName, body: unknown) => talk.answer(name, body),
      /** The refusal of a question, as `code: words`. */
      refusal: async (name: QuestionName, body: unknown): Promise<string> => {
        try {
          await talk.answer(name, body);
        } catch (error) {
          if (error instanceof Refused) return `${error.code}: ${error.message}`;
          throw error;
        }
        return 'answered';
      },
    };
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}

export const challenge = 'ab'.repeat(32);
