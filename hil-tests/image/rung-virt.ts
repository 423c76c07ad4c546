import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { bootFromDisk } from './boot-files.ts';
import { type Ask, EmulatedSite, gatewayId } from './emulated-site.ts';
import { wire } from './lan.ts';
import { strayListeners } from './listeners.ts';
import type { Boot } from './machine.ts';
import type { MachineMaterial } from './material.ts';
import { survivesPowerCuts } from './power-cuts.ts';
import { knockTcp, knockUdp } from './probe.ts';
import type { Rung } from './rung.ts';
import { Updates } from './updates.ts';

/** Milliseconds from the network to the gateway on its serial port, under emulation. */
const bootPatience = 1_200_000;

/** The image on an emulated machine, from its firmware on, end to end. */
export async function climbVirt(rung: Rung, material: MachineMaterial, ask: Ask): Promise<void> {
  const { disk, benchFolder } = material;
  const site = await EmulatedSite.prepare({ board: 'virt', folder: rung.folder, disk, benchFolder });
  try {
    await bootsAndIsProvisioned(rung, site, { by: 'firmware' });
    await listensOnNothing(rung, site);
    await survivesItsAdapter(rung, site);
    const updates = new Updates(rung, site, material);
    await updates.goThrough();
    await updates.goBack();
    await survivesPowerCuts(rung, site, updates, ask);
    await looksInside(rung, site);
  } finally {
    await site.close();
  }
}

/** From nothing to a gateway that delivers: what each emulated machine has to show first. */
export async function bootsAndIsProvisioned(rung: Rung, site: EmulatedSite, boot: Boot): Promise<void> {
  const { bench } = site;
  const { path } = bench.cable.left;
  const token = await bench.token('technician');

  const by = boot.by === 'firmware' ? 'firmware, boot loader, kernel, services' : 'kernel, services';
  await rung.show(`boots: ${by}`, async () => {
    await site.switchOn(boot);
    return `has the address ${await site.isOnTheNetwork(0)}`;
  });

  await rung.show('answers the shipped tool on its serial port', async () => {
    await site.canBeSpokenTo();
    const found = await until(
      async () => {
        const end = await bench.start(['provision', 'find', '--port', path]).ended;
        return end.code === 0 ? end : undefined;
      },
      { limitMs: bootPatience, what: 'the machine answers on its serial port' },
    );
    assert.match(found.errors, 'unprovisioned');
    return found.errors.trim().split('\n').slice(0, 2).join('; ');
  });

  await rung.show('is provisioned over it by the shipped tool, up to an acknowledged reading', async () => {
    const end = await bench.provision(await bench.siteFile(gatewayId), token);
    assert.is(end.code, 0, `${JSON.stringify(end.result)} ${end.errors}`);
    return `certificate ${String(end.result?.fingerprint).slice(0, 16)}…`;
  });

  await rung.show(
    'delivers what its base station hears',
    async () => `${await site.delivers(50)} readings stored`,
  );
}

async function listensOnNothing(rung: Rung, site: EmulatedSite): Promise<void> {
  await rung.show(
    'from outside, nothing answers on any TCP or UDP port, and it delivers meanwhile',
    async () => {
      const address = site.lan.given ?? '';
      const control = await knockTcp(wire.address, [site.bench.cloud.httpsPort, 53, 1]);
      assert.equal(
        control.open,
        [53, site.bench.cloud.httpsPort].sort((a, b) => a - b),
        'the search finds what is there',
      );
      const before = await site.stored();
      const tcp = await knockTcp(address);
      const udp = await knockUdp(address);
      assert.equal([tcp.open, udp], [[], []]);
      await site.delivers(1, before);
      return `${address}: of 65535 TCP ports ${tcp.silent} were silent and ${tcp.refused} refused; no UDP port answered`;
    },
  );
}

async function survivesItsAdapter(rung: Rung, site: EmulatedSite): Promise<void> {
  const { machine } = site;
  await rung.show('survives its adapter being unplugged and plugged in again', async () => {
    const before = await site.stored();
    await machine.unplug('radio');
    await site.reports('port-lost', 1);
    await machine.plug('radio');
    await site.reports('port-open', 2);
    return `${await site.delivers(20, before)} readings stored`;
  });

  await rung.show('finds it under another number, another adapter having taken its own', async () => {
    await machine.unplug('radio');
    await site.reports('port-lost', 2);
    await machine.plug('other');
    await machine.plug('radio');
    await site.reports('port-open', 3);
    const stored = await site.delivers(20);
    await machine.unplug('other');
    return `${stored} readings stored`;
  });
}

/** The same disk, started once more with a root shell beside all that ships; the last thing that is done with it. */
async function looksInside(rung: Rung, site: EmulatedSite): Promise<void> {
  await rung.show(
    'from inside, nothing listens but the DHCP client, and what comes in is dropped',
    async () => {
      const before = await site.stored();
      await site.cutPower();
      await site.switchOn(await bootFromDisk(site.disk, rung.folder, 'beside'));
      const shell = site.machine.shell;
      if (shell === undefined) throw new Error('the machine was started without a shell');
      await shell.ready();
      await site.delivers(10, before);
      const listens = await shell.run('ss -Hlntup');
      assert.equal(strayListeners(listens), []);
      assert.match(await shell.run('nft list ruleset'), /hook input priority filter; policy drop;/);
      assert.is(await shell.run('systemctl --failed --no-legend --plain'), '', 'units that failed');
      return listens.replaceAll(/\s+/g, ' ');
    },
  );

  await rung.show(
    'its root is read-only, its data have all of the card, nobody can log in, and it has no machine-id',
    async () => {
      const shell = site.machine.shell;
      const say = async (command: string) => (await shell?.run(command)) ?? '';
      assert.match(await say('findmnt -no OPTIONS /'), /^ro,/);
      await assertFails(say('touch /usr/here'));
      // What systemd made of the empty file for this start lies over it.
      assert.is(await say("unshare --mount sh -c 'umount /etc/machine-id; wc -c </etc/machine-id'"), '0');
      assert.is(await say('ls -d /etc/ssh 2>/dev/null || true'), '');
      assert.is(
        await say("awk -F: '$2 !~ /^[!*]/' /etc/shadow"),
        '',
        'accounts that have a password, or need none',
      );
      assert.is(await say('cat /proc/[0-9]*/comm | grep -c getty || true'), '0');
      const room = Number(await say('df -B1 --output=size /var | tail -1'));
      assert.ok(
        room > gigabytes(2),
        `the data partition has ${room} bytes: it has not been grown to the card`,
      );
      return `${await say('df -h --output=target,size,used / /var | tail -2 | tr "\\n" ";"')} ${await say('/opt/loadline/launcher/loadline-launch status | tr "\\n" ";"')}`;
    },
  );
}

const gigabytes = (count: number) => count * 2 ** 30;

async function assertFails(work: Promise<unknown>): Promise<void> {
  const failed = await work.then(
    () => false,
    () => true,
  );
  assert.ok(failed, 'what must fail has not');
}
