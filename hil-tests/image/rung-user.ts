import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { leanStart } from '@loadline/device-runtime';
import * as assert from 'uvu/assert';
import { until, VirtualBaseStation, VirtualPort, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { CloudProcess, prepareGateway, Service, type ServiceOptions } from '../system/index.ts';
import { foreignEnvironment } from './foreign.ts';
import type { BuiltRelease } from './releases.ts';
import type { Rung } from './rung.ts';

const run = promisify(execFile);
const id = 'arm64-1';
/** Milliseconds: Node starts in seconds under emulation, and makes its key in some more. */
const patience = 120_000;

/** The release for arm64 as a process under emulation: its own Node, its own binding of serial ports. */
export async function climbUser(rung: Rung, release: BuiltRelease): Promise<void> {
  const node = join(release.tree, 'bin/node');
  const program = join(release.tree, 'gateway.mjs');
  const env = { ...process.env, ...foreignEnvironment };

  await rung.show('the release’s own Node runs its own program', async () => {
    const { stdout: platform } = await run(node, ['-p', 'process.arch + " " + process.version'], { env });
    const { stdout: version } = await run(node, [program, '--version'], { env });
    const { stdout: help } = await run(node, [program, '--help'], { env });
    assert.is(version.trim(), release.version);
    assert.match(platform, /^arm64 v24\./);
    assert.match(help, /^Usage: gateway /);
    return `${platform.trim()}, gateway ${version.trim()}`;
  });

  const cloud = await CloudProcess.start({ state: rung.file('cloud'), logFile: rung.file('cloud.log') });
  const port = await VirtualPort.open({ folder: rung.file('dev') });
  const radio = new VirtualRadio(new VirtualBaseStation(port), [
    windTransmitter({ tag: 0x25df, intervalMs: 100 }),
  ]);
  const services: Service[] = [];
  try {
    const configFile = await prepareGateway(cloud, {
      id,
      folder: rung.file('gateway'),
      sections: { unconfigured: { sightings: 1 }, ports: [{ name: 'radio', path: port.path }] },
    });
    const start = (by: Pick<ServiceOptions, 'node' | 'nodeFlags' | 'file' | 'args' | 'environment'>) => {
      const environment = { ...leanStart.environment, ...foreignEnvironment, ...by.environment };
      const service = new Service({ name: 'gateway', ...by, environment, logFile: rung.file('gateway.log') });
      services.push(service);
      return service;
    };
    const ends = async () => {
      assert.equal(await services.at(-1)?.stop(), { code: 0, signal: null });
      return 'code 0';
    };
    radio.start();

    await rung.show('it enrols, opens the port, and delivers', async () => {
      const { nodeFlags } = leanStart;
      const gateway = start({ node, nodeFlags, file: program, args: ['--config', configFile] });
      await gateway.line('uplink-connected', patience);
      return `${await stored(cloud, 50)} readings stored`;
    });

    await rung.show('it ends in order when it is told to', ends);

    // The paths of an installation, in a folder.
    const places = {
      LOADLINE_PREFIX: rung.file('prefix'),
      LOADLINE_STORE: rung.file('store'),
      LOADLINE_STATE: rung.file('gateway'),
    };
    const launcher = join(release.tree, 'launcher/loadline-launch');
    await mkdir(places.LOADLINE_PREFIX);
    await symlink(release.tree, join(places.LOADLINE_PREFIX, 'factory'));

    await rung.show(
      'the release’s launcher starts it from what came with the image, and it delivers',
      async () => {
        const before = await stored(cloud, 1);
        const args = ['run', '--config', configFile];
        const gateway = start({ node: '/bin/sh', nodeFlags: [], file: launcher, args, environment: places });
        await gateway.line('uplink-connected', patience);
        const now = await stored(cloud, before + 50);
        const { stdout } = await run('/bin/sh', [launcher, 'status'], { env: { ...env, ...places } });
        assert.match(stdout, `factory: ${release.version} current`);
        return `${now - before} readings stored; ${stdout.trim()}`;
      },
    );

    await rung.show('the launcher hands it the signal, and ends as it does', ends);
  } finally {
    radio.stop();
    for (const service of services) await service.stop();
    await port.close();
    await cloud.service.stop();
  }
}

/** Waits until so many readings are stored more than there were. */
async function stored(cloud: CloudProcess, count: number): Promise<number> {
  return await until(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { readings } = await cloud.organisation.getLedger({ device: id });
      return readings.stored >= count ? readings.stored : undefined;
    },
    { limitMs: patience, what: `${count} readings are stored` },
  );
}
