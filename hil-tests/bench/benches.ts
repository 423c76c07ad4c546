import type { Bench } from './bench.ts';

/** By name; each loaded when it is asked for: a bench of the framer does not wait for a broker. */
export const benches: Record<string, () => Promise<Bench>> = {
  connections: async () => (await import('./connections.ts')).connectionsBench,
  framer: async () => (await import('./framer.ts')).framerBench,
  gateway: async () => (await import('./gateway.ts')).gatewayBench,
  ingest: async () => (await import('./ingest.ts')).ingestBench,
  latency: async () => (await import('./latency.ts')).latencyBench,
  query: async () => (await import('./query.ts')).queryBench,
  replay: async () => (await import('./replay.ts')).replayBench,
  storage: async () => (await import('./storage.ts')).storageBench,
  wire: async () => (await import('./wire.ts')).wireBench,
};

export const benchNames: readonly string[] = Object.keys(benches);
