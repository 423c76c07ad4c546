// @long
// @time-limit 240 s
// A card that knows what it is to become: flashed with a site and a kit, it is a working gateway at its first start with a network.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packagingPath } from '@loadline/device-runtime';
import { provisioningScopes } from '@loadline/sdk/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { privateKeyNeedles } from './key-search.ts';
import { foundIn } from './needles.ts';
import { Workbench } from './workbench.ts';

const test = suite('a card that knows what it is to become');
const mtools = await needs('mcopy', 'mtools');
const possible = mtools === true ? await needs('sfdisk', 'fdisk') : mtools;
if (possible !== true) console.log(`skipped: a site in the boot partition: ${possible}`);
const scenario = possible === true ? test : test.skip;

const passphrase = 'correct horse battery';
/** Where the partition of the image begins. */
const offset = 4 * 1024 * 1024;

let bench: Workbench;
let token: string;
let image: string;
let card: string;
let site: string;
let kit: string;

test.before(async () => {
  if (possible !== true) return;
  bench = await Workbench.prepare({ wait: 2 });
  token = await bench.token('technician', provisioningScopes);
  image = bench.file('card.img');
  card = bench.file('card');
  kit = bench.file('kit.json');
  execFileSync('truncate', ['--size', '40M', image]);
  execFileSync('sfdisk', ['--quiet', image], { input: 'label: dos\nstart=8192,size=65536,type=c\n' });
  execFileSync('mformat', ['-i', `${image}@@${offset}`, '-T', '65536', '-h', '64', '-s', '32', '::']);
  await writeFile(bench.file('passphrase'), `${passphrase}\n`, { mode: 0o600 });
  site = await bench.siteFile('carded-1', `\n[[ports]]\nname = "radio"\npath = "${bench.radioPort.path}"\n`);
});
test.after(() => bench?.close());

const flash = (...words: string[]) =>
  bench.start(['flash', '--image', image, '--to', card, '--config', site, '--kit', kit, '--json', ...words])
    .ended;
const resultOf = (out: string) => JSON.parse(out.trim().split('\n').at(-1) as string);
const onCard = (...words: string[]) =>
  execFileSync(words[0] as string, ['-i', `${card}@@${offset}`, ...words.slice(1)], { encoding: 'utf8' });

scenario('a kit is made where there is a network, and the card where there is a reader', async () => {
  const words = ['provision', 'prepare', '--serial', bench.serialNumber, '--id', 'carded-1', '--out', kit];
  const more = ['--uplink-host', 'localhost', '--uplink-port', String(bench.cloud.mqttPort)];
  const prepared = await bench.start([...words, ...more], token).ended;
  assert.is(prepared.code, 0, prepared.errors);
  const { code, out, errors } = await flash();
  assert.is(code, 0, out + errors);
  assert.equal([resultOf(out).result, resultOf(out).site], ['written', 'carded-1']);
  const { board, site: text } = {
    board: JSON.parse(readFileSync(kit, 'utf8')).boards[0],
    site: JSON.parse(onCard('mcopy', '::loadline/site.json', '-')),
  };
  assert.is(text.voucher, board.voucher);
  assert.is(JSON.parse(text.site).enrolment.secret, board.enrolmentSecret);
  // All else is the image, byte for byte, but for the file system that has a file more.
  assert.ok(readFileSync(card).subarray(0, offset).equals(readFileSync(image).subarray(0, offset)));
  assert.not.match(readFileSync(card, 'latin1'), 'PRIVATE KEY');
});

scenario('of a Wi-Fi passphrase the card has the pre-shared key alone', async () => {
  const before = await readFile(site, 'utf8');
  await appendFile(site, '\n[network.wifi]\nssid = "Quay"\ncountry = "DE"\npassphrase_file = "passphrase"\n');
  const { code, out } = await flash('--yes-write', 'card');
  assert.is(code, 0, out);
  const { network } = JSON.parse(JSON.parse(onCard('mcopy', '::loadline/site.json', '-')).site);
  assert.match(network.wifi.passphrase, /^[0-9a-f]{64}$/);
  assert.not.match(readFileSync(card, 'latin1'), passphrase);
  await writeFile(site, before);
});

scenario('a private key in what is to be placed is refused before anything is written', async () => {
  const before = readFileSync(kit, 'utf8');
  const { authority } = JSON.parse(before);
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  await writeFile(kit, JSON.stringify({ ...JSON.parse(before), authority: authority + key }), {
    mode: 0o600,
  });
  const { code, out } = await flash('--yes-write', 'card');
  assert.equal([code, resultOf(out).result], [8, 'site-refused']);
  assert.match(resultOf(out).says, 'private key');
  assert.not.match(out, '"step"');
  await writeFile(kit, before, { mode: 0o600 });
});

for (const [what, change, says] of [
  [
    'another gateway',
    (text: string) => text.replace('id = "carded-1"', 'id = "other-1"'),
    'has no board for other-1',
  ],
  ['no ports', (text: string) => text.replace(/\[\[ports\]\]\n.*\n.*\n/, ''), 'names no [[ports]]'],
  ['a wrong key', (text: string) => `${text}\nnonsense = 1\n`, 'nonsense'],
] as const) {
  scenario(`a site file is refused that says ${what}`, async () => {
    const before = await readFile(site, 'utf8');
    await writeFile(site, change(before));
    const { code, out } = await flash('--yes-write', 'card');
    await writeFile(site, before);
    assert.equal([code, resultOf(out).result], [8, 'site-refused'], out);
    assert.match(resultOf(out).says, says);
  });
}

scenario('the board finds it, enrols by itself and delivers; nothing of it is left on the card', async () => {
  const { code, out } = await flash('--yes-write', 'card');
  assert.is(code, 0, out);
  const boot = bench.file('boot');
  await mkdir(join(boot, 'loadline'), { recursive: true });
  onCard('mcopy', '::loadline/site.json', join(boot, 'loadline/site.json'));
  const state = bench.file('board');
  const env = { ...process.env, LOADLINE_BOOT_PARTITION: boot, LOADLINE_STATE: state };
  execFileSync(join(packagingPath, 'loadline-card'), { env });
  assert.not.ok(existsSync(join(boot, 'loadline/site.json')), 'it is out of the boot partition');
  execFileSync(join(packagingPath, 'loadline-card'), { env });
  await bench.startGateway();
  await bench.stored('carded-1', 3);
  assert.not.ok(existsSync(join(state, 'card/site.json')));
  const { gateway } = JSON.parse(readFileSync(join(state, 'card/taken.json'), 'utf8'));
  assert.is(gateway, 'carded-1');
  const key = readFileSync(join(bench.site, 'current/state/gateway.key'), 'utf8');
  assert.equal(
    foundIn(Buffer.concat([readFileSync(card), readFileSync(kit)]), privateKeyNeedles('the key', key)),
    [],
  );
});

scenario('its secret is spent: a second board with the same card gets no certificate', async () => {
  await bench.stopGateway();
  const boot = bench.file('boot');
  onCard('mcopy', '-o', '::loadline/site.json', join(boot, 'loadline/site.json'));
  execFileSync('rm', ['-rf', bench.site, bench.file('board/ownership'), bench.file('board/card')]);
  execFileSync(join(packagingPath, 'loadline-card'), {
    env: { ...process.env, LOADLINE_BOOT_PARTITION: boot, LOADLINE_STATE: bench.file('board') },
  });
  await bench.startGateway().catch(() => {});
  await bench.gateway.line('enrolment-failed');
  assert.not.ok(existsSync(join(bench.site, 'current/state/gateway.crt')));
});

test.run();
