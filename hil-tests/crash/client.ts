import { setTimeout as elapsed } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import type { SeededRandom } from '../rig/random.ts';
import { NumberedClient } from '../scenarios/numbered-client.ts';
import { connectGateway, type GatewayIdentity } from '../system/mqtt-gateway.ts';

/** It sends for so long, and then waits: a load that leaves the gateway some of the machine. */
const sendMs = 5;
const restMs = 100;
const againMs = 100;

/** A client without a gateway's runtime, so that it knows exactly which readings were acknowledged. */
export class Client {
  readonly #identity: GatewayIdentity;
  readonly #port: number;
  readonly #numbers: NumberedClient;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #client: MqttClient | undefined;
  #isAbandoned = false;

  /** @param port of the MQTT door, which may come and go */
  constructor(port: number, identity: GatewayIdentity, random: SeededRandom) {
    this.#port = port;
    this.#identity = identity;
    this.#numbers = new NumberedClient(identity.id, random);
  }

  readonly door = 'mqtt';

  get device(): string {
    return this.#identity.id;
  }

  /** Numbers of the readings whose PUBACK has come. Its number 1 is no reading. */
  get acknowledged(): number[] {
    return [...this.#numbers.acknowledged].filter((number) => number !== 1);
  }

  get last(): number {
    return this.#numbers.last;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Sends nothing new; resolves when all there is has been acknowledged. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Ends at once, whatever is not acknowledged. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    this.#stop.abort();
    this.#client?.end(true);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isAbandoned) {
      let client: MqttClient;
      try {
        client = await connectGateway(this.#port, this.#identity);
      } catch {
        await elapsed(againMs);
        continue;
      }
      this.#client = client;
      try {
        // It may have been given up while it connected.
        if (this.#isAbandoned) return;
        if (await this.#serve(client)) return;
      } finally {
        client.end(true);
      }
    }
  }

  /** Works over a connection. True when there is nothing left to do, false when it is lost. */
  async #serve(client: MqttClient): Promise<boolean> {
    while (!this.#stop.signal.aborted) {
      if ((await this.#numbers.send(client, AbortSignal.timeout(sendMs))) === 'lost') return false;
      await elapsed(restMs);
      if (!client.connected) return false;
    }
    return (await this.#numbers.send(client, AbortSignal.abort())) === 'acknowledged';
  }
}
