// @long
// EST by openssl and curl alone: the recipe of docs/identity.md as it stands there, and what is refused, in which words.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../rig/until.ts';
import { needs } from '../runner/debian.ts';
import { connectGateway } from '../system/mqtt-gateway.ts';
import { run } from './program.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const missing = [await needs('openssl'), await needs('curl'), await needs('bash')].find(
  (one) => one !== true,
);
if (missing !== undefined) console.log(`skipped: EST by openssl and curl alone: ${missing}`);
const all = suite('EST by openssl and curl alone');
const test = missing === undefined ? all : all.skip;

/** The commands of the recipe, a block each, in the order of the page. */
const page = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8');
const [, recipe = ''] = /### By openssl and curl\n(.*?)\n### /s.exec(page) ?? [];
const [enrol = '', verify = '', renew = '', ...others] = [...recipe.matchAll(/```sh\n(.*?)```/gs)].map(
  ([, block = '']) => block,
);

const gateway = 'by-hand';
let temporary: TemporaryCloud;
let secret = '';

const inFolder = (name: string) => join(temporary.folder, name);
const read = (name: string) => readFileSync(inFolder(name), 'utf8');

/** Runs commands in the folder, each of which has to succeed; what they print. */
async function sh(commands: string, more = ''): Promise<string> {
  const variables = `CLOUD='${temporary.cloud.url}' GATEWAY='${gateway}' SECRET='${secret}'`;
  const script = `set -euo pipefail\ncd '${temporary.folder}'\n${variables}\n${more}\n${commands}`;
  const { code, stdout, stderr } = await run('bash', ['-s'], script);
  assert.is(code, 0, `${commands}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** Sends a file to an operation of EST: the status, and the code and words of the refusal. */
async function post(operation: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('curl', [
    ...['-sS', '--max-time', '15', '--cacert', inFolder('root.pem'), '-w', ' %{http_code}'],
    ...[...args, `${temporary.cloud.url}/.well-known/est/${operation}`],
  ]);
  const [, body = '', status] = /^(.*) (\d+)$/s.exec(stdout) ?? [];
  const { code, detail } = status === '200' ? { code: '', detail: '' } : JSON.parse(body);
  return `${status} ${code} ${detail}`;
}

/** A request, as the command makes it with these options, in base64; the file. */
async function request(name: string, key: string, subject = `/CN=${gateway}`): Promise<string> {
  await sh(
    `openssl req -new ${key} -nodes -keyout ${name}.key -subj '${subject}' -outform DER | openssl base64 > ${name}.b64`,
  );
  return inFolder(`${name}.b64`);
}

const asRequest = ['-H', 'Content-Type: application/pkcs10'];
const withCertificate = (name: string) => [
  ...['--no-alpn', '--cert', inFolder(`${name}.crt`), '--key', inFolder(`${name}.key`)],
];
const listed = async () =>
  (await temporary.cloud.organisation.listCertificates({ device: gateway })).items.map(
    ({ issuedFor, used, reason }) => [issuedFor, used !== null, reason],
  );

/** What is noted of a use is written soon after it. */
const isNoted = (expected: unknown) =>
  until(async () => isDeepStrictEqual(await listed(), expected), { what: 'certificates are listed so' });

/** Connects to MQTT with a pair of files. */
async function connectWith(name: string): Promise<void> {
  const identity = {
    id: gateway,
    privateKeyPem: read(`${name}.key`),
    chainPem: read(`${name}.crt`),
    authorityPem: read('root.pem'),
  };
  await (await connectGateway(temporary.cloud.mqttPort, identity)).endAsync();
}

all.before(async () => {
  temporary = await temporaryCloud();
  writeFileSync(inFolder('root.pem'), temporary.cloud.authorityPem);
  const made = await temporary.cloud.organisation.createDevice({ body: { id: gateway } });
  secret = made.enrolmentSecret;
  temporary.cloud.service.watchFor(secret, 'an enrolment secret');
});
all.after(() => temporary.end());

test('the recipe has three blocks', () => {
  assert.ok([enrol, verify, renew].every((block) => /curl /.test(block)));
  assert.equal(others, []);
});

test('a request that is not good is refused with what is wrong, and uses no secret up', async () => {
  const rsa = '-newkey rsa:2048';
  const good = await request('good', rsa);
  const der = inFolder('good.der');
  const pem = inFolder('good.pem');
  await sh(
    `openssl base64 -d -in good.b64 -out good.der; openssl req -inform DER -in good.der -out good.pem`,
  );
  const bytes = readFileSync(der);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  writeFileSync(inFolder('spoilt.b64'), bytes.toString('base64'));
  const user = inFolder('user');
  writeFileSync(user, `user = "${gateway}:${secret}"\n`, { mode: 0o600 });
  const by = ['--config', user];
  for (const [file, said] of [
    [await request('other', rsa, '/CN=another'), /^400 request-malformed .*is for 'another'/],
    [await request('more', rsa, `/O=Somebody/CN=${gateway}`), /^400 .*one common name and nothing else/],
    [await request('short', '-newkey rsa:1024'), /^400 .*key is refused: .*1024 bits/],
    [await request('ec', '-newkey ec -pkeyopt ec_paramgen_curve:P-256'), /^400 .*RSA key/],
    [await request('sha1', `${rsa} -sha1`), /^400 .*signature is not RSA with SHA-256/],
    [inFolder('spoilt.b64'), /^400 .*signature does not verify/],
    [pem, /^400 .*it is PEM/],
    [der, /^400 .*not base64/],
  ] as const) {
    const data = ['--data-binary', `@${file}`];
    assert.match(await post('simpleenroll', ...by, ...asRequest, ...data), said);
  }
  assert.match(
    await post('simpleenroll', ...by, '--data-binary', `@${good}`),
    /^415 media-type-unsupported .*Content-Type: application\/pkcs10/,
  );
  assert.match(
    await post('simpleenroll', ...asRequest, '--data-binary', `@${good}`),
    /^401 enrolment-refused/,
  );
  writeFileSync(user, `user = "${gateway}:another-secret"\n`, { mode: 0o600 });
  assert.match(
    await post('simpleenroll', ...by, ...asRequest, '--data-binary', `@${good}`),
    /^403 enrolment-refused/,
  );
  assert.equal(await listed(), []);
});

test('it enrols, verifies, connects, renews, connects with the new one, and the old one has ended', async () => {
  await sh(enrol);
  assert.match(await sh(verify), /gateway\.crt: OK/);
  await connectWith('gateway');
  await isNoted([['secret', true, null]]);
  await sh(renew);
  assert.match(await sh('openssl verify -CAfile root.pem -untrusted cacerts.pem renewal.crt'), /OK/);
  assert.not.equal(
    await sh('openssl x509 -in renewal.crt -noout -pubkey'),
    await sh('openssl x509 -in gateway.crt -noout -pubkey'),
  );
  await connectWith('gateway');
  await connectWith('renewal');
  await isNoted([
    ['secret', true, 'superseded'],
    ['certificate', true, null],
  ]);
  const data = ['--data-binary', `@${inFolder('request.b64')}`];
  assert.match(
    await post('simplereenroll', ...withCertificate('gateway'), ...asRequest, ...data),
    /^403 certificate-superseded .*newer certificate/,
  );
  await connectWith('gateway').then(
    () => assert.unreachable('the old one was let in'),
    (error: Error) => assert.match(error.message, /not authorized/i),
  );
});

test('a renewal is refused without a certificate, by a browser’s ALPN, for another name, and by one that nobody issued', async () => {
  const data = ['--data-binary', `@${inFolder('request.b64')}`];
  const [, ...shown] = withCertificate('renewal');
  for (const how of [[], ['--no-alpn'], shown]) {
    assert.match(
      await post('simplereenroll', ...how, ...asRequest, ...data),
      /^403 certificate-required .*--no-alpn/,
    );
  }
  assert.match(
    await post(
      'simplereenroll',
      ...[...withCertificate('renewal'), ...asRequest, '--data-binary', `@${inFolder('other.b64')}`],
    ),
    /^400 request-malformed .*is for 'another', and the gateway that sent it is 'by-hand'/,
  );
  await sh(
    `openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.crt -days 2 -subj '/CN=${gateway}' 2>/dev/null`,
  );
  assert.match(
    await post('simplereenroll', ...withCertificate('own'), ...asRequest, ...data),
    /^403 certificate-refused .*was not issued under/,
  );
  await sh(
    `curl -sS --fail --cacert root.pem "$CLOUD/.well-known/est/csrattrs" | openssl base64 -d > csrattrs.der`,
  );
  assert.match(
    await sh('openssl asn1parse -inform DER -in csrattrs.der'),
    /rsaEncryption[\s\S]*INTEGER +:0800[\s\S]*sha256WithRSAEncryption/,
  );
});

all.run();
