import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { zstdCompressSync } from 'node:zlib';
import type { Issuer } from '@loadline/sdk/identity';
import { certificateDetails } from '@loadline/sdk/identity';
import { type ReleaseManifest, type ReleaseTarget, writeManifest } from '@loadline/sdk/release';
import {
  firstRoot,
  makeRoleKey,
  nextTargets,
  readTargets,
  resign,
  roleNames,
  roleSigner,
  signRoot,
} from '@loadline/sdk/release/repository';
import { localServer, makeHolder } from '../uplink/test-fleet.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** For tests: a release of files by path. */
export interface TestRelease {
  readonly manifest: ReleaseManifest;
  readonly bytes: Uint8Array;
  readonly files: ReadonlyMap<string, Buffer>;
  /** Packed, by digest. */
  readonly blobs: ReadonlyMap<string, Buffer>;
}

/** For tests: a release that consists of these files. */
export function testRelease(
  version: string,
  target: ReleaseTarget,
  contents: Readonly<Record<string, string | Buffer>>,
): TestRelease {
  const files = new Map(Object.entries(contents).map(([path, content]) => [path, Buffer.from(content)]));
  const blobs = new Map<string, Buffer>();
  const listed = [...files].map(([path, content]) => {
    const packed = zstdCompressSync(content);
    blobs.set(sha256(packed), packed);
    return {
      path,
      executable: path === 'bin/node',
      length: content.length,
      sha256: sha256(content),
      packed: { length: packed.length, sha256: sha256(packed) },
    };
  });
  const manifest: ReleaseManifest = {
    ...{ format: 1, product: 'loadline-gateway', version, target, commit: 'a'.repeat(40), committed: 1 },
    ...{ node: '24.0.0', healthSeconds: 60, launcher: 1, files: listed },
  };
  return { manifest, bytes: writeManifest(manifest), files, blobs };
}

/** For tests: lays a release out as it lies in a slot. */
export async function layOut(folder: string, { bytes, files }: TestRelease): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
    if (path === 'bin/node') await chmod(join(folder, path), 0o755);
  }
  await writeFile(join(folder, 'manifest.json'), bytes);
}

/** For tests: files of a repository by path, signed. */
export function testRepository(now = Date.now()) {
  const keys = roleNames.map((role) => [role, makeRoleKey()] as const);
  const signers = Object.fromEntries(keys.map(([role, key]) => [role, roleSigner(key.privateKeyPem)]));
  const signer = (role: (typeof roleNames)[number]) => signers[role] as ReturnType<typeof roleSigner>;
  const roles = Object.fromEntries(keys.map(([role, { key }]) => [role, { keys: [key], threshold: 1 }]));
  const root = signRoot(firstRoot(roles as never, now), signer('root'), undefined);
  const files = new Map<string, Buffer>([['metadata/1.root.json', Buffer.from(root)]]);
  let targets: string | undefined;
  const text = (path: string) => files.get(path)?.toString('utf8');
  return {
    root,
    files,
    publish(release: TestRelease, floor?: string): void {
      const change = { add: [release.bytes], ...(floor !== undefined && { floor }) };
      targets = nextTargets(targets, change, { signers: [signer('targets')], now });
      const { version, releases } = readTargets(targets);
      files.set(`metadata/${version}.targets.json`, Buffer.from(targets));
      for (const { path, sha256: digest } of releases) {
        if (digest === sha256(release.bytes)) files.set(`targets/${path}`, Buffer.from(release.bytes));
      }
      for (const [digest, blob] of release.blobs) files.set(`blobs/${digest}`, blob);
      const newest = [...files.keys()].findLast((path) => path.endsWith('.snapshot.json'));
      const snapshot = newest === undefined ? undefined : text(newest);
      const current = { root, targets, snapshot, timestamp: text('metadata/timestamp.json') };
      const online = { signers: { snapshot: signer('snapshot'), timestamp: signer('timestamp') }, now };
      for (const { name, content } of resign(current, online)) {
        files.set(`metadata/${name}`, Buffer.from(content));
      }
    },
  };
}

/** For tests: what a server does wrong with one answer. */
export type Fault =
  /** Hangs up, or says nothing more, after so many bytes of the body. */
  | { readonly kind: 'cut' | 'stall'; readonly after: number }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'no-answer' | 'hang-up' | 'ignore-range' | 'other-range' | 'too-much' | 'other-content' }
  /** Sends so many bytes every 5 ms. */
  | { readonly kind: 'slow'; readonly bytes: number };

/** For tests: what was asked, and which part of it. */
export interface Asked {
  readonly path: string;
  readonly range: string | undefined;
  /** Fingerprint of the certificate that was shown. */
  readonly by: string;
  readonly protocol: string | false | null;
  readonly host: string | undefined;
}

/** For tests: the cloud's repository over real TLS, which takes nobody without a certificate of the fleet. */
export class TestReleaseServer {
  readonly asked: Asked[] = [];
  /** Bytes of blobs that were sent. */
  sent = 0;
  /** What goes wrong with the answer to this; undefined where nothing does. */
  fault: (asked: Asked) => Fault | undefined = () => undefined;
  readonly #files: ReadonlyMap<string, Buffer>;
  #server: Server | undefined;

  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = files;
  }

  /** @returns the address of the cloud */
  async open(issuer: Issuer, port = 0): Promise<string> {
    const { privateKeyPem, chainPem } = await makeHolder(issuer, 'localhost', localServer);
    const clients = { requestCert: true, rejectUnauthorized: true, ca: issuer.certificatePem };
    const server = createServer({ key: privateKeyPem, cert: chainPem, ...clients }, (request, response) => {
      void this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return `https://localhost:${(server.address() as AddressInfo).port}/somewhere/else`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const socket = request.socket as TLSSocket;
    const path = request.url?.replace('/update/v1/', '') ?? '';
    const { range, host } = request.headers;
    const by = certificateDetails(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0)).fingerprint;
    const asked = { path, range, by, protocol: socket.alpnProtocol, host };
    this.asked.push(asked);
    const fault = this.fault(asked);
    const whole = this.#files.get(path);
    if (fault?.kind === 'no-answer') return;
    if (fault?.kind === 'hang-up') return void socket.destroy();
    if (fault?.kind === 'status' || whole === undefined) {
      const status = fault?.kind === 'status' ? fault.status : 404;
      response.writeHead(status).end('no');
      return;
    }
    const from = fault?.kind === 'ignore-range' ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (from > 0 && from >= whole.length) {
      response.writeHead(416, { 'content-range': `bytes */${whole.length}` }).end();
      return;
    }
    const body = bodyOf(whole.subarray(from), fault);
    const said = fault?.kind === 'other-range' ? from + 1 : from;
    if (from > 0) response.statusCode = 206;
    if (from > 0) response.setHeader('content-range', `bytes ${said}-${whole.length - 1}/${whole.length}`);
    if (fault?.kind !== 'too-much') response.setHeader('content-length', body.length);
    const end =
      fault?.kind === 'cut' || fault?.kind === 'stall' ? Math.min(fault.after, body.length) : body.length;
    const piece = fault?.kind === 'slow' ? fault.bytes : 16 * 1024;
    response.flushHeaders();
    for (let at = 0; at < end && !socket.destroyed; at += piece) {
      const part = body.subarray(at, Math.min(end, at + piece));
      if (path.startsWith('blobs/')) this.sent += part.length;
      await new Promise((resolve) => response.write(part, resolve));
      if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // All that was sent arrives, and no more.
    if (fault?.kind === 'cut') socket.end();
    else if (fault?.kind !== 'stall') response.end();
  }
}

function bodyOf(body: Buffer, fault: Fault | undefined): Buffer {
  if (fault?.kind === 'too-much') return Buffer.concat([body, randomBytes(100_000)]);
  if (fault?.kind !== 'other-content') return body;
  const other = Buffer.from(body);
  other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
  return other;
}
