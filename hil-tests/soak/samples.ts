import { readdirSync } from 'node:fs';
import { residentOf } from '../bench/figures.ts';

/** What a process takes: resident memory in MiB, open descriptors. */
export interface Taken {
  readonly memory: number;
  readonly descriptors: number;
}

/** Both programs at one moment, seconds since the run began. */
export interface Sample {
  readonly seconds: number;
  readonly gateway: Taken;
  readonly cloud: Taken;
  /** Readings that the gateway's journal holds. */
  readonly held: number;
  /** What is being done to them; empty where nothing is. */
  readonly faults: readonly string[];
}

/** What a process takes now. */
export function takenBy(pid: number): Taken {
  return {
    memory: Math.round(residentOf(pid) * 100) / 100,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** The samples as a table, one a line. */
export function samplesCsv(samples: readonly Sample[]): string {
  const lines = samples.map(({ seconds, gateway, cloud, held, faults }) =>
    [
      seconds.toFixed(1),
      gateway.memory,
      gateway.descriptors,
      cloud.memory,
      cloud.descriptors,
      held,
      faults.join(' + '),
    ].join(','),
  );
  const head = 'seconds,gateway_mib,gateway_descriptors,cloud_mib,cloud_descriptors,held,faults';
  return `${[head, ...lines].join('\n')}\n`;
}
