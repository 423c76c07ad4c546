import {
  type ClockAnswer,
  type Code,
  clockQuestion,
  healthMessage,
  limits,
  reportedMessage,
  resultMessage,
  type UpChannel,
  type UpdatingMessage,
  updatingMessage,
} from '@loadline/sdk/contract';
import { type Batch, decodeBatch, numberedFrom, TelemetryError } from '@loadline/sdk/telemetry';
import { may, type Principal } from '../access/index.ts';
import type { Limited, Meter } from '../limits/index.ts';
import type { DeliveryOutcome, Outcome, Store } from '../store/index.ts';
import { deliveryWrite } from './delivery-write.ts';
import { type Device, type Directory, resourceOf } from './directory.ts';
import type { Live } from './live.ts';
import { type NamedBatch, type NamedDelivery, namedBatch } from './named-delivery.ts';
import { Turns } from './turns.ts';

/** What a door hands in: who delivers (proven by the door), by which channel, and the bytes. */
export type Delivery = {
  readonly principal: Principal;
  readonly device: string;
  /** Counts and limits the session that it came by; without one nothing is counted, and nothing limited. */
  readonly meter?: Pick<Meter, 'deliver' | 'readings'> | undefined;
  /** The address it came from, where its door says it. */
  readonly source?: string | undefined;
} & (
  | { readonly channel: UpChannel; readonly body: Uint8Array }
  | ({ readonly channel: 'readings' } & NamedDelivery)
);

/**
 * What a door may say of a delivery.
 *
 * `committed`: on disk, `stored` readings by this delivery and `duplicate` ones before it; acknowledge. `rejected`: for
 * good, and that is on disk; acknowledge, or say so where the other end can hear it. `answered`: there is nothing to
 * commit; send the answer and acknowledge. `limited`: nothing was taken in, and the ledger knows nothing of it; do not
 * acknowledge, and say when to try again. `forbidden`: nothing was taken in; end the session. `failed`: nothing is known
 * to be on disk; do not acknowledge.
 */
export type Receipt =
  | { readonly kind: 'committed'; readonly stored: number; readonly duplicate: number }
  | { readonly kind: 'rejected'; readonly code: Code; readonly detail: string }
  | { readonly kind: 'answered'; readonly answer: ClockAnswer }
  | Limited
  | { readonly kind: 'forbidden'; readonly code: Code }
  | { readonly kind: 'failed'; readonly message: string };

const scopeOf = {
  telemetry: 'telemetry.deliver',
  readings: 'readings.deliver',
  health: 'health.deliver',
  reported: 'reported.deliver',
  result: 'result.deliver',
  updating: 'updating.deliver',
  clock: 'clock.ask',
} as const;

/** The one way from every door to the store: verify, route, commit, and only then tell. */
export class Router {
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #live: Live;
  readonly #now: () => number;
  readonly #turns: Turns;
  readonly #generation: ClockAnswer['generation'];
  readonly #onSiblings: ((device: Device, epochs: readonly [string, string]) => void) | undefined;
  readonly #onUpdating: ((device: Device, message: UpdatingMessage) => void) | undefined;

  /** `now`: ms since 1970; `monotonic`: ms. */
  constructor(parts: {
    store: Store;
    directory: Directory;
    live: Live;
    now: () => number;
    monotonic: () => number;
    /** Which line of history the store is, for devices to notice where another one has taken over. */
    generation?: ClockAnswer['generation'];
    /** Told where two epochs of a device name one parent: the earlier one, and the one that was delivered now. */
    onSiblings?: (device: Device, epochs: readonly [string, string]) => void;
    /** Told, after the commit, of what a gateway said of its update. */
    onUpdating?: (device: Device, message: UpdatingMessage) => void;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#live = parts.live;
    this.#now = parts.now;
    this.#generation = parts.generation;
    this.#onSiblings = parts.onSiblings;
    this.#onUpdating = parts.onUpdating;
    this.#turns = new Turns(parts.monotonic);
  }

  /**
   * Takes a delivery in; `settle` is called once, and for one device in the order of its deliveries, but for questions
   * for the time: they are answered at once, since an answer that waits is not worth much.
   */
  deliver(delivery: Delivery, settle: (receipt: Receipt) => void): void {
    const device = this.#directory.device(delivery.device);
    if (device === undefined) {
      settle({ kind: 'forbidden', code: 'gateway-unknown' });
      return;
    }
    const decision = may(delivery.principal, scopeOf[delivery.channel], resourceOf(device));
    if (!decision.allowed) {
      settle({ kind: 'forbidden', code: decision.code });
      return;
    }
    if (!device.enabled) {
      settle({ kind: 'forbidden', code: 'device-disabled' });
      return;
    }
    const limited = delivery.meter?.deliver(delivery.body.length);
    if (limited !== undefined) settle(limited);
    else if (delivery.channel === 'clock') this.#clock(device, delivery.body, settle);
    else if (delivery.channel === 'readings') {
      this.#turns.run(device.id, () => this.#readings(device, delivery, settle));
    } else {
      const { channel, body } = delivery;
      this.#turns.run(device.id, () => {
        if (channel === 'telemetry') this.#telemetry(device, delivery, settle);
        else this.#take(device, channel, body, settle);
      });
    }
  }

  #take(
    device: Device,
    channel: Exclude<UpChannel, 'clock' | 'telemetry'>,
    body: Uint8Array,
    settle: (receipt: Receipt) => void,
  ): void {
    switch (channel) {
      case 'health':
        this.#health(device, body, settle);
        return;
      case 'reported':
        this.#reported(device, body, settle);
        return;
      case 'result':
        this.#result(device, body, settle);
        return;
      case 'updating':
        this.#updating(device, body, settle);
    }
  }

  #clock(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    const question = parseJson(body, clockQuestion);
    if (question === undefined) {
      this.#reject(device, 'clock', 'clock-malformed', 'not a clock question of version 1', body, settle);
      return;
    }
    const generation = this.#generation;
    const answer = {
      version: 1,
      sent: question.sent,
      wall: this.#now(),
      ...(generation && { generation }),
    } as const;
    settle({ kind: 'answered', answer });
  }

  #result(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    const result = parseJson(body, resultMessage);
    if (result === undefined) {
      this.#reject(device, 'result', 'result-malformed', 'not a result of version 1', body, settle);
      return;
    }
    const write = {
      kind: 'result',
      device: device.number,
      result,
      at: this.#now(),
      payload: body,
    } as const;
    this.#store.write(write, (outcome) => settle(receiptOf(outcome)));
  }

  #updating(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    const message = parseJson(body, updatingMessage);
    if (message === undefined) {
      const detail = 'not an updating message of version 1';
      this.#reject(device, 'updating', 'updating-malformed', detail, body, settle);
      return;
    }
    this.#store.write({ kind: 'updating', device: device.number, message, at: this.#now() }, (outcome) => {
      if (outcome.kind !== 'failed') this.#onUpdating?.(device, message);
      settle(receiptOf(outcome));
    });
  }

  #telemetry(device: Device, { body, meter, source }: Delivery, settle: (receipt: Receipt) => void): void {
    let batch: Batch;
    try {
      batch = decodeBatch(body);
    } catch (error) {
      // Whatever a decoder may stumble over, the bytes will be the same the next time: never a reason to end.
      const code = error instanceof TelemetryError ? error.code : 'batch-malformed';
      this.#reject(device, 'telemetry', code, (error as Error).message, body, settle);
      return;
    }
    this.#store.write({ ...deliveryWrite(device, batch, body), source }, (outcome) => {
      this.#committed(device, batch, meter, outcome, settle);
    });
  }

  #readings(
    device: Device,
    delivery: NamedDelivery & Pick<Delivery, 'meter'>,
    settle: (receipt: Receipt) => void,
  ): void {
    let named: NamedBatch;
    try {
      named = namedBatch(device, delivery, this.#now());
    } catch (error) {
      if (!(error instanceof TelemetryError)) throw error;
      this.#reject(device, 'readings', error.code, error.message, delivery.body, settle);
      return;
    }
    const { batch, bytes, unnumbered } = named;
    this.#store.write({ ...deliveryWrite(device, batch, bytes), unnumbered }, (outcome) => {
      if (outcome.kind !== 'failed') device.channels.settled(unnumbered.channels);
      const first = outcome.kind === 'delivery' ? outcome.first : 0;
      this.#committed(device, numberedFrom(batch, first), delivery.meter, outcome, settle);
    });
  }

  #committed(
    device: Device,
    batch: Batch,
    meter: Delivery['meter'],
    outcome: Outcome,
    settle: (receipt: Receipt) => void,
  ): void {
    // As the ledger does: whatever came of them, if that is known to be on disk.
    if (outcome.kind !== 'failed') meter?.readings(batch.columns.positions.length);
    if (outcome.kind === 'delivery') {
      this.#publish(device, batch, outcome);
      if (outcome.sibling !== undefined) this.#onSiblings?.(device, [outcome.sibling, batch.epoch]);
    }
    settle(receiptOf(outcome));
  }

  #publish(device: Device, batch: Batch, { id, fresh, timeline, resolved }: DeliveryOutcome): void {
    if (id === undefined) return;
    const now = this.#now();
    this.#store.index.add(device.number, batch, fresh, timeline, now);
    this.#store.indexed(id);
    if (resolved) this.#store.resolved(device.number, batch.boot);
    this.#live.publish({ device, batch, fresh, timeline, now });
  }

  #health(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    const health = parseJson(body, healthMessage);
    if (health === undefined) {
      this.#reject(device, 'health', 'health-malformed', 'not a health message of version 1', body, settle);
      return;
    }
    const { epoch } = health;
    const write = { kind: 'health' as const, device: device.number, epoch, health: JSON.stringify(health) };
    this.#store.write(write, (outcome) => settle(receiptOf(outcome)));
  }

  #reported(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    const reported = parseJson(body, reportedMessage);
    if (reported === undefined) {
      const detail = 'not a reported message of version 1';
      this.#reject(device, 'reported', 'reported-malformed', detail, body, settle);
      return;
    }
    const write = {
      kind: 'reported' as const,
      device: device.number,
      reported: JSON.stringify(reported),
    };
    this.#store.write(write, (outcome) => {
      if (outcome.kind === 'done') device.reported = reported;
      settle(receiptOf(outcome));
    });
  }

  #reject(
    device: Device,
    channel: Delivery['channel'],
    code: Code,
    detail: string,
    payload: Uint8Array,
    settle: (receipt: Receipt) => void,
  ): void {
    this.#store.write(
      {
        kind: 'rejection',
        device: device.number,
        at: this.#now(),
        channel,
        code,
        detail: detail.slice(0, 500),
        payload: payload.subarray(0, limits.batchBytes),
        readings: 0,
      },
      (outcome) => {
        settle(outcome.kind === 'failed' ? receiptOf(outcome) : { kind: 'rejected', code, detail });
      },
    );
  }
}

function receiptOf(outcome: Outcome): Receipt {
  switch (outcome.kind) {
    case 'delivery':
      return { kind: 'committed', stored: outcome.stored, duplicate: outcome.duplicate };
    case 'rejected':
      return { kind: 'rejected', code: outcome.code, detail: outcome.detail };
    case 'failed':
      return { kind: 'failed', message: outcome.message };
    case 'done':
    case 'changed':
    case 'refused':
      return { kind: 'committed', stored: 0, duplicate: 0 };
  }
}

function parseJson<T>(
  body: Uint8Array,
  schema: { safeParse(value: unknown): { data?: T | undefined } },
): T | undefined {
  if (body.length > limits.messageBytes) return undefined;
  try {
    return schema.safeParse(JSON.parse(Buffer.from(body).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
