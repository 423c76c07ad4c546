import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateDetails } from '@loadline/sdk/identity';
import { jsonLog } from '@loadline/sdk/platform';
import * as assert from 'uvu/assert';
import type { Time } from '../clock/index.ts';
import type { Refusals } from './due.ts';
import type { Identity } from './identity.ts';
import { Est, IdentityFiles, Renewal, Trust } from './index.ts';
import { makeIdentity, makeRoot, TestEst, type Times } from './test-est.ts';

/** For tests: milliseconds. */
export const day = 86_400_000;
/** For tests: links that were refused: none, or so many in a row, with or without a word. */
const taken: Refusals = { said: 0, all: 0 };
export const forbidden = (times: number): Refusals => ({ said: times, all: times });
export const hungUp = (times: number): Refusals => ({ said: 0, all: times });
/** For tests: when the first certificate begins. */
export const begin = Date.now();
const month: Times = { notBefore: begin, notAfter: begin + 30 * day };
/** For tests: the fleet's root, and the identity that a gateway has at first. */
export const fleet = await makeRoot('Fleet', begin);
export const first = await makeIdentity(fleet, 'mast-1', month);

export interface Bench {
  readonly renewal: Renewal;
  readonly files: IdentityFiles;
  readonly trust: Trust;
  readonly events: [code: string, detail: string][];
  readonly logged: string[];
  readonly links: { isConnected: boolean; refusals: Refusals };
  readonly takenOver: Identity[];
  /** What is known of the time. */
  time: Time;
  /** Milliseconds of the monotonic clock since the start. */
  monotonic: number;
}

export interface BenchOptions {
  readonly url?: string | undefined;
  readonly secretFile?: string;
  readonly draw?: () => number;
}

/** For tests: a state folder, and an EST server that issues for thirty days from the beginning. */
export class RenewalPlace {
  readonly folder: string;
  readonly est = new TestEst(fleet, month);

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<RenewalPlace> {
    return new RenewalPlace(await mkdtemp(join(tmpdir(), 'loadline-renewal-')));
  }

  async close(): Promise<void> {
    await this.est.close();
    await rm(this.folder, { recursive: true });
  }

  async keepFirst(): Promise<void> {
    await writeFile(join(this.folder, 'gateway.key'), first.privateKeyPem);
    await writeFile(join(this.folder, 'gateway.crt'), first.chainPem);
  }

  async bench({ url, secretFile, draw = () => 0 }: BenchOptions = {}): Promise<Bench> {
    const logged: string[] = [];
    const log = jsonLog((line) => logged.push(line), Date.now);
    const files = new IdentityFiles(this.folder, 'mast-1');
    const trust = await Trust.open({ state: this.folder, authorityPem: fleet.certificatePem, log });
    const found = await files.find();
    if (found.kind === 'none') throw new Error(found.why);
    const signal = AbortSignal.timeout(30_000);
    const made: Omit<Bench, 'renewal'> = {
      ...{ files, trust, logged, events: [], links: { isConnected: true, refusals: taken }, takenOver: [] },
      time: known(0),
      monotonic: 0,
    };
    const time = () => made.time;
    const options = {
      gatewayId: 'mast-1',
      authorityPem: () => trust.pem,
      time,
      proxy: () => undefined,
      signal,
    };
    const renewal = new Renewal({
      ...{ files, found, trust, log, secretFile, random: draw, time },
      est: url === undefined ? undefined : new Est({ url, ...options }),
      monotonic: () => made.monotonic,
      links: made.links,
      takeOver: (identity) => {
        made.takenOver.push(identity);
        // What the cloud thinks of this one, nobody knows yet.
        made.links.refusals = taken;
      },
      onEvent: (code, detail) => made.events.push([code, detail]),
    });
    return Object.assign(made, { renewal });
  }
}

/** A time that somebody vouches for, so many days into the month. Not the system: OpenSSL would ask the true clock. */
export const known = (days: number): Time => ({
  ...{ kind: 'known', by: 'cloud', uncertainty: 100 },
  wall: begin + days * day,
});

/** Waits for a condition. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (const limit = Date.now() + 30_000; !condition(); ) {
    assert.ok(Date.now() < limit, `waited 30 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Ticks until what that begins is done. */
export async function tickUntil(renewal: Renewal, condition: () => boolean, what: string): Promise<void> {
  await until(() => {
    renewal.tick();
    return condition();
  }, what);
}

/** Ticks, and waits for as long as anything could take that it has begun. */
export async function tick(renewal: Renewal): Promise<void> {
  renewal.tick();
  await new Promise((resolve) => setTimeout(resolve, 50));
}

/** For tests: of the certificate. */
export const fingerprint = ({ chainPem }: Identity): string => certificateDetails(chainPem).fingerprint;
/** For tests: of the events there were. */
export const codes = ({ events }: Bench): string[] => events.map(([code]) => code);
