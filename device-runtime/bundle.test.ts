import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function gateway(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: '/', timeout: 20_000 };
    execFile(process.execPath, [join(folder, 'gateway.mjs'), ...args], options, (error, stdout, stderr) => {
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

test('explains itself', async () => {
  const { code, stdout } = await gateway('--help');
  assert.is(code, 0);
  assert.match(stdout, '--check-config');
});

test('accepts a good configuration without starting anything', async () => {
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
  const { code, stderr } = await gateway('--config', await configFile(config));
  assert.is(code, 2);
  assert.match(stderr, join(folder, 'authority.pem'));
});

test('says what is missing where it has neither a certificate nor a way to one', async () => {
  await writeFile(join(folder, 'authority.pem'), '');
  const { code, stderr, stdout } = await gateway('--config', await configFile(config));
  assert.is(code, 2);
  assert.match(stderr, 'configure [enrolment]');
  assert.not.match(stdout + stderr, 'PRIVATE KEY');
});

test.run();
