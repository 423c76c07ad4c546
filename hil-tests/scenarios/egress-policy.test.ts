// The egress policy at work: nftables in a network of its own, and a process in the cgroup it is matched to.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launcherPath, packagingPath } from '@loadline/device-runtime';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';

const test = suite('the egress policy');
const run = promisify(execFile);

/** Networks, mounts and cgroups of one's own are root's to make. */
async function whyNot(): Promise<true | string> {
  if (process.getuid?.() !== 0) return 'only root may make a network of its own';
  const nft = await needs('nft', 'nftables');
  if (nft !== true) return nft;
  const ip = await needs('ip', 'iproute2');
  if (ip !== true) return ip;
  return await run('unshare', ['--net', '--mount', 'sh', '-ec', 'mount -t cgroup2 none /sys/fs/cgroup']).then(
    () => true as const,
    (error: { stderr: string }) =>
      `no network and cgroups of its own: ${error.stderr.trim().split('\n').at(-1)}`,
  );
}

const possible = await whyNot();
if (possible !== true) console.log(`skipped: the egress policy: ${possible}`);
const asRoot = possible === true ? test : test.skip;

let folder: string;
/** Not the real unit's: on a machine with systemd that one is systemd's to make. */
const slice = `loadline-test-${process.pid}`;

/** Tries a TCP connection and a datagram to each place, for a short while, and ends. */
const prober = `
  const [, , ...places] = process.argv;
  for (const place of places) {
    const [kind, host, port] = place.split(' ');
    if (kind === 'tcp') require('node:net').connect(Number(port), host).on('error', () => {});
    else require('node:dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4').send('x', Number(port), host, () => {});
  }
  setTimeout(() => process.exit(), 300);
`;

/** Runs a shell script in a network and a cgroup tree of its own, with the policy's script as $egress. */
async function isolated(script: string): Promise<string> {
  const whole = `
    mount -t cgroup2 none /sys/fs/cgroup
    cgroup=/sys/fs/cgroup/${slice}/gateway
    mkdir -p $cgroup
    trap 'rmdir $cgroup /sys/fs/cgroup/${slice}' EXIT
    ip link set lo up
    ip link add far type veth peer name near
    ip address add 10.99.0.1/24 dev far
    ip address add 2001:db8::1/64 dev far nodad
    ip link set far up
    ip link set near up
    export LOADLINE_RESOLV=${folder}/resolv.conf LOADLINE_CONFIG=x
    export LOADLINE_LAUNCHER=${launcherPath} LOADLINE_PREFIX=${folder}/opt
    egress=${folder}/loadline-egress
    probe() { '${process.execPath}' ${folder}/prober.cjs "$@"; }
    inside() { ( sh -c 'echo $PPID' >$cgroup/cgroup.procs; probe "$@" ); }
    ${script}
  `;
  const { stdout } = await run('unshare', ['--net', '--mount', 'sh', '-ec', whole], { timeout: 60_000 });
  return stdout;
}

/** Packets of each counter, from \`nft -j list counters\`. */
function countersIn(listed: string): Record<string, number> {
  const { nftables } = JSON.parse(listed) as { nftables: { counter?: { name: string; packets: number } }[] };
  return Object.fromEntries(
    nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])),
  );
}

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-egress-'));
  await cp(packagingPath, folder, { recursive: true });
  const policy = join(folder, 'loadline-gateway.nft');
  const text = await readFile(policy, 'utf8');
  assert.match(text, '"system.slice/loadline-gateway.service"');
  await writeFile(policy, text.replace('"system.slice/loadline-gateway.service"', `"${slice}/gateway"`));
  await writeFile(
    join(folder, 'resolv.conf'),
    '# a comment\nnameserver 10.99.0.53\nnameserver 2001:db8::53%far\n',
  );
  await mkdir(join(folder, 'opt/factory/bin'), { recursive: true });
  await symlink(process.execPath, join(folder, 'opt/factory/bin/node'));
  await writeFile(
    join(folder, 'opt/factory/gateway.mjs'),
    `if (process.argv.includes('--destinations')) console.log('10.99.0.2 8883\\nno-such-host.invalid 1\\n2001:db8::2 8443');`,
  );
  await writeFile(join(folder, 'prober.cjs'), prober);
});
test.after(() => rm(folder, { recursive: true }));

asRoot('nft accepts it, and sees an error in it', async () => {
  const errors = await isolated(`
    nft -c -f ${folder}/loadline-gateway.nft
    sed s/dport/dporrt/ ${folder}/loadline-gateway.nft >${folder}/broken.nft
    nft -c -f ${folder}/broken.nft 2>&1 || true`);
  assert.match(errors, 'syntax error');
});

asRoot(
  'lets the gateway to the cloud and to DNS, drops and counts the rest, and leaves others alone',
  async () => {
    const [allowed, stray, others, again] = (
      await isolated(`
      $egress load
      inside 'tcp 10.99.0.2 8883' 'tcp 2001:db8::2 8443' 'udp 10.99.0.53 53' 'udp 2001:db8::53 53' 'udp 127.0.0.1 53'
      nft -j list counters
      inside 'tcp 10.99.0.2 9999' 'tcp 10.99.0.3 8883' 'udp 10.99.0.9 53' 'udp 10.99.0.53 123' 'udp 127.0.0.1 54' 'udp 2001:db8::2 8443'
      nft -j list counters
      probe 'tcp 10.99.0.2 9999' 'udp 10.99.0.9 53'
      nft -j list counters
      $egress load
      nft -j list counters`)
    )
      .trim()
      .split('\n')
      .map(countersIn);
    assert.ok((allowed?.to_cloud ?? 0) >= 2 && (allowed?.to_dns ?? 0) >= 3, JSON.stringify(allowed));
    assert.is(allowed?.dropped, 0);
    assert.ok((stray?.dropped ?? 0) >= 6, JSON.stringify(stray));
    assert.equal([stray?.to_cloud, stray?.to_dns], [allowed?.to_cloud, allowed?.to_dns]);
    assert.equal(others, stray);
    assert.equal(again, stray);
  },
);

asRoot('a load that comes again keeps the addresses, and a new cgroup is matched after it', async () => {
  const listed = await isolated(`
    $egress load
    LOADLINE_RESOLV=/dev/null LOADLINE_PREFIX=/dev/null $egress load
    rmdir $cgroup
    mkdir $cgroup
    $egress load
    inside 'tcp 10.99.0.2 9999'
    nft -j list counters
    nft list set inet loadline_gateway cloud4 | grep -c 10.99.0.2
    $egress remove
    nft list tables | wc -l`);
  const [counters = '', kept, left] = listed.trim().split('\n');
  assert.ok((countersIn(counters).dropped ?? 0) >= 1);
  assert.equal([kept, left], ['1', '0']);
});

test.run();
