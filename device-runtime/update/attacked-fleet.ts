import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { jsonLog } from '@loadline/sdk/platform';
import { type ReleaseCode, ReleaseError } from '@loadline/sdk/release';
import * as assert from 'uvu/assert';
import type { Time } from '../clock/index.ts';
import { TestRepository, TestServer } from './attacked-repository.ts';
import { TrustedReleases, type TrustOptions } from './trusted.ts';

export const noon = Date.UTC(2026, 10, 22, 12);

/** A repository behind an HTTP server, and a gateway that was built to trust its first root. The whole process has its time. */
export class TestFleet {
  readonly repository: TestRepository;
  readonly server: TestServer;
  readonly folder: string;
  readonly logged: string[] = [];
  root: string;

  private constructor(repository: TestRepository, server: TestServer) {
    this.repository = repository;
    this.server = server;
    this.root = repository.root;
    this.folder = join(mkdtempSync(join(tmpdir(), 'loadline-trust-')), 'trust');
  }

  static async start(): Promise<TestFleet> {
    mock.timers.enable({ apis: ['Date'], now: noon });
    const repository = new TestRepository(noon);
    const server = new TestServer(repository.files);
    await server.listen();
    return new TestFleet(repository, server);
  }

  stop(): void {
    mock.timers.reset();
    this.server.close();
    rmSync(join(this.folder, '..'), { recursive: true });
  }

  /** Lets time go by, for everybody. */
  pass(milliseconds: number): void {
    this.repository.now += milliseconds;
    mock.timers.setTime(this.repository.now);
  }

  get time(): Time {
    return { kind: 'known', by: 'cloud', wall: this.repository.now, uncertainty: 1000 };
  }

  async update(options: Partial<TrustOptions> = {}): Promise<TrustedReleases> {
    const { folder, root, time, server } = this;
    const log = jsonLog((line) => void this.logged.push(line), Date.now);
    return await TrustedReleases.open({
      folder,
      root,
      time,
      source: server.source,
      built: noon - 1,
      log,
      ...options,
    });
  }

  async refuses(code: ReleaseCode, piece: RegExp, options: Partial<TrustOptions> = {}): Promise<void> {
    await refusal(this.update(options), code, piece);
  }
}

export async function refusal(done: Promise<unknown>, code: ReleaseCode, piece: RegExp): Promise<void> {
  const error = await done.then(
    () => assert.unreachable(`expected ${code}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReleaseError)) throw error;
  assert.is(error.code, code, error.message);
  assert.match(error.message, piece);
}
