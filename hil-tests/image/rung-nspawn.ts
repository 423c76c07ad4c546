import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { until, VirtualBaseStation, VirtualPort, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { CloudProcess, prepareGateway } from '../system/index.ts';
import { unpackBase } from './base-system.ts';
import { Container } from './container.ts';
import { cloudName, Lan, wire } from './lan.ts';
import { strayListeners } from './listeners.ts';
import type { Rung } from './rung.ts';

const run = promisify(execFile);
const system = join(import.meta.dirname, '../../tools/image/system');
const id = 'nspawn-1';
/** Milliseconds. */
const patience = 120_000;

/** What the rung is climbed with: made before, where there is a network. */
export interface NspawnMaterial {
  /** A Debian system of this machine's own architecture. */
  readonly base: string;
  /** The release for it, as a package. */
  readonly debianPackage: string;
  readonly version: string;
}

/** The package on a Debian system with an image's own settings, booted: systemd, the units that ship, nftables, what listens. */
export async function climbNspawn(rung: Rung, material: NspawnMaterial): Promise<void> {
  const root = rung.file('root');
  const cloud = await CloudProcess.start({
    ...{ state: rung.file('cloud'), logFile: rung.file('cloud.log'), host: '0.0.0.0', names: [cloudName] },
  });
  const port = await VirtualPort.open({ folder: rung.file('dev') });
  const radio = new VirtualRadio(new VirtualBaseStation(port), [
    windTransmitter({ tag: 0x25df, intervalMs: 100 }),
  ]);
  let container: Container | undefined;
  let lan: Lan | undefined;
  try {
    await rung.show('the package installs into a Debian 12, beside the settings of an image', async () => {
      await unpackBase(material.base, root);
      await cp(material.debianPackage, join(root, 'gateway.deb'));
      await run('chroot', [root, 'dpkg', '--install', '/gateway.deb']);
      await putSettings(root);
      await configure(cloud, root);
      const { stdout } = await run('chroot', [root, 'dpkg-query', '--show', 'loadline-gateway']);
      return stdout.trim();
    });

    await rung.show('systemd boots it with the units that ship, and nothing fails', async () => {
      // Its user is another one at each start.
      await chmod(port.device ?? '', 0o666);
      const devices = { '/dev/radio': port.device ?? '' };
      container = await Container.boot(root, rung.file('console.log'), { wire, devices });
      lan = await Lan.open(rung.folder, 'container');
      await container.until('systemctl is-active multi-user.target');
      await container.until('systemctl is-active loadline-gateway.service');
      const units = ['loadline-update.path', 'loadline-egress.timer', 'nftables.service'];
      await container.run(`systemctl is-active ${units.join(' ')} systemd-networkd.service`);
      assert.is(await container.run('systemctl --failed --no-legend --plain'), '', 'units that failed');
      return await container.run('/opt/loadline/launcher/loadline-launch status');
    });

    await rung.show('it delivers, by its own address and names', async () => {
      radio.start();
      const stored = await until(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 200));
          const { readings } = await cloud.organisation.getLedger({ device: id });
          return readings.stored >= 50 ? readings.stored : undefined;
        },
        { limitMs: patience, what: '50 readings are stored' },
      );
      return `${stored} readings stored; it has the address ${lan?.given}`;
    });

    await rung.show('it listens on nothing but its DHCP client, and what comes in is dropped', async () => {
      const listens = (await container?.run('ss -Hlntup')) ?? '';
      assert.equal(strayListeners(listens), []);
      const rules = (await container?.run('nft list ruleset')) ?? '';
      assert.match(rules, /hook input priority filter; policy drop;/);
      assert.match(rules, 'table inet loadline_gateway');
      return listens.replaceAll(/\s+/g, ' ') || 'no socket waits for anybody';
    });

    await rung.show('systemd finds its unit sheltered', async () => {
      const said = await container?.run(
        'systemd-analyze security --no-pager loadline-gateway.service | tail -1',
      );
      return said?.replace(/^\W+/, '') ?? '';
    });
  } catch (error) {
    const journal = await container?.run('journalctl --no-pager --boot').catch(String);
    if (journal !== undefined) await writeFile(rung.file('journal.log'), journal);
    throw error;
  } finally {
    radio.stop();
    await container?.close();
    await port.close();
    await cloud.service.stop();
    await lan?.close();
  }
}

/** Settings of an image's system, in place of what it would be without. */
async function putSettings(root: string): Promise<void> {
  await cp(system, root, { recursive: true });
  // Here the wire is a pair of virtual ends, which an image leaves alone.
  const drop = join(root, 'etc/systemd/network/80-loadline.network.d');
  await mkdir(drop, { recursive: true });
  await writeFile(join(drop, 'ladder.conf'), '[Match]\nKind=\nKind=veth\n');
  await run('chroot', [root, 'systemctl', 'enable', 'nftables', 'systemd-networkd', 'systemd-resolved']);
}

/** As docs/gateway.md says it of a configuration by hand. */
async function configure(cloud: CloudProcess, root: string): Promise<void> {
  const state = '/var/lib/loadline-gateway';
  const folder = join(root, 'etc/loadline');
  await prepareGateway(cloud, {
    id,
    folder,
    sections: {
      gateway: { id, state },
      uplink: { host: cloudName },
      enrolment: { url: `https://${cloudName}:${cloud.httpsPort}`, secret_file: `${state}/enrolment-secret` },
      unconfigured: { sightings: 1 },
      ports: [{ name: 'radio', path: '/dev/radio' }],
    },
  });
  await mkdir(join(root, state), { recursive: true, mode: 0o700 });
  await rename(join(folder, 'enrolment-secret'), join(root, state, 'enrolment-secret'));
}
