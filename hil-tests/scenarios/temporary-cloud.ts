import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudProcess, type CloudProcessOptions } from '../system/index.ts';

/** A cloud on a state folder of its own, for one file of tests. */
export interface TemporaryCloud {
  cloud: CloudProcess;
  readonly folder: string;
  /** The cloud's state. */
  readonly state: string;
  /** What the cloud has printed, on both outputs. */
  readonly logFile: string;
  /** Stops it, has `change` done to its state, and starts it again on new ports. */
  restart(change: () => void | Promise<void>): Promise<void>;
  /** Stops it and removes the folder. */
  end(): Promise<void>;
}

/** Starts a cloud in a process of its own, on a temporary folder. */
export async function temporaryCloud(
  options: Pick<CloudProcessOptions, 'sockets' | 'metrics' | 'limits' | 'certificateLife'> = {},
): Promise<TemporaryCloud> {
  const folder = await mkdtemp(join(tmpdir(), 'loadline-cloud-'));
  const state = join(folder, 'cloud');
  const logFile = join(folder, 'cloud.log');
  const temporary: TemporaryCloud = {
    cloud: await CloudProcess.start({ ...options, state, logFile }),
    folder,
    state,
    logFile,
    restart: async (change) => {
      await temporary.cloud.service.stop();
      await change();
      temporary.cloud = await CloudProcess.start({ ...options, state, logFile });
    },
    end: async () => {
      await temporary.cloud.service.stop();
      await rm(folder, { recursive: true });
    },
  };
  return temporary;
}
