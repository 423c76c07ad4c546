// What systemd itself thinks of the unit that ships.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packagingPath } from '@loadline/device-runtime';
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
  'loadline-egress.service',
  'loadline-egress.timer',
  'loadline-network.service',
  'loadline-network.path',
];
/** Exposure as systemd scores it, 0 (none) to 10; this unit's own figure, rounded up. */
const mostExposure = 1.9;
let folder: string;

test.before(async () => {
  // Its paths are those of an installation: here they are put where the files are.
  folder = await mkdtemp(join(tmpdir(), 'loadline-unit-'));
  await cp(packagingPath, join(folder, 'packaging'), { recursive: true });
  for (const unit of [...units, 'loadline-provisioning.conf']) {
    const file = join(folder, 'packaging', unit);
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
    const { stderr } = await run('systemd-analyze', ['verify', join(folder, 'packaging', unit)]);
    assert.is(stderr, '', unit);
  }
});

withSystemd(
  'systemd understands what is put in for a gateway that is provisioned over a serial line',
  async () => {
    const other = join(folder, 'provisioned');
    await mkdir(join(other, 'loadline-gateway.service.d'), { recursive: true });
    await cp(join(folder, 'packaging/loadline-gateway.service'), join(other, 'loadline-gateway.service'));
    const dropIn = join(other, 'loadline-gateway.service.d/provisioning.conf');
    await cp(join(folder, 'packaging/loadline-provisioning.conf'), dropIn);
    const unit = join(other, 'loadline-gateway.service');
    assert.is((await run('systemd-analyze', ['verify', unit])).stderr, '');
    await writeFile(dropIn, (await readFile(dropIn, 'utf8')).replace('ExecStart=\n', ''));
    const fault = await run('systemd-analyze', ['verify', unit]).catch(({ stderr }) => stderr);
    assert.match(fault, /more than one ExecStart/);
  },
);

withSystemd('a line that systemd does not know is seen', async () => {
  const file = join(folder, 'loadline-broken.service');
  const unit = await readFile(join(folder, 'packaging/loadline-gateway.service'), 'utf8');
  await writeFile(file, unit.replace('SocketBindDeny=any', 'SocketBindDenied=any'));
  const { stderr } = await run('systemd-analyze', ['verify', file]);
  assert.match(stderr, /Unknown key.*'SocketBindDenied'/);
});

withSystemd('the gateway is as little exposed as it is said to be', async () => {
  const score = await exposure(join(folder, 'packaging/loadline-gateway.service'));
  console.log(`systemd-analyze security: exposure of loadline-gateway.service is ${score} of 10`);
  assert.ok(score <= mostExposure, String(score));
  const bare = join(folder, 'loadline-bare.service');
  await writeFile(bare, '[Service]\nExecStart=/bin/true\n');
  assert.ok((await exposure(bare)) > 9);
});

test('each directive of the service says why it is there', async () => {
  const lines = (await readFile(join(packagingPath, 'loadline-gateway.service'), 'utf8')).split('\n');
  const service = lines.slice(lines.indexOf('[Service]') + 1, lines.indexOf('[Install]'));
  const silent = service.filter((line, index) => {
    if (!/^[A-Za-z]+=/.test(line)) return false;
    // A comment stands over a directive, or over the run of directives it is one of.
    let above = index - 1;
    while (/^[A-Za-z]+=/.test(service[above] ?? '')) above--;
    return !service[above]?.startsWith('# ');
  });
  assert.equal(silent, []);
});

(nft === true ? test : test.skip)('the script of the egress policy is in place, and can be run', async () => {
  const usage = await run(join(packagingPath, 'loadline-egress')).catch((error) => error);
  assert.equal([usage.code, usage.stderr], [2, 'Usage: loadline-egress load|refresh|remove\n']);
});

test.run();
