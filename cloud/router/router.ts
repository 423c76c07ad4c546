import {
  type ClockAnswer,
  type Code,
  clockQuestion,
  healthMessage,
  limits,
  reportedMessage,
  resultMessage,
  type UpChannel,
} from '@loadline/sdk/contract';
import { type Batch, decodeBatch, TelemetryError } from '@loadline/sdk/telemetry';
import { may, type Principal } from '../access/index.ts';
import type { DeliveryOutcome, Store } from '../store/index.ts';
import { type Device, type Directory, resourceOf } from './directory.ts';
import type { Live } from './live.ts';
import { Turns } from './turns.ts';

/** What a door hands in: who delivers (proven by the door), by which channel, and the bytes. */
export interface Delivery {
  readonly principal: Principal;
  readonly device: string;
  readonly channel: UpChannel;
  readonly body: Uint8Array;
}

/**
 * What a door may say of a delivery.
 *
 * `committed`: stored, or permanently rejected with the rejection committed; acknowledge. `answered`: there is nothing
 * to commit; send the answer and acknowledge. `forbidden`: nothing was taken in; end the session. `failed`: nothing is
 * known to be on disk; do not acknowledge.
 */
export type Receipt =
  | { readonly kind: 'committed' }
  | { readonly kind: 'answered'; readonly answer: ClockAnswer }
  | { readonly kind: 'forbidden'; readonly code: Code }
  | { readonly kind: 'failed'; readonly message: string };

const scopeOf = {
  telemetry: 'telemetry.deliver',
  health: 'health.deliver',
  reported: 'reported.deliver',
  result: 'result.deliver',
  clock: 'clock.ask',
} as const;

const committed: Receipt = { kind: 'committed' };

/** The one way from every door to the store: verify, route, commit, and only then tell. */
export class Router {
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #live: Live;
  readonly #now: () => number;
  readonly #turns: Turns;

  /** `now`: ms since 1970; `monotonic`: ms. */
  constructor(parts: {
    store: Store;
    directory: Directory;
    live: Live;
    now: () => number;
    monotonic: () => number;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#live = parts.live;
    this.#now = parts.now;
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
    if (delivery.channel === 'clock') this.#clock(device, delivery.body, settle);
    else {
      const { channel, body } = delivery;
      this.#turns.run(device.id, () => this.#take(device, channel, body, settle));
    }
  }

  #take(
    device: Device,
    channel: Exclude<UpChannel, 'clock'>,
    body: Uint8Array,
    settle: (receipt: Receipt) => void,
  ): void {
    switch (channel) {
      case 'telemetry':
        this.#telemetry(device, body, settle);
        return;
      case 'health':
        this.#health(device, body, settle);
        return;
      case 'reported':
        this.#reported(device, body, settle);
        return;
      case 'result':
        this.#result(device, body, settle);
    }
  }

  #clock(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    const question = parseJson(body, clockQuestion);
    if (question === undefined) {
      this.#reject(device, 'clock', 'clock-malformed', 'not a clock question of version 1', body, settle);
      return;
    }
    settle({ kind: 'answered', answer: { version: 1, sent: question.sent, wall: this.#now() } });
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

  #telemetry(device: Device, body: Uint8Array, settle: (receipt: Receipt) => void): void {
    let batch: Batch;
    try {
      batch = decodeBatch(body);
    } catch (error) {
      // Whatever a decoder may stumble over, the bytes will be the same the next time: never a reason to end.
      const code = error instanceof TelemetryError ? error.code : 'batch-malformed';
      this.#reject(device, 'telemetry', code, (error as Error).message, body, settle);
      return;
    }
    const { epoch, parent, boot, oldest, first, count, dropped, times } = batch;
    const anchors = batch.anchors.map(({ position, anchor: { monotonic, wall, uncertainty } }) => ({
      position,
      monotonic,
      wall,
      uncertainty,
    }));
    const events = batch.events.map(({ position, event: { monotonic, code, subject, detail } }) => ({
      position,
      monotonic,
      code,
      subject,
      detail,
    }));
    let fromMonotonic = times[0] ?? 0;
    let toMonotonic = fromMonotonic;
    for (const time of times) {
      if (time < fromMonotonic) fromMonotonic = time;
      if (time > toMonotonic) toMonotonic = time;
    }
    const readings = batch.columns.positions.length;
    this.#store.write(
      {
        kind: 'delivery',
        device: device.number,
        epoch,
        parent,
        boot,
        oldest,
        first,
        count,
        dropped,
        readings,
        anchors,
        events,
        fromMonotonic,
        toMonotonic,
        body,
      },
      (outcome) => {
        switch (outcome.kind) {
          case 'delivery':
            this.#publish(device, batch, outcome);
            settle(committed);
            return;
          case 'rejected':
          case 'done':
            settle(committed);
            return;
          case 'failed':
            settle({ kind: 'failed', message: outcome.message });
        }
      },
    );
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
    channel: UpChannel,
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
      (outcome) => settle(receiptOf(outcome)),
    );
  }
}

function receiptOf(outcome: { readonly kind: string; readonly message?: string }): Receipt {
  return outcome.kind === 'failed' ? { kind: 'failed', message: outcome.message ?? '' } : committed;
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
