import { Agent, request } from 'node:https';
import { setTimeout as elapsed } from 'node:timers/promises';
import { socketSecret, writeSignedLine } from '@loadline/sdk/socket';
import { LineClient } from '../system/line-client.ts';
import type { LoadClient } from './run.ts';
import type { DoorCredential } from './site.ts';

const betweenMs = 10;
const againMs = 100;
const answerMs = 15_000;

/**
 * A device without a radio that sends a number after the other, each in a delivery of its own, and each again under the same
 * name until it is acknowledged: whatever became of a delivery of which no answer came, it must be stored once.
 */
abstract class NumberClient implements LoadClient {
  abstract readonly door: string;
  readonly device: string;
  readonly acknowledged: number[] = [];
  last = 0;
  readonly #stop = new AbortController();
  readonly #end = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor({ device }: DoorCredential) {
    this.device = device;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async abandon(): Promise<void> {
    this.#stop.abort();
    this.#end.abort();
    await this.#running;
  }

  /** Delivers this number; whether it is acknowledged. Throws where there was no answer. */
  protected abstract deliver(number: number): Promise<boolean>;

  /** Gives up what it has open. */
  protected abstract close(): void;

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.last += 1;
      while (!this.#end.signal.aborted && !(await this.deliver(this.last).catch(() => false)))
        await elapsed(againMs);
      if (!this.#end.signal.aborted) this.acknowledged.push(this.last);
      await elapsed(betweenMs);
    }
    this.close();
  }
}

/** By HTTPS, with an Idempotency-Key. */
export class HttpsClient extends NumberClient {
  readonly door = 'https';
  readonly #port: number;
  readonly #token: string;
  readonly #agent: Agent;

  constructor(port: number, ca: string, credential: DoorCredential) {
    super(credential);
    this.#port = port;
    this.#token = credential.secret;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  }

  protected override deliver(number: number): Promise<boolean> {
    const body = JSON.stringify({ number });
    const headers = {
      'x-auth-token': this.#token,
      'content-type': 'application/json',
      'content-length': body.length,
      'idempotency-key': `"${number}"`,
    };
    return new Promise((resolve, reject) => {
      const to = {
        host: 'localhost',
        port: this.#port,
        path: '/ingest/v1',
        method: 'POST',
        agent: this.#agent,
      };
      const call = request({ ...to, headers, timeout: answerMs }, (response) => {
        response.resume();
        response.on('error', reject);
        response.on('end', () => resolve(response.statusCode === 200));
      });
      call.on('timeout', () => call.destroy(new Error('no answer')));
      call.on('error', reject);
      call.end(body);
    });
  }

  protected override close(): void {
    this.#agent.destroy();
  }
}

/** By socket, with signed lines. */
export class SocketClient extends NumberClient {
  readonly door = 'socket';
  readonly #port: number;
  readonly #key;
  #client: LineClient | undefined;

  constructor(port: number, credential: DoorCredential) {
    super(credential);
    this.#port = port;
    this.#key = { id: credential.id, secret: socketSecret(credential.secret) };
  }

  protected override async deliver(number: number): Promise<boolean> {
    try {
      this.#client ??= await LineClient.tcp(this.#port);
      const answer = await this.#client.ask(
        writeSignedLine(this.#key, number, [{ name: 'number', value: number }]),
      );
      return answer.startsWith('OK ');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  protected override close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}
