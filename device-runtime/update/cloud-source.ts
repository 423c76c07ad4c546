import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Duplex } from 'node:stream';
import { blobPath, ReleaseError, repository, updatePath } from '@loadline/sdk/release';
import type { Time } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import type { Identity } from '../identity/index.ts';
import { connectSecure } from '../uplink/index.ts';
import type { ByteStream, ReleaseSource } from './release-source.ts';

/** Milliseconds in which a connection has to stand, and in which a question has to be answered. */
const answerMilliseconds = 30_000;

export interface CloudSourceOptions {
  /** `enrolment.url` of the configuration: releases are at its host. */
  readonly url: string;
  /** Who we are. */
  readonly identity: Identity;
  /** The authorities that are believed now, PEM. */
  readonly authorityPem: string;
  readonly time: () => Time;
  readonly proxy: Config['uplink']['proxy'];
  /** Ends all of it. */
  readonly signal: AbortSignal;
}

/** Part of a blob, or all of it. */
export interface BlobAnswer {
  /** Bytes of the blob before the first that comes: 0 where the cloud does not send parts. */
  readonly from: number;
  readonly bytes: ByteStream;
}

/**
 * The cloud's repository, over one connection at a time that is made as those to its EST server are: with our certificate,
 * without ALPN, through the same proxy, and judged by the same trust and time.
 */
export class CloudSource implements ReleaseSource {
  readonly #options: CloudSourceOptions;
  readonly #head: URL;
  readonly #agent: Agent;

  constructor(options: CloudSourceOptions) {
    this.#options = options;
    this.#head = new URL(updatePath, new URL(options.url).origin);
    this.#agent = new ConnectingAgent((host, port) => this.#connect(host, port));
  }

  async metadata(name: string, signal: AbortSignal): Promise<ByteStream | undefined> {
    return await this.#file(`${repository.metadata}/${name}`, signal);
  }

  async target(path: string, signal: AbortSignal): Promise<ByteStream | undefined> {
    return await this.#file(`${repository.targets}/${path}`, signal);
  }

  /**
   * A packed file, from a byte on.
   *
   * @throws ReleaseError `source-failed`
   */
  async blob(sha256: string, from: number, length: number): Promise<BlobAnswer> {
    const path = blobPath(sha256);
    const range: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    const answer = await this.#ask(path, range, this.#options.signal);
    const { statusCode, headers } = answer;
    if (statusCode === 200) return { from: 0, bytes: answer };
    if (statusCode === 206 && headers['content-range'] === `bytes ${from}-${length - 1}/${length}`) {
      return { from, bytes: answer };
    }
    answer.destroy();
    if (statusCode === 206 || statusCode === 416) {
      const said = headers['content-range'] ?? 'none';
      throw new PartRefused(
        `${path}: bytes ${from}-${length - 1} were asked for, and the cloud's range is ${said}`,
      );
    }
    throw new ReleaseError('source-failed', `${path}: the cloud answers with status ${statusCode}`);
  }

  /** Closes its connection. */
  close(): void {
    this.#agent.destroy();
  }

  async #file(path: string, signal: AbortSignal): Promise<ByteStream | undefined> {
    const answer = await this.#ask(path, {}, AbortSignal.any([signal, this.#options.signal]));
    if (answer.statusCode === 200) return answer;
    answer.destroy();
    if (answer.statusCode === 404) return undefined;
    throw new ReleaseError('source-failed', `${path}: the cloud answers with status ${answer.statusCode}`);
  }

  #ask(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(`${this.#head.href}/${path}`);
    return new Promise((resolve, reject) => {
      const asking = request(url, { agent: this.#agent, headers, signal });
      const patience = setTimeout(
        () => asking.destroy(new Error(`no answer within ${answerMilliseconds / 1000} s`)),
        answerMilliseconds,
      );
      const failed = (error: Error): void => {
        clearTimeout(patience);
        reject(new ReleaseError('source-failed', `${url.host}: ${error.message}`));
      };
      asking.on('error', failed);
      asking.on('response', (answer) => {
        clearTimeout(patience);
        resolve(answer);
      });
      asking.end();
    });
  }

  async #connect(host: string, port: number): Promise<Duplex> {
    const { identity, authorityPem, time, proxy, signal } = this.#options;
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(answerMilliseconds)]);
    return await connectSecure({
      host,
      port,
      authorityPem,
      time: time(),
      proxy,
      client: identity,
      signal: inTime,
    });
  }
}

/** What was asked for is no part of the file that the cloud has: the part that is here is of another. */
export class PartRefused extends ReleaseError {
  constructor(message: string) {
    super('source-failed', message);
  }
}

/** An agent whose connections are made by somebody else: one at a time, used again while it stands. */
class ConnectingAgent extends Agent {
  readonly #connect: (host: string, port: number) => Promise<Duplex>;

  constructor(connect: (host: string, port: number) => Promise<Duplex>) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#connect = connect;
  }

  override createConnection(
    { hostname, host, port }: { hostname?: string; host?: string; port?: number | string },
    done: (error: Error | null, socket?: Duplex) => void,
  ): undefined {
    const name = (hostname ?? host ?? '').replace(/^\[|\]$/g, '');
    this.#connect(name, Number(port || 443)).then(
      (socket) => done(null, socket),
      (error: Error) => done(error),
    );
  }
}
