import { execFile, spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildGateway } from './build.ts';
import { bundlePath } from './index.ts';
import { version } from './version.ts';

const test = suite('bundle');

/** The bundle alone, in a folder with no node_modules at or above it. */
let folder: string;

const config = `
[gateway]
id = "mast-1"
state = "state"
[uplink]
host = "localhost"
authority = "authority.pem"
[[ports]]
name = "radio"
path = "/dev/null"
`;

const authorityPem = createAuthority({
  commonName: 'A fleet',
  signer: softwareSigner((await generateKeyPair()).privateKeyPem),
  serial: new Uint8Array(8).fill(1),
  notBefore: Date.now(),
  notAfter: Date.now() + 3_600_000,
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function gateway(...args: string[]): Promise<Ended> {
  return gatewayOn(process.execPath, ...args);
}

function gatewayOn(node: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: '/', timeout: 20_000 };
    execFile(node, [join(folder, 'gateway.mjs'), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

async function configFile(text: string): Promise<string> {
  const file = join(folder, 'gateway.toml');
  await writeFile(file, text);
  return file;
}

test.before(async () => {
  const { file } = await buildGateway();
  assert.is(file, bundlePath);
  folder = await mkdtemp(join(tmpdir(), 'loadline-bundle-'));
  await cp(dirname(file), folder, { recursive: true });
});

test.after(() => rm(folder, { recursive: true }));

test('starts from any folder with nothing but itself, and says its version', async () => {
  assert.equal(await gateway('--version'), { code: 0, stdout: `${version}\n`, stderr: '' });
});

// The Node of the system, which starts this project and need not be the one that runs it.
const systemNode = (process.env.PATH ?? '')
  .split(delimiter)
  .map((path) => join(path, 'node'))
  .find((path) => existsSync(path) && realpathSync(path) !== realpathSync(process.execPath));
const systemVersion = systemNode && spawnSync(systemNode, ['--version'], { encoding: 'utf8' }).stdout.trim();
const isOlder = systemVersion !== undefined && Number.parseInt(systemVersion.slice(1), 10) < 24;
if (!isOlder) console.log('skipped: an older Node is told that it is: there is none in PATH');

(isOlder ? test : test.skip)('on an older Node it says so, and what to do', async () => {
  const { code, stdout, stderr } = await gatewayOn(systemNode ?? '', '--version');
  assert.equal([code, stdout], [2, '']);
  assert.match(stderr, `gateway: needs Node 24, and this is ${systemVersion}`);
  assert.not.match(stderr, 'SyntaxError');
});

test('mends what packets are written with before MQTT.js looks it up', async () => {
  const text = await readFile(join(folder, 'gateway.mjs'), 'utf8');
  const [mended, lookedUp] = [
    /\.genBufVariableByteInt=\w+=>/.exec(text),
    /=__toESM\(require_client\(\)/.exec(text),
  ];
  assert.ok(mended !== null && lookedUp !== null && mended.index < lookedUp.index);
});

test('explains itself', async () => {
  const { code, stdout } = await gateway('--help');
  assert.is(code, 0);
  assert.match(stdout, '--check-config');
});

test('accepts a good configuration without starting anything', async () => {
  await writeFile(join(folder, 'authority.pem'), authorityPem);
  const { code, stderr } = await gateway('--config', await configFile(config), '--check-config');
  assert.equal([code, stderr], [0, '']);
});

test('names key and line of a bad configuration, and ends with code 2', async () => {
  const file = await configFile(config.replace('"mast-1"', '"Mast 1"'));
  const { code, stdout, stderr } = await gateway('--config', file, '--check-config');
  assert.equal([code, stdout], [2, '']);
  assert.match(stderr, `${file}:3: gateway.id must be 1 to 64 of a-z, 0-9 and inner hyphens`);
});

test('ends with code 2 on a file that is not there, an option it does not know, and none at all', async () => {
  const missing = await gateway('--config', join(folder, 'none.toml'));
  assert.is(missing.code, 2);
  assert.match(missing.stderr, 'none.toml');
  assert.is((await gateway('--confg', 'x')).code, 2);
  assert.is((await gateway()).code, 2);
});

test('says which file of its configuration it cannot read, and ends with code 2', async () => {
  await rm(join(folder, 'authority.pem'));
  const { code, stderr } = await gateway('--config', await configFile(config));
  assert.is(code, 2);
  assert.match(stderr, `uplink.authority: ${join(folder, 'authority.pem')} cannot be read`);
});

test('says so before the start as well, and of a driver that cannot be loaded', async () => {
  const { code, stdout, stderr } = await gateway('--config', await configFile(config), '--check-config');
  assert.equal([code, stdout], [2, '']);
  assert.match(stderr, `uplink.authority: ${join(folder, 'authority.pem')} cannot be read`);
  await writeFile(join(folder, 'authority.pem'), 'not a certificate');
  assert.match(
    (await gateway('--config', join(folder, 'gateway.toml'), '--check-config')).stderr,
    'has no certificate',
  );
  await writeFile(join(folder, 'authority.pem'), authorityPem);
  const own = await configFile(`${config}[[drivers]]\nname = "own"\nmodule = "own.mjs"\n`);
  assert.match(
    (await gateway('--config', own, '--check-config')).stderr,
    /driver "own" of .*own.mjs cannot be used/,
  );
});

test('says what is missing where it has neither a certificate nor a way to one', async () => {
  await writeFile(join(folder, 'authority.pem'), authorityPem);
  const { code, stderr, stdout } = await gateway('--config', await configFile(config));
  assert.is(code, 2);
  assert.match(stderr, 'give [enrolment] a url');
  assert.not.match(stdout + stderr, 'PRIVATE KEY');
});

test.run();
