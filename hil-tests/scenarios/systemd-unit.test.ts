// What systemd itself thinks of the unit that ships.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { launcherPath, packagingPath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';

const test = suite('the systemd unit');
const run = promisify(execFile);

// It is a part of systemd, which no test brings onto a machine without it.
const analyze = await run('systemd-analyze', ['--version']).then(
  () => true,
  () => 'no systemd-analyze here',
);
if (analyze !== true) console.log(`skipped: the systemd unit: ${analyze}`);
const withSystemd = analyze === true ? test : test.skip;
const nft = await needs('nft', 'nftables');
if (nft !== true) console.log(`skipped: the script of the egress policy is in place: ${nft}`);

const units = [
  'loadline-gateway.service',
  'loadline-card.service',
  'loadline-egress.service',
  'loadline-egress.timer',
  'loadline-network.service',
  'loadline-network.path',
  'loadline-update.service',
  'loadline-update.path',
];
/** What is put in where a system is made otherwise, and for which unit. */
const dropIns = {
  'loadline-provisioning.conf': 'loadline-gateway.service',
  'loadline-network-run.conf': 'loadline-network.service',
};
/** Exposure as systemd scores it, 0 (none) to 10; this unit's own figure, rounded up. */
const mostExposure = { 'loadline-gateway.service': 2.0, 'loadline-update.service': 1.3 };
let folder: string;

test.before(async () => {
  // Its paths are those of an installation: here they are put where the files are.
  folder = await mkdtemp(join(tmpdir(), 'loadline-unit-'));
  await cp(packagingPath, join(folder, 'factory/packaging'), { recursive: true });
  await cp(dirname(launcherPath), join(folder, 'launcher'), { recursive: true });
  for (const unit of [...units, ...Object.keys(dropIns)]) {
    const file = join(folder, 'factory/packaging', unit);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('/opt/loadline', folder));
  }
});
test.after(() => rm(folder, { recursive: true }));

async function exposure(unit: string): Promise<number> {
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', unit]);
  const [, score] = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? [];
  assert.ok(score, stdout);
  return Number(score);
}

withSystemd('systemd understands every line of every unit', async () => {
  for (const unit of units) {
    const { stderr } = await run('systemd-analyze', ['verify', join(folder, 'factory/packaging', unit)]);
    assert.is(stderr, '', unit);
  }
});

withSystemd('systemd understands what is put in for a system that is made otherwise', async () => {
  for (const [name, unit] of Object.entries(dropIns)) {
    const other = join(folder, `with-${name}`);
    await mkdir(join(other, `${unit}.d`), { recursive: true });
    await cp(join(folder, 'factory/packaging', unit), join(other, unit));
    const dropIn = join(other, `${unit}.d`, name);
    await cp(join(folder, 'factory/packaging', name), dropIn);
    assert.is((await run('systemd-analyze', ['verify', join(other, unit)])).stderr, '', name);
  }
  const other = join(folder, 'with-loadline-provisioning.conf');
  const dropIn = join(other, 'loadline-gateway.service.d/loadline-provisioning.conf');
  await writeFile(dropIn, (await readFile(dropIn, 'utf8')).replace('ExecStart=\n', ''));
  const unit = join(other, 'loadline-gateway.service');
  const fault = await run('systemd-analyze', ['verify', unit]).catch(({ stderr }) => stderr);
  assert.match(fault, /more than one ExecStart/);
});

withSystemd('a line that systemd does not know is seen', async () => {
  const file = join(folder, 'loadline-broken.service');
  const unit = await readFile(join(folder, 'factory/packaging/loadline-gateway.service'), 'utf8');
  await writeFile(file, unit.replace('SocketBindDeny=any', 'SocketBindDenied=any'));
  const { stderr } = await run('systemd-analyze', ['verify', file]);
  assert.match(stderr, /Unknown key.*'SocketBindDenied'/);
});

withSystemd('gateway and installer are as little exposed as they are said to be', async () => {
  for (const [unit, most] of Object.entries(mostExposure)) {
    const score = await exposure(join(folder, 'factory/packaging', unit));
    console.log(`systemd-analyze security: exposure of ${unit} is ${score} of 10`);
    assert.ok(score <= most, `${unit}: ${score}`);
  }
  const bare = join(folder, 'loadline-bare.service');
  await writeFile(bare, '[Service]\nExecStart=/bin/true\n');
  assert.ok((await exposure(bare)) > 9);
});

for (const unit of ['loadline-gateway.service', 'loadline-update.service']) {
  test(`each directive of ${unit} says why it is there`, () => mustSayWhy(unit));
}

async function mustSayWhy(unit: string): Promise<void> {
  const text = (await readFile(join(packagingPath, unit), 'utf8')).split('[Install]')[0] as string;
  const lines = text.split('\n');
  const service = lines.slice(lines.indexOf('[Service]') + 1);
  const silent = service.filter((line, index) => {
    if (!/^[A-Za-z]+=/.test(line)) return false;
    // A comment stands over a directive, or over the run of directives it is one of.
    let above = index - 1;
    while (/^[A-Za-z]+=/.test(service[above] ?? '')) above--;
    return !service[above]?.startsWith('# ');
  });
  assert.equal(silent, []);
}

(nft === true ? test : test.skip)('the script of the egress policy is in place, and can be run', async () => {
  const usage = await run(join(packagingPath, 'loadline-egress')).catch((error) => error);
  assert.equal([usage.code, usage.stderr], [2, 'Usage: loadline-egress load|refresh|remove\n']);
});

test.run();
