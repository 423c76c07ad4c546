import * as assert from 'uvu/assert';
import { until } from '../rig/index.ts';
import { EmulatedSite, gatewayId } from './emulated-site.ts';
import { wire } from './lan.ts';
import type { MachineMaterial } from './material.ts';
import { knockTcp, knockUdp } from './probe.ts';
import type { Rung } from './rung.ts';

/** Milliseconds from the network to the gateway on its serial port, under emulation. */
const bootPatience = 240_000;

/** The image on an emulated machine, from its firmware on, end to end. */
export async function climbVirt(rung: Rung, material: MachineMaterial): Promise<void> {
  const { disk, benchFolder } = material;
  const site = await EmulatedSite.prepare({ board: 'virt', folder: rung.folder, disk, benchFolder });
  try {
    await bootsAndIsProvisioned(rung, site);
    await listensOnNothing(rung, site);
    await survivesItsAdapter(rung, site);
  } finally {
    await site.close();
  }
}

async function bootsAndIsProvisioned(rung: Rung, site: EmulatedSite): Promise<void> {
  const { bench } = site;
  const { path } = bench.cable.left;
  const token = await bench.token('technician');

  await rung.show('boots as it ships: firmware, boot loader, kernel, services', async () => {
    await site.switchOn({ by: 'firmware' });
    return `has the address ${await site.isOnTheNetwork(0)}`;
  });

  await rung.show('answers the shipped tool on its serial port', async () => {
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
