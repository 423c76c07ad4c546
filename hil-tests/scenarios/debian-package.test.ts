// @time-limit 600 s
// @long
// The package of a release, as an administrator meets it: in a Debian 12 made for this, started by nspawn where that works.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, generateKeyPair, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';

const test = suite('the Debian package of a release');
const run = promisify(execFile);
const checkout = join(import.meta.dirname, '../..');

const mmdebstrap = await needs('mmdebstrap');
const nspawn = await needs('systemd-nspawn', 'systemd-container');
const isRoot = process.getuid?.() === 0;
const missing = [
  ...(isRoot ? [] : ['only root may make a system']),
  ...(process.arch === 'x64' ? [] : ['the package is for x64']),
  ...(existsSync(join(checkout, '.git')) ? [] : ['a release is built in a clone, and this is none']),
  ...[mmdebstrap].filter((each) => each !== true),
];
if (missing.length > 0) console.log(`skipped: the Debian package is installed: ${missing.join('; ')}`);
const withDebian = missing.length === 0 ? test : test.skip;
if (nspawn !== true) console.log(`skipped: the Debian package under a running systemd: ${nspawn}`);
const withSystemd = missing.length === 0 && nspawn === true ? test : test.skip;

let folder: string;
/** The system, and in it the packages of a candidate and of the final version. */
let system: string;
const packages = { candidate: '/candidate.deb', final: '/final.deb' };

async function build(version: string, to: string): Promise<void> {
  const program = [
    'tools/launch.mjs',
    'tools/main.ts',
    'release',
    'build',
    '--target',
    'linux-x64',
    '--allow-dirty',
  ];
  const { stdout } = await run(process.execPath, [...program, '--as', version, '--out', folder, '--json'], {
    cwd: checkout,
  });
  const { debian } = JSON.parse(stdout) as { debian: string };
  await cp(debian, join(system, to));
}

/** What a shell in the system says, which goes on after what fails. */
async function inSystem(script: string): Promise<string> {
  const { stdout } = await run('chroot', [system, 'sh', '-c', `exec 2>&1; ${script}`], {
    env: { PATH: '/usr/sbin:/usr/bin', DEBIAN_FRONTEND: 'noninteractive' },
  });
  return stdout;
}

if (missing.length === 0) {
  test.before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'loadline-debian-'));
    system = join(folder, 'system');
    const include = '--include=systemd,nftables,libstdc++6,ca-certificates';
    await run('mmdebstrap', ['--variant=minbase', include, 'bookworm', system]);
    await build('0.2.0-rc.1', packages.candidate);
    await build('0.2.1', packages.final);
  });
  test.after(() => rm(folder, { recursive: true }));
}

withDebian('is installed where no systemd runs, as in an image, and its program starts', async () => {
  const said = await inSystem(
    `dpkg --install ${packages.candidate} && dpkg --verify loadline-gateway && echo intact`,
  );
  assert.match(said, /^intact$/m);
  assert.not.match(said, /warning|error|fail/i);
  const factory = '/opt/loadline/factory';
  const version = /^0\.2\.0-rc\.1(-dirty|\.dirty|$)/m;
  assert.match(await inSystem(`${factory}/bin/node ${factory}/gateway.mjs --version`), version);
  assert.match(await inSystem('/opt/loadline/launcher/loadline-launch exec --version'), version);
  assert.match(await inSystem(`${factory}/bin/node ${factory}/gateway.mjs --help`), '--check-config');
  const wanted = await readdir(join(system, 'etc/systemd/system/multi-user.target.wants'));
  assert.ok(wanted.includes('loadline-gateway.service') && wanted.includes('loadline-update.path'));
});

withDebian('has units in which systemd finds nothing wrong', async () => {
  const units = 'loadline-gateway.service loadline-update.service loadline-update.path loadline-egress.timer';
  const said = await inSystem(`cd /usr/lib/systemd/system && systemd-analyze verify --man=no ${units}`);
  assert.is(
    said
      .split('\n')
      .filter((line) => line.includes('loadline'))
      .join('\n'),
    '',
  );
});

withDebian(
  'leaves what it does not own when it is removed, and nothing but the configuration when it is purged',
  async () => {
    await mkdir(join(system, 'var/lib/loadline/slots/a'), { recursive: true });
    await mkdir(join(system, 'var/lib/private/loadline-gateway'), { recursive: true });
    await symlink('private/loadline-gateway', join(system, 'var/lib/loadline-gateway'));
    await writeFile(join(system, 'etc/loadline/gateway.toml'), '');
    await inSystem('dpkg --remove loadline-gateway');
    assert.not(existsSync(join(system, 'opt/loadline')));
    for (const kept of [
      'var/lib/loadline/slots/a',
      'var/lib/loadline-gateway',
      'etc/loadline/gateway.toml',
    ]) {
      assert.ok(existsSync(join(system, kept)), kept);
    }
    await inSystem('dpkg --purge loadline-gateway');
    const found = await inSystem(
      "find / -xdev -path /proc -prune -o -iname '*loadline*' -print | grep -v '^/var/l[io][bg]/\\(dpkg\\|dpkg.log\\)'",
    );
    assert.is(found.trim(), '/etc/loadline');
    assert.is(await inSystem('dpkg --list loadline-gateway 2>/dev/null | grep ^ii || true'), '');
    await rm(join(system, 'etc/loadline'), { recursive: true });
  },
);

/** What is done in the started system, and what is asked of it then: the answer stands below the name. */
const steps: Readonly<Record<string, string>> = {
  installed: `dpkg --install ${packages.candidate}`,
  'installed is': 'systemctl is-enabled $units; systemctl is-active $units',
  configured: `cp /given/* /etc/loadline/; dpkg --install ${packages.candidate}`,
  'configured is':
    'systemctl is-active $units; systemctl show --property=StatusText loadline-gateway.service',
  'its policy': 'nft list table inet loadline_gateway | head -1',
  upgraded: `before=$(systemctl show --property=InvocationID loadline-gateway.service); dpkg --install ${packages.final}
    [ "$before" = "$(systemctl show --property=InvocationID loadline-gateway.service)" ] || echo restarted`,
  'upgraded is': '/opt/loadline/launcher/loadline-launch status; systemctl is-active $units',
  disabled: `systemctl disable --now loadline-gateway.service; dpkg --install ${packages.final}`,
  'disabled is':
    'systemctl is-enabled loadline-gateway.service; systemctl is-active loadline-gateway.service',
  purged: 'systemctl start loadline-gateway.service; dpkg --purge loadline-gateway',
  'purged is':
    "systemctl list-units --all --no-legend 'loadline*'; nft list tables; ls -d /opt/loadline /var/lib/*loadline* /etc/loadline 2>/dev/null",
};

const config = `
[gateway]
id = "mast-1"
state = "/var/lib/loadline-gateway"
[uplink]
host = "cloud.example.org"
authority = "authority.pem"
[enrolment]
url = "https://cloud.example.org:8443"
secret_file = "secret"
[[ports]]
name = "radio"
path = "/dev/ttyUSB0"
`;

/** Boots the system, runs the steps in it, and gives what each said. */
async function started(): Promise<Map<string, string>> {
  const { privateKeyPem } = await generateKeyPair();
  const authority = createAuthority({
    commonName: 'A fleet',
    signer: softwareSigner(privateKeyPem),
    serial: new Uint8Array(8).fill(1),
    notBefore: Date.now(),
    notAfter: Date.now() + 3_600_000,
  });
  await mkdir(join(system, 'given'));
  await writeFile(join(system, 'given/gateway.toml'), config);
  await writeFile(join(system, 'given/authority.pem'), authority);
  await writeFile(join(system, 'given/secret'), 'GV0H');
  const lines = Object.entries(steps).map(([name, script]) => `echo "== ${name}"\n${script}`);
  const units = 'loadline-gateway.service loadline-egress.timer loadline-update.path';
  await writeFile(
    join(system, 'steps'),
    `exec >/said 2>&1\nunits='${units}'\n${lines.join('\n')}\nsystemctl exit 0\n`,
  );
  const unit = '[Service]\nType=idle\nExecStart=/bin/sh /steps\n';
  await writeFile(join(system, 'etc/systemd/system/steps.service'), unit);
  const wants = join(system, 'etc/systemd/system/multi-user.target.wants');
  await mkdir(wants, { recursive: true });
  await symlink('/etc/systemd/system/steps.service', join(wants, 'steps.service'));
  const options = ['--quiet', '--register=no', '--keep-unit', '--private-network', '--directory', system];
  await run('systemd-nspawn', [...options, '--boot', 'systemd.unit=multi-user.target'], {
    timeout: 120_000,
    // The egress policy matches by the one hierarchy of cgroups, which a machine with the older ones hides otherwise.
    env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  });
  const said = await readFile(join(system, 'said'), 'utf8');
  const parts = said.split(/^== (.*)$/m).slice(1);
  return new Map(Object.keys(steps).map((name) => [name, (parts[parts.indexOf(name) + 1] ?? '').trim()]));
}

withSystemd(
  'is enabled when it is installed, and started once it is configured; an upgrade restarts it',
  async () => {
    const said = await started();
    const active = (count: number) => Array(count).fill('active').join('\n');
    assert.match(said.get('installed') ?? '', 'write /etc/loadline/gateway.toml');
    assert.is(said.get('installed is'), `${'enabled\n'.repeat(3)}${'inactive\n'.repeat(3).trim()}`);
    assert.match(said.get('configured is') ?? '', new RegExp(`^${active(3)}`));
    assert.is(said.get('its policy'), 'table inet loadline_gateway {');
    assert.match(said.get('upgraded') ?? '', /^restarted$/m);
    assert.match(said.get('upgraded is') ?? '', /^factory: 0\.2\.1(-dirty\S*)? current/);
    assert.match(said.get('upgraded is') ?? '', new RegExp(`${active(3)}$`));
    assert.is(said.get('disabled is'), 'disabled\ninactive');
    assert.is(said.get('purged is'), '/etc/loadline');
  },
);

test.run();
