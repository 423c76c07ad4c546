import { temporaryCloud } from '../../scenarios/temporary-cloud.ts';
import { freeSocketPorts } from '../../system/index.ts';
import type { FuzzOptions } from '../targets.ts';
import { doors } from './doors.ts';
import { type DoorFuzzRun, fuzzDoor } from './run.ts';

/** Fuzzes one door of a cloud of its own. */
export function fuzzDoorOf(name: keyof typeof doors): (options: FuzzOptions) => Promise<DoorFuzzRun> {
  return async (options) => {
    const open = await doors[name]();
    const temporary = await temporaryCloud({ sockets: freeSocketPorts });
    try {
      return await fuzzDoor(temporary.cloud, await open(temporary.cloud), options);
    } finally {
      // It fails where its log holds a secret.
      await temporary.end();
    }
  };
}
