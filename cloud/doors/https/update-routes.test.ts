import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpsRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addRelease, builtRelease, ReleaseManager, sha256 } from '../../releases/test-release.ts';
import { type Doors, fingerprintOf, openDoors, type Proof, theirs, until, Wire } from '../test-doors.ts';

const test = suite('the repository of releases over HTTPS');

/** More than a connection and its buffers take by themselves. */
const node = randomBytes(24 * 1024 * 1024);
const bundle = randomBytes(1000);
const nodePath = `blobs/${sha256(node)}`;
const bundlePath = `blobs/${sha256(bundle)}`;
let doors: Doors;
let manager: ReleaseManager;
let ours = '';
let gateways = 0;

test.before(async () => {
  doors = await openDoors();
  manager = new ReleaseManager();
  const { releases } = doors.updating;
  await manager.appointBy(releases);
  await addRelease(releases, manager, builtRelease('1.4.0', { 'bin/node': node, 'gateway.mjs': bundle }));
});
test.before.each(async () => {
  ours = `mast-${gateways++}`;
  await doors.organisation.createDevice({ body: { id: ours } });
});
test.after.each(() => {
  doors.clock.offset = 0;
});
test.after(() => doors.close());

/** An agent of one connection, without ALPN. */
function connection(proof: Proof | undefined, options: ConnectionOptions = {}): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () =>
    connect({ host: 'localhost', port: doors.https.port, ca: doors.authorityPem, ...proof, ...options });
  return agent;
}

/** Begins a request; its answer, of which nothing has been read. */
async function ask(
  agent: Agent,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<IncomingMessage> {
  const asked = httpsRequest({
    agent,
    path: `/update/v1/${path}`,
    method,
    headers: { host: 'localhost', ...headers },
  });
  asked.end();
  const [response] = await once(asked, 'response');
  return response;
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function get(agent: Agent, path: string, headers: Record<string, string> = {}) {
  const response = await ask(agent, path, { headers });
  const body = await bytesOf(response);
  const isProblem = response.headers['content-type']?.startsWith('application/problem+json');
  const code: string | undefined = isProblem ? JSON.parse(String(body)).code : undefined;
  return { status: response.statusCode, headers: response.headers, body, code };
}

test('a gateway reads metadata, manifests and files by its certificate, each with its digest as its tag', async () => {
  const agent = connection(await doors.prove(ours));
  const timestamp = await get(agent, 'metadata/timestamp.json');
  assert.equal([timestamp.status, timestamp.headers['content-type']], [200, 'application/json']);
  assert.is(timestamp.headers.etag, `"${sha256(timestamp.body)}"`);
  assert.is(timestamp.headers['accept-ranges'], 'bytes');
  assert.equal(String((await get(agent, 'metadata/1.root.json')).body), manager.roots[0]);
  assert.equal(String((await get(agent, 'metadata/1.targets.json')).body), manager.targets);
  const [name, about] = Object.entries(JSON.parse(manager.targets).signed.targets)[0] as [
    string,
    { hashes: { sha256: string } },
  ];
  const manifest = await get(agent, `targets/${name.replace('manifest', `${about.hashes.sha256}.manifest`)}`);
  assert.is(sha256(manifest.body), about.hashes.sha256);
  const file = await get(agent, nodePath);
  assert.equal([file.status, file.headers['content-length']], [200, String(node.length)]);
  assert.ok(file.body.equals(node));
  assert.is((await get(agent, bundlePath, { 'if-none-match': `"${sha256(bundle)}"` })).status, 304);
  agent.destroy();
});

test('a download goes on where it was, unless the file is another by now', async () => {
  const agent = connection(await doors.prove(ours));
  const tag = `"${sha256(node)}"`;
  const rest = await get(agent, nodePath, { range: 'bytes=1000-', 'if-range': tag });
  assert.equal(
    [rest.status, rest.headers['content-range']],
    [206, `bytes 1000-${node.length - 1}/${node.length}`],
  );
  assert.ok(rest.body.equals(node.subarray(1000)));
  const part = await get(agent, nodePath, { range: 'bytes=5-9' });
  assert.ok(part.status === 206 && part.body.equals(node.subarray(5, 10)));
  const other = await get(agent, bundlePath, { range: 'bytes=10-', 'if-range': tag });
  assert.ok(other.status === 200 && other.body.equals(bundle));
  const weak = await get(agent, bundlePath, { range: 'bytes=10-', 'if-range': `W/"${sha256(bundle)}"` });
  assert.is(weak.status, 200);
  const beyond = await get(agent, bundlePath, { range: 'bytes=1000-' });
  assert.equal([beyond.status, beyond.headers['content-range']], [416, 'bytes */1000']);
  const small = await get(agent, 'metadata/timestamp.json', { range: 'bytes=2-3' });
  assert.is(small.body.length, 2);
  agent.destroy();
});

test('HEAD says what GET would, without its bytes', async () => {
  const agent = connection(await doors.prove(ours));
  const head = await ask(agent, nodePath, { method: 'HEAD' });
  assert.equal([head.statusCode, head.headers['content-length']], [200, String(node.length)]);
  assert.is(head.headers.etag, `"${sha256(node)}"`);
  assert.is((await bytesOf(head)).length, 0);
  agent.destroy();
});

test('nothing is served but what the repository gives out, however it is asked for', async () => {
  const agent = connection(await doors.prove(ours));
  const others = [
    ...['', 'metadata', 'metadata/', 'metadata/2.root.json', 'online.json', 'metadata/online.json'],
    ...['../database.key', '..%2fonline.json', 'metadata/..%2f..%2fkeys.json', 'metadata/%2e%2e/online.json'],
    ...['blobs/', 'blobs/..', `blobs/${sha256(node)}.part`, `blobs/${sha256(node).toUpperCase()}`],
    ...[`blobs//${sha256(node)}`, `blobs/${'0'.repeat(64)}`, 'blobs/%00', `${'a/'.repeat(2000)}`],
    ...['targets/releases/1.4.0/linux-arm64/manifest.json', 'constructor', '__proto__'],
  ];
  for (const path of others) {
    const answer = await get(agent, path);
    assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`);
    assert.ok(answer.body.length < 1000, path);
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const answer = await ask(agent, nodePath, { method });
    assert.ok([400, 404, 415].includes(answer.statusCode ?? 0), `${method}: ${answer.statusCode}`);
    await bytesOf(answer);
  }
  assert.is((await get(agent, bundlePath)).status, 200, 'the same connection is served still');
  agent.destroy();
});

test('who shows no good certificate is refused by a code that says why', async () => {
  const codeOf = async (proof: Proof | undefined, options: ConnectionOptions = {}) => {
    const agent = connection(proof, options);
    const answer = await get(agent, bundlePath);
    agent.destroy();
    return [answer.status, answer.code];
  };
  const proof = await doors.prove(ours);
  assert.equal(await codeOf(undefined), [403, 'certificate-required']);
  assert.equal(await codeOf(proof, { ALPNProtocols: ['http/1.1'] }), [403, 'certificate-required']);
  assert.equal(await codeOf(doors.server), [403, 'certificate-refused']);
  assert.equal(await codeOf(await doors.unrecorded(ours)), [403, 'gateway-unknown']);
  await doors.organisation.patchDevice({ device: ours, body: { enabled: false } });
  assert.equal(await codeOf(proof), [403, 'device-disabled']);
  await doors.organisation.patchDevice({ device: ours, body: { enabled: true } });
  assert.equal(await codeOf(proof), [200, undefined]);
  doors.clock.offset = 40 * 86_400_000;
  assert.equal(await codeOf(proof), [403, 'certificate-expired']);
  doors.clock.offset = 0;
  await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(proof) });
  assert.equal(await codeOf(proof), [403, 'certificate-revoked']);
});

test('a gateway of every organisation has the same repository', async () => {
  const agent = connection(await doors.prove(theirs));
  assert.is((await get(agent, bundlePath)).status, 200);
  agent.destroy();
});

test('who is revoked in the middle of a download is cut within two seconds, and refused when he comes again', async () => {
  const proof = await doors.prove(ours);
  const agent = connection(proof);
  // The same connection has been used before.
  assert.is((await get(agent, bundlePath)).status, 200);
  const response = await ask(agent, nodePath);
  await once(response, 'readable');
  await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(proof) });
  // Nothing is taken meanwhile: what comes after is what lay on the way when it was cut.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  let bytes = 0;
  const cut = await (async () => {
    for await (const chunk of response) bytes += chunk.length;
  })().catch((error: NodeJS.ErrnoException) => error.code);
  assert.is(cut, 'ECONNRESET');
  assert.ok(bytes < node.length, `${bytes} of ${node.length}`);
  assert.is((await get(connection(proof), bundlePath)).code, 'certificate-revoked');
});

test('a gateway is sent a few files at a time, and no other waits for it', async () => {
  const proof = await doors.prove(ours);
  const open = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const agent = connection(proof);
      const response = await ask(agent, nodePath);
      assert.is(response.statusCode, 200);
      return { agent, response };
    }),
  );
  const fifth = connection(proof);
  const refused = await get(fifth, bundlePath);
  assert.equal([refused.status, refused.code, refused.headers['retry-after']], [429, 'rate-limited', '1']);
  const other = connection(await doors.prove(theirs));
  assert.is((await get(other, bundlePath)).status, 200);
  for (const { agent } of open) agent.destroy();
  await until(async () => (await get(fifth, bundlePath)).status === 200, 'room for another file');
  for (const agent of [fifth, other]) agent.destroy();
});

test('a newer certificate that is shown here ends the older one, as everywhere', async () => {
  const old = await doors.prove(ours);
  const link = await Wire.open(doors, old, ours);
  const agent = connection(await doors.prove(ours));
  assert.is((await get(agent, bundlePath)).status, 200);
  await link.ended();
  agent.destroy();
});

test('curl takes a part of a file by the certificate', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'loadline-update-curl-'));
  try {
    const { key, cert } = await doors.prove(ours);
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const out = join(folder, 'part');
    await promisify(execFile)('curl', [
      ...['--silent', '--show-error', '--fail', '--no-alpn', '--http1.1', '--output', out],
      ...['--cacert', file('ca.pem', doors.authorityPem), '--cert', file('cert.pem', cert)],
      ...['--key', file('key.pem', key), '--range', '100-1123'],
      `https://localhost:${doors.https.port}/update/v1/${nodePath}`,
    ]);
    assert.ok(readFileSync(out).equals(node.subarray(100, 1124)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what was refused is in the audit log of whose gateway it names', async () => {
  const proof = await doors.prove(ours);
  await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(proof) });
  assert.is((await get(connection(proof), bundlePath)).code, 'certificate-revoked');
  await until(async () => {
    const { items } = await doors.organisation.listAudit({ query: { limit: 20 } });
    return items.some(({ action, code }) => action === 'update.fetch' && code === 'certificate-revoked');
  }, 'the refusal in the audit log');
});

test.run();
