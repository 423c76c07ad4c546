import type { News, Reply } from '@loadline/sdk/provisioning';
import { tagName } from '@loadline/sdk/t24';
import type { GatewayStatus } from '../control/index.ts';
import type { Finding } from '../doctor/index.ts';
import type { Delivered } from '../uplink/index.ts';
import { Refused } from './refused.ts';

type Step = News<'trial'>['step'];
type Acknowledged = Reply<'trial'>['reading'];

/** How far a gateway has come. */
export interface TrialLook {
  /** An interface has an address. */
  readonly hasNetwork: boolean;
  /** Undefined where the gateway does not run, or does not answer; `reason` says why. */
  readonly status: GatewayStatus | undefined;
  readonly reason: string;
  /** The last reading of this run that the cloud has. */
  readonly delivered: Delivered | undefined;
}

export interface TrialOptions {
  readonly look: () => Promise<TrialLook>;
  /** What is wrong, in words, where it did not come about. */
  readonly findings: () => Promise<readonly Finding[]>;
  /** Milliseconds between two looks. */
  readonly every?: number;
}

const everyMilliseconds = 250;
const detailCharacters = 300;
/** Readings of trials that a record may still name. */
const mostDelivered = 32;
/** Findings that a refusal names. */
const mostFindings = 5;

/** Whether the gateway delivers: it works by itself, and is looked at. */
export class Trial {
  readonly #options: TrialOptions;
  /** What the latest trials ended with: there is no end of trials that whoever has the cable may ask for. */
  readonly #delivered: string[] = [];

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /** Whether a trial of this process ended with this reading. */
  hasDelivered(reading: Acknowledged): boolean {
    return this.#delivered.includes(keyOf(reading));
  }

  /**
   * Looks until the cloud has acknowledged a reading, and tells each step once.
   *
   * @throws Refused `trial-failed`: how far it came, what is wrong and what to do
   */
  async run(options: {
    readonly seconds: number;
    readonly signal: AbortSignal;
    readonly tell: (step: Step, detail: string) => void;
  }): Promise<Acknowledged> {
    const { seconds, signal, tell } = options;
    const { look, every = everyMilliseconds } = this.#options;
    const end = performance.now() + seconds * 1000;
    let told = '';
    for (;;) {
      const { step, detail, reading } = stepOf(await look());
      if (`${step} ${detail}` !== told) {
        told = `${step} ${detail}`;
        tell(step, detail.slice(0, detailCharacters));
      }
      if (reading !== undefined) {
        this.#delivered.push(keyOf(reading));
        if (this.#delivered.length > mostDelivered) this.#delivered.shift();
        return reading;
      }
      if (signal.aborted) throw new Refused('trial-failed', 'the session is over');
      if (performance.now() >= end) throw await this.#failed(seconds, step, detail);
      await elapsed(every);
    }
  }

  async #failed(seconds: number, step: Step, detail: string): Promise<Refused> {
    const findings = (await this.#options.findings()).slice(0, mostFindings);
    const said = findings.map(({ about, says, act }) => `${about}: ${says} -> ${act}`);
    return new Refused(
      'trial-failed',
      [
        `no reading was acknowledged within ${seconds} s; it came as far as "${step}": ${detail}`,
        ...said,
      ].join('\n'),
    );
  }
}

/** How far it came, in words. Pure. */
export function stepOf({ hasNetwork, status, reason, delivered }: TrialLook): {
  readonly step: Step;
  readonly detail: string;
  readonly reading?: Acknowledged;
} {
  if (delivered !== undefined) {
    const { epoch, number, tag } = delivered;
    const reading = { epoch, number, tag: tagName(tag) };
    return { step: 'delivered', detail: `the cloud has a reading of tag ${reading.tag}`, reading };
  }
  if (status === undefined) return { step: 'network', detail: `the gateway is not at work: ${reason}` };
  const { cloud, health, series } = status;
  const where = `${cloud.host}:${cloud.port}`;
  if (cloud.link === 'up') {
    if (series.length === 0) return { step: 'connected', detail: `to ${where}; no transmitter is heard yet` };
    return {
      step: 'hearing',
      detail: `${series.length} series; the cloud has not acknowledged a reading yet`,
    };
  }
  if (!hasNetwork) return { step: 'network', detail: 'no interface has an address yet' };
  if (cloud.link === 'unborn') return { step: 'enrolling', detail: 'it has no certificate yet' };
  const [last] = health.uplink.disconnects;
  if (last !== undefined) return { step: 'connecting', detail: `to ${where}: ${last.reason}` };
  if (health.clock.trust === 'nobody') return { step: 'clock', detail: 'nobody vouches for the time yet' };
  return { step: 'connecting', detail: `to ${where}` };
}

function keyOf({ epoch, number, tag }: Acknowledged): string {
  return `${epoch} ${number} ${tag}`;
}

function elapsed(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
