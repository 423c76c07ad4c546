import { randomUUID } from 'node:crypto';
import type { AlarmKind } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { Pauses } from '../guard/index.ts';
import type { Mailer } from '../mail/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type AlarmRow, type AuditDraft, type Store, step } from '../store/index.ts';
import {
  type CloneDetail,
  type CloneSeen,
  cloneDetail,
  isKnown,
  sourcesOf,
  withSeen,
} from './clone-detail.ts';

const dayMilliseconds = 86_400_000;

/** An alarm that somebody has seen to is raised anew by the same once it was quiet for so long, in ms. */
const quietMilliseconds = dayMilliseconds;

/** How long an alarm is kept after it went on last, in ms. */
const keptMilliseconds = 400 * dayMilliseconds;

/** Milliseconds between two writes of one alarm at least: a war must not write a row for each attempt. */
const restMilliseconds = 10_000;

/** Occurrences of one device that are gathered by themselves between two writes; the rest are counted. */
const gatheredMost = 16;

const tickMilliseconds = 1000;
const forgetEveryTicks = 3600;

/** An alarm as it is known outside the store. Times in ms since 1970. */
export interface Alarm {
  readonly id: string;
  readonly device: Device;
  readonly kind: AlarmKind;
  readonly first: number;
  readonly last: number;
  /** How often it occurred. */
  readonly times: number;
  readonly detail: CloneDetail;
  readonly seen: { readonly at: number; readonly by: string } | null;
}

/** That something occurred which an organisation is to look at. */
export interface Occurrence {
  readonly kind: 'identity-cloned';
  readonly device: Device;
  /** ms since 1970. */
  readonly at: number;
  readonly seen: CloneSeen;
}

export interface AlarmsOptions {
  readonly store: Store;
  readonly directory: Pick<Directory, 'numbered'>;
  readonly mailer: Pick<Mailer, 'send'>;
  /** Told of an alarm that is raised, or goes on, unless somebody has seen to it. */
  readonly onAlarm: (alarm: Alarm) => void;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What of one device and kind is not written yet. */
interface Gathered {
  readonly occurrences: Occurrence[];
  /** How many came besides. */
  more: number;
  /** Nothing is written before this time. */
  notBefore: number;
}

/**
 * What organisations are to look at. One alarm for each device and kind while it goes on: it is raised, kept, told to the
 * organisation's administrators by mail with pauses that grow, and to whoever follows the organisation live; however often
 * it occurs, a row is written every ten seconds at most.
 */
export class Alarms {
  readonly #options: AlarmsOptions;
  readonly #gathered = new Map<string, Gathered>();
  /** Writes under way: one after the other. */
  #writing: Promise<void> = Promise.resolve();
  readonly #pauses = new Pauses<AlarmRow>({
    onTold: (row, _id, pauseMs) => this.#mail(row, pauseMs),
    join: (_, later) => later,
  });
  #ticks = 0;
  readonly #timer: NodeJS.Timeout;

  private constructor(options: AlarmsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.tick(), tickMilliseconds);
    this.#timer.unref();
  }

  /** Takes up what an earlier process has raised: mails that were not sent, and the pauses between them. */
  static async open(options: AlarmsOptions): Promise<Alarms> {
    const alarms = new Alarms(options);
    for (const row of await options.store.read('unseenAlarms', {})) {
      if (row.told !== null && row.pause !== null) alarms.#pauses.resume(row.id, row.told, row.pause);
      if (row.told === null || row.told < row.last) alarms.#pauses.add(row.id, row, options.now());
    }
    return alarms;
  }

  /** It occurred. Returns at once; what cannot be written is logged. */
  raise(occurrence: Occurrence): void {
    const { device, kind, at } = occurrence;
    const key = `${device.number}/${kind}`;
    const gathered = this.#gathered.get(key) ?? { occurrences: [], more: 0, notBefore: at };
    this.#gathered.set(key, gathered);
    if (gathered.occurrences.length < gatheredMost) gathered.occurrences.push(occurrence);
    else gathered.more += 1;
    if (gathered.notBefore <= this.#options.now()) this.#flush(gathered);
  }

  /** Those of an organisation, what went on last first. */
  async of(organisation: string): Promise<Alarm[]> {
    const rows = await this.#options.store.read('alarms', { organisation });
    return rows.flatMap((row) => this.#alarmOf(row) ?? []);
  }

  /** One of an organisation; undefined where it has none of that id. */
  async one(organisation: string, id: string): Promise<Alarm | undefined> {
    const row = await this.#options.store.read('alarm', { id });
    return row?.organisation === organisation ? this.#alarmOf(row) : undefined;
  }

  /**
   * Somebody has seen to it: nobody is mailed or told live of it any more. It is raised anew, as another one, by what it
   * does not name yet, and by the same after a day of quiet. Who was first stays.
   */
  async see({ id }: Alarm, by: string, entry: AuditDraft): Promise<void> {
    const seen = step('seeAlarm', { id, seen: this.#options.now(), by });
    await this.#options.store.change({ steps: [seen], audit: [entry] });
    this.#pauses.drop(id);
  }

  /** Resolves when all that was raised is written, and mails of it are on their way. */
  async settled(): Promise<void> {
    for (const gathered of this.#gathered.values()) this.#flush(gathered);
    for (let writing: Promise<void> | undefined; writing !== this.#writing; ) {
      writing = this.#writing;
      await writing;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.settled();
  }

  /** To be called once a second: writes what was gathered, tells what has waited, forgets what is old. */
  tick(): void {
    const now = this.#options.now();
    for (const [key, gathered] of this.#gathered) {
      if (gathered.notBefore > now) continue;
      if (gathered.occurrences.length > 0) this.#flush(gathered);
      else this.#gathered.delete(key);
    }
    this.#pauses.tell(now);
    if (this.#ticks++ % forgetEveryTicks === 0) {
      this.#then(async () => {
        const before = now - keptMilliseconds;
        await this.#options.store.change({ steps: [step('forgetAlarms', { before })], audit: [] });
      });
    }
  }

  #flush(gathered: Gathered): void {
    const [first, ...rest] = gathered.occurrences.splice(0);
    const { more } = gathered;
    if (first === undefined) return;
    gathered.more = 0;
    gathered.notBefore = this.#options.now() + restMilliseconds;
    this.#then(() => this.#write([first, ...rest], more));
  }

  #then(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work).catch((error: Error) => {
      this.#options.log.error('alarm-not-kept', { reason: error.message });
    });
  }

  async #write(occurrences: readonly [Occurrence, ...Occurrence[]], more: number): Promise<void> {
    const { store, log } = this.#options;
    const { device, kind } = occurrences[0];
    const latest = await store.read('latestAlarm', { device: device.number, kind });
    const before = latest && parse(latest);
    // Of one state of a journal there is nothing more to say than once.
    const told = occurrences.filter(
      ({ seen }) => seen.evidence !== 'one-parent' || before === undefined || !isKnown(before, seen),
    );
    const last = told.at(-1);
    if (last === undefined) return;
    const isSame = latest !== undefined && before !== undefined && goesOn(latest, before, told);
    let detail: CloneDetail = isSame ? before : { evidence: [], epochs: [] };
    for (const { seen } of told) detail = withSeen(detail, await this.#whole(device, seen));
    const times = told.length + more;
    const json = JSON.stringify(detail);
    const { number, organisation } = device;
    const row: AlarmRow = isSame
      ? { ...latest, last: last.at, times: latest.times + times, detail: json }
      : {
          ...{ id: randomUUID(), organisation: organisation.id, device: number, kind },
          ...{ first: (told[0] as Occurrence).at, last: last.at, times, detail: json },
          ...{ seen: null, seen_by: null, told: null, pause: null },
        };
    await store.change(
      isSame
        ? { steps: [step('setAlarm', row)], audit: [] }
        : { steps: [step('addAlarm', row)], audit: [raised(row, device, detail)] },
    );
    if (!isSame) log.warn('alarm', { kind, device: device.id, organisation: organisation.id });
    if (row.seen !== null) return;
    this.#options.onAlarm({ ...row, kind, device, detail, seen: null });
    this.#pauses.add(row.id, row, this.#options.now());
  }

  /** With what deliveries tell of the epochs. */
  async #whole({ number: device }: Device, seen: CloneSeen): Promise<CloneSeen> {
    const epochs = seen.epochs.map(async (one) => {
      const delivered = await this.#options.store.read('deliveredEpoch', { device, epoch: one.epoch });
      return {
        ...one,
        source: one.source ?? delivered?.source ?? null,
        boot: one.boot ?? delivered?.boot ?? null,
      };
    });
    return { ...seen, epochs: await Promise.all(epochs) };
  }

  #mail(row: AlarmRow, pause: number): void {
    this.#then(async () => {
      const { store, mailer, now } = this.#options;
      const alarm = this.#alarmOf(row);
      if (alarm === undefined) return;
      const { device, detail, first, last: at, times } = alarm;
      const organisation =
        (await store.read('organisation', { id: row.organisation }))?.name ?? row.organisation;
      const sources = sourcesOf(detail);
      for (const { email: address, name } of await store.read('administrators', {
        organisation: row.organisation,
      })) {
        mailer.send({
          ...{ kind: 'identity-cloned', organisation, device: device.id, deviceName: device.name },
          ...{ since: first, at, times, sources, to: { address, name } },
        });
      }
      // Told twice rather than never: a process that ends here tells of it again.
      await store.change({ steps: [step('tellAlarm', { id: row.id, told: now(), pause })], audit: [] });
    });
  }

  #alarmOf(row: AlarmRow): Alarm | undefined {
    const device = this.#options.directory.numbered(row.device);
    if (device === undefined) return undefined;
    const { id, first, last, times, seen: at, seen_by: by } = row;
    // Another version's kind is not for this one to explain.
    if (row.kind !== 'identity-cloned') return undefined;
    const seen = at === null ? null : { at, by: by ?? '' };
    return { id, device, kind: row.kind, first, last, times, detail: parse(row), seen };
  }
}

/** Whether this is the alarm that was raised last, and no other. */
function goesOn(latest: AlarmRow, detail: CloneDetail, occurrences: readonly Occurrence[]): boolean {
  if (latest.seen === null) return true;
  return occurrences.every(({ seen, at }) => isKnown(detail, seen) && at - latest.last <= quietMilliseconds);
}

function parse({ detail }: AlarmRow): CloneDetail {
  return cloneDetail.parse(JSON.parse(detail));
}

function raised(
  { id, organisation, first: at, kind }: AlarmRow,
  device: Device,
  detail: CloneDetail,
): AuditDraft {
  return {
    organisation,
    at,
    actor: { kind: 'cloud', id: 'cloud' },
    channel: 'cloud',
    action: 'alarm.raise',
    target: { kind: 'device', id: device.id },
    outcome: 'done',
    code: null,
    before: null,
    after: {
      alarm: id,
      kind,
      evidence: [...detail.evidence],
      epochs: detail.epochs.map(({ epoch, boot }) => ({ epoch, boot })),
    },
    personal: { of: [], data: { sources: detail.epochs.map(({ source }) => source) } },
  };
}

/** That two epochs of a device name one parent: the earlier one, and one that was delivered now. */
export function siblings(device: Device, epochs: readonly [string, string], at: number): Occurrence {
  const seen = epochs.map((epoch) => ({ epoch, source: null, boot: null, at }));
  return { kind: 'identity-cloned', device, at, seen: { evidence: 'one-parent', epochs: seen } };
}
