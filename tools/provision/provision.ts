import { randomBytes } from 'node:crypto';
import type { ProvisioningKit, ProvisioningRecord, Reply, Site } from '@loadline/sdk/provisioning';
import { site as siteSchema } from '@loadline/sdk/provisioning';
import {
  checkChain,
  checkKey,
  checkReadBack,
  checkRecord,
  fingerprintOfKey,
  fingerprintOfVoucher,
  fingerprintsOf,
} from './checks.ts';
import type { Report, ResultEvent } from './events.ts';
import type { FieldCloud } from './field-cloud.ts';
import { hearPorts } from './hear.ts';
import { judge } from './judge.ts';
import { boardOf } from './kit.ts';
import { type GatewayLine, LineLost } from './line.ts';
import { type FromCloud, type Order, siteOf } from './order.ts';
import { type Outcome, outcomes, ProvisionFailure } from './outcome.ts';
import { type Asked, planOf, type Step, steps } from './plan.ts';
import { checkDigest, checkPresent } from './present.ts';
import { keepRecord, recordText } from './record.ts';

/** Where vouchers, certificates and secrets come from. */
export type Source =
  | { readonly way: 'online'; readonly cloud: FieldCloud; readonly organisation: string }
  | { readonly way: 'kit'; readonly kit: ProvisioningKit };

export interface Parts {
  readonly line: GatewayLine;
  readonly source: Source;
  readonly report: Report;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Name and version of this program. */
  readonly tool: string;
  /** Where the signed record is put; from the gateway's id and the time. */
  readonly recordPath: (record: Pick<ProvisioningRecord, 'gatewayId' | 'at'>) => string;
}

/** Seconds that a board may take for its key: a small one needs many. */
const keySeconds = 180;
/** Seconds beyond its own limit that the answer to a trial may take. */
const trialSlack = 30;

/** What is known so far; each step adds to it. */
interface Known {
  description: Reply<'describe'>;
  voucher?: { readonly text: string; readonly counter: number };
  key?: { readonly request: string; readonly publicKeyPem: string };
  ports?: readonly Readonly<Record<string, unknown>>[];
  from?: FromCloud;
  site?: { readonly text: string; readonly parsed: Site };
  read?: Reply<'read'>;
  trial?: Reply<'trial'>;
  record?: { readonly text: string; readonly signature: string; readonly path: string };
}

/** One gateway, from what it says of itself to the record of what it became. */
export class Provisioning {
  readonly #parts: Parts;
  readonly #known: Known;
  /** What a failure now would leave behind. */
  #phase: 'before' | 'committing' | 'in-force' = 'before';
  #step: Step | null = null;
  #id: string | null = null;

  constructor(parts: Parts, description: Reply<'describe'>) {
    this.#parts = parts;
    this.#known = { description };
  }

  /** Shows the gateway a voucher; once a session is enough. */
  async own(discardUndelivered: boolean): Promise<void> {
    if (this.#known.voucher !== undefined) return;
    await this.#doing('own', async () => {
      const { serialNumber, nonce, ownershipCounter } = this.#known.description;
      const { line, source } = this.#parts;
      const given =
        source.way === 'kit'
          ? { voucher: boardOf(source.kit, serialNumber, this.#parts.now()).voucher }
          : await source.cloud.voucher(source.organisation, {
              serialNumber,
              nonce,
              counter: ownershipCounter,
            });
      const { ownershipCounter: counter, organisation } = await line.ask('own', {
        voucher: given.voucher,
        discardUndelivered,
      });
      this.#known.voucher = { text: given.voucher, counter };
      return `${serialNumber} takes ${organisation} for its owner`;
    });
  }

  /** Does all that is left to make the gateway what was ordered. Never throws: how it ended is the result. */
  async run(order: Order, rewrite: boolean, asked: Asked = 'site'): Promise<ResultEvent> {
    this.#id = order.gatewayId;
    try {
      const { source, report } = this.#parts;
      const standing = {
        description: this.#known.description,
        order,
        organisation: source.way === 'kit' ? source.kit.organisation : source.organisation,
        way: source.way,
        rewrite,
        asked,
      };
      const { kind, steps: all } = planOf(standing);
      report({ event: 'plan', kind, steps: all });
      if (kind === 'resume') {
        const says = `it is ${order.gatewayId} already: only what was left is done (--rewrite writes its site anew)`;
        report({ event: 'note', says });
      }
      for (const step of all) {
        // Until it is known to be what was ordered, nothing of this is done.
        if (kind === 'resume' && step !== 'own' && step !== 'compare') this.#phase = 'in-force';
        if (step === 'own') await this.own(order.discardUndelivered);
        else await this.#doing(step, () => this.#do(step, order));
      }
      return this.result(source.way === 'kit' ? 'staged' : 'provisioned');
    } catch (error) {
      return this.failure(error);
    }
  }

  /** Does one step; what it says when it is done. */
  async #do(step: Exclude<Step, 'own'>, order: Order): Promise<string> {
    switch (step) {
      case 'compare':
        return await this.#compare(order);
      case 'hear':
        return await this.#hear(order);
      case 'key':
        return await this.#key(order);
      case 'certificate':
        return await this.#certificate(order);
      case 'write':
        return await this.#write(order);
      case 'read':
        return await this.#read();
      case 'commit':
        return await this.#commit();
      case 'trial':
        return await this.#trial(order);
      case 'record':
        return await this.#record(order);
      case 'keep':
        return await this.#keep(order);
      case 'close':
        await this.#parts.line.ask('close', {});
        return 'the mode is over: the gateway answers here no more';
    }
  }

  async #compare(order: Order): Promise<string> {
    const { line, source, now } = this.#parts;
    const { description } = this.#known;
    if (source.way === 'kit') checkDigest(order, fromKit(source.kit, description, now()), description);
    else checkPresent(order, await line.ask('read', {}), source.cloud.origin);
    return 'what is in force is what was ordered';
  }

  async #hear(order: Order): Promise<string> {
    const { line, report } = this.#parts;
    const { ports, says } = await hearPorts(line, order, this.#known.description, report);
    this.#known.ports = ports;
    return says;
  }

  async #key({ gatewayId }: Order): Promise<string> {
    const { nonce, serialNumber } = this.#known.description;
    const asked = { gatewayId, challenge: randomBytes(32).toString('hex') };
    const reply = await this.#parts.line.ask('key', asked, { seconds: keySeconds });
    const publicKeyPem = checkKey({ ...asked, nonce, serialNumber }, reply);
    this.#known.key = { request: reply.request, publicKeyPem };
    return `it has proven its key, ${fingerprintOfKey(publicKeyPem).slice(0, 16)}…`;
  }

  async #certificate(order: Order): Promise<string> {
    const { source } = this.#parts;
    if (source.way === 'kit') throw new Error('a kit has no certificates');
    const { cloud, organisation } = source;
    const { gatewayId, name, replace } = order;
    const { description, key } = this.#known;
    const known = await cloud.known(organisation, gatewayId);
    if (known === undefined) await cloud.takeIn(organisation, { id: gatewayId, name });
    else if (known.reported && !replace && description.gateway?.id !== gatewayId) {
      throw new ProvisionFailure(
        'failed',
        `${gatewayId} is at work already, on another board`,
        'choose another id; or, where this board takes its place, say replace = true (--replace)',
      );
    }
    const { request, publicKeyPem } = needed(key);
    const { chain, authority, fingerprint } = await cloud.certificate(organisation, gatewayId, request);
    checkChain(chain, { gatewayId, publicKeyPem });
    this.#known.from = {
      organisation,
      authority,
      chain,
      enrolment: { url: cloud.origin, secret: null },
      uplink: { host: new URL(cloud.origin).hostname, port: null },
    };
    return `certificate ${fingerprint.slice(0, 16)}… for ${gatewayId}`;
  }

  async #write(order: Order): Promise<string> {
    const { line, source, now } = this.#parts;
    if (source.way === 'kit') {
      this.#known.from = fromKit(source.kit, this.#known.description, now());
    }
    const parsed = siteOf(order, this.#known.ports ?? order.ports ?? [], needed(this.#known.from));
    const wrong = siteSchema.safeParse(parsed).error?.issues[0];
    if (wrong !== undefined) {
      throw new ProvisionFailure('called-wrongly', `${wrong.path.join('.')} ${wrong.message}`, 'correct it');
    }
    const text = JSON.stringify(parsed);
    const { digest } = await line.ask('write', { site: text });
    this.#known.site = { text, parsed };
    return `${text.length} characters, ${digest.slice(0, 16)}…`;
  }

  async #read(): Promise<string> {
    const read = await this.#parts.line.ask('read', {});
    this.#known.read = read;
    const { text, parsed } = needed(this.#known.site);
    checkReadBack(parsed, text, read);
    return 'what stands on its disk is what was written';
  }

  async #commit(): Promise<string> {
    this.#phase = 'committing';
    const { digest } = needed(this.#known.read);
    const { state } = await this.#parts.line.ask('commit', { digest });
    this.#phase = 'in-force';
    return state === 'staged' ? 'in force; it enrols by itself when it has a network' : 'in force';
  }

  async #trial({ trialSeconds, gatewayId }: Order): Promise<string> {
    const { line, source, report } = this.#parts;
    const unhear = line.onNews('trial', (news) => report({ event: 'trial', ...news }));
    try {
      const seconds = trialSeconds + trialSlack;
      this.#known.trial = await line.ask('trial', { seconds: trialSeconds }, { seconds });
    } finally {
      unhear();
    }
    const { reading } = this.#known.trial;
    const said = `reading ${reading.number} of ${reading.tag} was acknowledged`;
    if (source.way === 'kit') return said;
    const stored = await source.cloud.stored(source.organisation, gatewayId, reading.epoch);
    if (stored === 0) {
      throw new ProvisionFailure(
        'not-delivered',
        `the gateway says that a reading was acknowledged, and the cloud has none of ${gatewayId}`,
        'look whether it is connected to another cloud: uplink.host in the site file',
      );
    }
    return stored === null ? said : `${said}; the cloud has ${stored} of it`;
  }

  async #record(order: Order): Promise<string> {
    const { line, source, now, tool } = this.#parts;
    const { description, trial } = this.#known;
    const inForce = this.#inForce();
    const record: ProvisioningRecord = {
      version: 1,
      gatewayId: order.gatewayId,
      organisation: source.way === 'kit' ? source.kit.organisation : source.organisation,
      serialNumber: description.serialNumber,
      result: source.way === 'kit' ? 'staged' : 'provisioned',
      at: new Date(now()).toISOString(),
      where: order.where,
      technician: source.way === 'kit' ? 'a kit, without a login' : source.cloud.technician,
      tool,
      model: description.model,
      runtime: description.runtime,
      certificate: trial === undefined ? await this.#certificateNow() : trial.fingerprint,
      publicKey: fingerprintOfKey(inForce.publicKey),
      authority: inForce.authority,
      ownershipCounter: inForce.ownershipCounter,
      voucher: inForce.voucher,
      site: inForce.site,
      reading: trial?.reading ?? null,
    };
    const text = recordText(record);
    const { signature } = await line.ask('sign', { record: text });
    checkRecord(text, signature, inForce.publicKey);
    const path = this.#parts.recordPath(record);
    await keepRecord(path, { record: text, signature, kept: false });
    this.#known.record = { text, signature, path };
    return path;
  }

  /** Fingerprint of the certificate that a gateway without a trial has: where there is a network after all, it enrols at once. */
  async #certificateNow(): Promise<string | null> {
    const { gateway } = await this.#parts.line.ask('describe', {});
    return gateway?.fingerprint ?? null;
  }

  /** What this tool put in force, or, where an attempt before did, what the gateway says. */
  #inForce(): NonNullable<Reply<'describe'>['inForce']> {
    const { description, voucher, key, read } = this.#known;
    if (read === undefined) return needed(description.inForce ?? undefined);
    const { text, counter } = needed(voucher);
    return {
      publicKey: needed(key).publicKeyPem,
      authority: read.authority,
      ownershipCounter: counter,
      voucher: fingerprintOfVoucher(text),
      site: read.digest,
    };
  }

  async #keep({ gatewayId }: Order): Promise<string> {
    const { source } = this.#parts;
    const { text, signature, path } = needed(this.#known.record);
    if (source.way === 'kit') throw new Error('a kit keeps nothing at the cloud');
    await source.cloud.keep(source.organisation, gatewayId, { record: text, signature });
    await keepRecord(path, { record: text, signature, kept: true });
    return 'the cloud has it';
  }

  async #doing(step: Step, work: () => Promise<string>): Promise<void> {
    const { report } = this.#parts;
    this.#step = step;
    report({ event: 'step', step, state: 'begun', says: steps[step] });
    report({ event: 'step', step, state: 'done', says: await work() });
    this.#step = null;
  }

  /** How it ended. */
  result(
    result: Outcome,
    failed?: { readonly code: string | null; readonly says: string; readonly act: string },
  ): ResultEvent {
    const { description, trial, site, record } = this.#known;
    const [issued = null] = site?.parsed.chain ? fingerprintsOf(site.parsed.chain) : [];
    return {
      event: 'result',
      result,
      exitCode: outcomes[result].code,
      gatewayId: this.#id,
      serialNumber: description.serialNumber,
      fingerprint: trial?.fingerprint ?? issued,
      reading: trial?.reading ?? null,
      record: record?.path ?? null,
      step: this.#step,
      code: failed?.code ?? null,
      says: failed?.says ?? null,
      act: failed?.act ?? null,
    };
  }

  /** How it ended where something was thrown. */
  failure(error: unknown): ResultEvent {
    // The mode ends by itself too; all that counts is done.
    if (this.#step === 'close')
      return this.result(this.#parts.source.way === 'kit' ? 'staged' : 'provisioned');
    const failed = judge(error);
    if (this.#phase === 'committing' && error instanceof LineLost) {
      failed.says += ': whether the site is in force is not known';
    }
    return this.result(this.#outcome(failed.outcome), failed);
  }

  /** What it comes to, seen from what is in force on the gateway by now. */
  #outcome(outcome: Outcome): Outcome {
    if (this.#phase !== 'in-force') return outcome;
    const isThere = this.#parts.source.way === 'kit' || this.#known.trial !== undefined;
    return isThere && this.#step !== 'trial' ? 'record-not-kept' : 'not-delivered';
  }
}

/** What a kit adds to an order. */
function fromKit(
  kit: ProvisioningKit,
  { serialNumber }: Pick<Reply<'describe'>, 'serialNumber'>,
  now: number,
): FromCloud {
  const { organisation, authority, enrolmentUrl, uplink } = kit;
  const { enrolmentSecret } = boardOf(kit, serialNumber, now);
  return {
    organisation,
    authority,
    chain: null,
    enrolment: { url: enrolmentUrl, secret: enrolmentSecret },
    uplink,
  };
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a step before it did not give what it needs');
  return value;
}
