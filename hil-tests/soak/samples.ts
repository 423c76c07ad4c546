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
  /** MiB of the cloud's first thread that V8 has in use, buffers among them: what is garbage stays in it until it is collected. */
  readonly inUse: number;
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

/** MiB in use by the metrics of a cloud: V8's heap, and what its objects have outside of it. */
export async function inUseBy(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const bytes = ['nodejs_heap_size_used_bytes', 'nodejs_external_memory_bytes'].map((name) =>
    Number(new RegExp(`^${name} ([0-9.e+]+)$`, 'm').exec(text)?.[1]),
  );
  return Math.round(bytes.reduce((sum, one) => sum + one, 0) / 1024 / 10.24) / 100;
}

/** The samples as a table, one a line. */
export function samplesCsv(samples: readonly Sample[]): string {
  const lines = samples.map(({ seconds, gateway, cloud, inUse, held, faults }) =>
    [
      seconds.toFixed(1),
      gateway.memory,
      gateway.descriptors,
      cloud.memory,
      cloud.descriptors,
      inUse,
      held,
      faults.join(' + '),
    ].join(','),
  );
  const head =
    'seconds,gateway_mib,gateway_descriptors,cloud_mib,cloud_descriptors,cloud_in_use_mib,held,faults';
  return `${[head, ...lines].join('\n')}\n`;
}
