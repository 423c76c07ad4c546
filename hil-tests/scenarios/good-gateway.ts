import { gatewayTopic } from '@loadline/sdk/contract';
import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { enrolIdentity, type GatewayIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { MqttWire, publishPacket } from './raw-mqtt.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import type { TemporaryCloud } from './temporary-cloud.ts';

/** A gateway that is in order while others are not: whatever they do, it goes on delivering. */
export class GoodGateway {
  readonly #temporary: TemporaryCloud;
  readonly #identity: GatewayIdentity;
  readonly #batch = batchMaker();
  #wire: MqttWire | undefined;
  #sent = 0;

  private constructor(temporary: TemporaryCloud, identity: GatewayIdentity) {
    this.#temporary = temporary;
    this.#identity = identity;
  }

  /** What it is called. */
  static readonly id = 'good-1';

  /** Takes it in; it connects at its first delivery. */
  static async enrol(temporary: TemporaryCloud): Promise<GoodGateway> {
    return new GoodGateway(temporary, await enrolIdentity(temporary.cloud, GoodGateway.id));
  }

  /** Delivers a batch on the one link it has, and waits for its acknowledgement. */
  async deliver(): Promise<void> {
    const { cloud } = this.#temporary;
    this.#wire ??= (await MqttWire.connect(cloud, this.#identity, { clientId: GoodGateway.id })).wire;
    this.#sent += 1;
    const topic = gatewayTopic(GoodGateway.id, 'telemetry');
    this.#wire.send(publishPacket({ topic, payload: this.#batch(), messageId: this.#sent }));
    const { body } = await this.#wire.packet('puback', this.#wire.all('puback').length + 1);
    assert.is(body.readUInt16BE(0), this.#sent);
  }

  /** Waits until nobody else is connected. */
  async alone(): Promise<void> {
    const { organisation } = this.#temporary.cloud;
    await until(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const up = (await organisation.listDevices()).items.filter(({ connected }) => connected);
        return up.length === 1 && up[0]?.id === GoodGateway.id;
      },
      { what: 'nobody connected but the gateway that is in order' },
    );
  }

  /**
   * Checks that its deliveries, and `others` of this number from the gateways named, are all there is in the store:
   * nothing rejected, and nowhere a trace of `mark`. The cloud is started anew for it.
   */
  async assertNothingElse(mark: string, others: Readonly<Record<string, number>>): Promise<void> {
    const counts = { [GoodGateway.id]: this.#sent, ...others };
    for (const [id, stored] of Object.entries(counts)) {
      const { deliveries } = await this.#temporary.cloud.organisation.getLedger({ device: id });
      assert.equal(deliveries, { received: stored, stored, duplicate: 0, rejected: 0 }, id);
    }
    assert.is(this.#wire?.closed, false);
    this.#wire?.destroy();
    this.#wire = undefined;
    const { state } = this.#temporary;
    await this.#temporary.restart(() => {
      const database = openStateDatabase(state);
      const rows = allRows(database);
      database.close();
      const all = Object.values(counts).reduce((sum, stored) => sum + stored, 0);
      assert.is(rows.get('delivery')?.length, all);
      assert.equal(rows.get('rejection'), []);
      const values = [...rows.values()].flat().flatMap((row) => Object.values(row));
      const holds = (what: string) =>
        values.some((value) =>
          value instanceof Uint8Array ? Buffer.from(value).includes(what) : String(value).includes(what),
        );
      assert.is(holds(mark), false);
      assert.is(holds(GoodGateway.id), true);
    });
  }

  /** Leaves. */
  end(): void {
    this.#wire?.destroy();
  }
}
