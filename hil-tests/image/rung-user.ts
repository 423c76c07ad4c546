import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { leanStart } from '@loadline/device-runtime';
import * as assert from 'uvu/assert';
import { until, VirtualBaseStation, VirtualPort, VirtualRadio, windTransmitter } from '../rig/index.ts';
import { CloudProcess, prepareGateway, Service } from '../system/index.ts';
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
    const start = (under: readonly string[] = []) => {
      const service = new Service({
        name: 'gateway',
        node,
        nodeFlags: leanStart.nodeFlags,
        file: program,
        args: ['--config', configFile],
        under,
        environment: { ...leanStart.environment, ...foreignEnvironment },
        logFile: rung.file('gateway.log'),
      });
      services.push(service);
      return service;
    };
    radio.start();

    await rung.show('it enrols, opens the port, and delivers', async () => {
      const gateway = start();
      await gateway.line('uplink-connected', patience);
      return `${await stored(cloud, 50)} readings stored`;
    });

    await rung.show('it ends in order when it is told to', async () => {
      const end = await services.at(-1)?.stop();
      assert.equal(end, { code: 0, signal: null });
      return 'code 0';
    });
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
