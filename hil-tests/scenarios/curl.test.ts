// @long
// A client that nobody here wrote: curl, at the HTTPS door, as a person at a console or a shell script uses it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { run } from './program.ts';
import { type Credentials, takeInSoftware } from './software-device.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const found = await needs('curl');
if (found !== true) console.log(`skipped: curl: ${found}`);
const all = suite('curl');
const test = found === true ? all : all.skip;

const device = 'logger';
const json = ['-H', 'Content-Type: application/json'];

let temporary: TemporaryCloud;
let credentials: Credentials;
let proof: readonly string[];
let stored = 0;

function file(name: string, content: string | Uint8Array): string {
  const path = join(temporary.folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

/** The status of an answer, and its body as JSON where it is any. */
async function curl(path: string, ...args: string[]) {
  const url = `${temporary.cloud.url}${path}`;
  const authority = file('authority.pem', temporary.cloud.authorityPem);
  const usual = ['--silent', '--show-error', '--max-time', '15', '--cacert', authority];
  const { code, stdout, stderr } = await run('curl', [
    ...usual,
    '--write-out',
    '\n%{http_code}',
    ...args,
    url,
  ]);
  assert.is(code, 0, stderr);
  const lines = stdout.split('\n');
  const status = Number(lines.pop());
  const text = lines.join('\n');
  return { status, text, body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
}

const deliver = (...args: string[]) => curl('/ingest/v1', ...proof, ...json, ...args);

all.before(async () => {
  temporary = await temporaryCloud();
  credentials = await takeInSoftware(temporary.cloud, device);
  // In a file, as its manual says: the arguments of a program are for all to see.
  proof = ['-H', `@${file('token', `X-Auth-Token: ${credentials.token.secret}\n`)}`];
});
all.after(() => temporary.end());

test('healthz and readyz answer without any proof', async () => {
  assert.is((await curl('/healthz')).status, 200);
  assert.is((await curl('/readyz')).status, 200);
});

test('a reading is stored when curl has its answer: from the command line, from a file, in pieces, compressed', async () => {
  const packed = file('packed', gzipSync('{"temp":22.5,"hum":40}'));
  for (const [readings, ...args] of [
    [1, '--data', '{"temp":21.5}'],
    [2, '--data-binary', `@${packed}`, '-H', 'Content-Encoding: gzip'],
    [1, '--data', '{"temp":21.75}', '-H', 'Transfer-Encoding: chunked'],
    [1, '--data', '{"temp":22}', '-H', 'Expect: 100-continue'],
    [1, '--data', '{"temp":22.25}', '--http2'],
    [1, '--data', '{"temp":22.5}', '--tls-max', '1.2'],
  ] as const) {
    const { status, body } = await deliver(...args);
    assert.equal([status, body], [200, { stored: readings, duplicate: 0 }], args.join(' '));
    stored += readings;
    const { readings: account } = await temporary.cloud.organisation.getLedger({ device });
    assert.is(account.stored, stored);
  }
});

test('a delivery that curl sends again is counted once, by its key', async () => {
  const again = ['--data', '{"temp":19}', '-H', 'Idempotency-Key: "one"'];
  assert.equal((await deliver(...again)).body, { stored: 1, duplicate: 0 });
  assert.equal((await deliver(...again)).body, { stored: 0, duplicate: 1 });
  stored += 1;
});

test('a token in the address is refused with why, for each way to write it, and stands in no log', async () => {
  const { secret } = credentials.token;
  for (const path of [
    `/ingest/v1?token=${secret}`,
    `/ingest/v1?access_token=${secret}`,
    `/ingest/v1/${secret}`,
    `/api/v1/${secret}/telemetry`,
    `/ingest/v1?x=%6c${secret.slice(1)}`,
  ]) {
    for (const headers of [[], proof]) {
      const { status, body } = await curl(path, ...headers, ...json, '--data', '{"temp":1}');
      assert.is(status, 400, path.replace(secret, 'TOKEN'));
      assert.match(String(body.detail), /X-Auth-Token/);
      assert.not.match(JSON.stringify(body), secret.slice(4));
    }
  }
});

test('what it does wrong it is told as a problem, with what to do', async () => {
  const wrong = [
    [401, await curl('/ingest/v1', ...json, '--data', '{"temp":1}')],
    [
      401,
      await curl('/ingest/v1', '-u', `logger:${credentials.token.secret}`, ...json, '--data', '{"temp":1}'),
    ],
    [405, await deliver('--upload-file', file('upload', '{"temp":1}'))],
    [415, await curl('/ingest/v1', ...proof, '--data', 'temp=1')],
    [400, await deliver('--data', '{"temp":')],
    [413, await deliver('--data-binary', `@${file('long', '9'.repeat(300 * 1024))}`)],
  ] as const;
  for (const [wanted, { status, body }] of wrong) {
    assert.equal([status, body.status], [wanted, wanted], JSON.stringify(body));
    assert.ok(body.code && body.detail);
  }
});

test('after all of it the account balances: what was stored, the one sent twice, the one that was refused', async () => {
  const { deliveries, readings } = await temporary.cloud.organisation.getLedger({ device });
  assert.is(deliveries.received, deliveries.stored + deliveries.duplicate + deliveries.rejected);
  assert.equal([readings.stored, deliveries.duplicate, deliveries.rejected], [stored, 1, 1]);
});

all.run();
