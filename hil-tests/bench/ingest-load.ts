/** Makes the load of the ingest bench, in a process of its own: started by ingest.ts, told by one message what to do. */
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';
import { cpuSecondsOf, residentOf, threadSecondsOf } from './figures.ts';
import { type Form, LoadGateway, type Shape } from './load-gateway.ts';

/** What is to be done. */
export interface LoadOrder {
  readonly port: number;
  /** Processes at work for it: their CPU time is read where a run begins and ends. */
  readonly pids: readonly number[];
  /** One client each. */
  readonly identities: readonly GatewayIdentity[];
  readonly shape: Shape;
  readonly form: Form;
  /** Messages in flight of each client: one after the other. */
  readonly windows: readonly number[];
  readonly runs: number;
  readonly runSeconds: number;
}

/** What was acknowledged between two moments. */
export interface LoadRun {
  readonly inFlight: number;
  readonly messages: number;
  readonly wallSeconds: number;
  /** User and system time of those processes, all threads. */
  readonly cpuSeconds: number;
  /** Of that: the first thread's, which has the doors and the router, and the writer's. */
  readonly mainSeconds: number;
  readonly writerSeconds: number;
  /** Memory resident at the end. */
  readonly residentMiB: number;
}

/** The end of it; `acknowledged` holds the messages of warm-up and run-down too. */
export interface LoadReport {
  readonly runs: readonly LoadRun[];
  readonly acknowledged: number;
}

/** Messages of all clients together, encoded before anything is known of their pace. */
const firstMessages = 1500;
/** How much more is encoded than the last run needed. */
const margin = 1.5;

process.once('message', (order: LoadOrder) => {
  work(order).then(
    (report) => process.send?.(report, () => process.exit(0)),
    (error: Error) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function work({ port, pids, identities, shape, form, windows, runs, runSeconds }: LoadOrder) {
  const gateways: LoadGateway[] = [];
  for (const identity of identities) gateways.push(await LoadGateway.connect(port, identity, shape, form));
  const report = { runs: [] as LoadRun[], acknowledged: 0 };
  for (const inFlight of windows) {
    let count = Math.max(4 * inFlight, Math.ceil(firstMessages / gateways.length));
    for (let run = 0; run <= runs; run++) {
      for (const gateway of gateways) gateway.prepare(count);
      const { acknowledged, ...measured } = await runLoad(gateways, inFlight, runSeconds, pids);
      report.acknowledged += acknowledged;
      // The first warms up, and tells how many messages a run needs.
      if (run > 0) report.runs.push({ inFlight, ...measured });
      const pace = measured.messages / measured.wallSeconds / gateways.length;
      count = Math.ceil(pace * runSeconds * margin) + 4 * inFlight;
    }
  }
  for (const gateway of gateways) gateway.close();
  return report;
}

/** Keeps every gateway's window full for a time, or until one of them has nothing left; then lets it run down. */
async function runLoad(
  gateways: readonly LoadGateway[],
  inFlight: number,
  seconds: number,
  pids: readonly number[],
) {
  let acknowledged = 0;
  let pending = 0;
  let messages: number | undefined;
  let wallSeconds = 0;
  let spent = { cpuSeconds: 0, mainSeconds: 0, writerSeconds: 0 };
  let residentMiB = 0;
  const before = spentBy(pids);
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const stop = () => {
      if (messages !== undefined) return;
      clearTimeout(timer);
      wallSeconds = (performance.now() - began) / 1000;
      const now = spentBy(pids);
      spent = {
        cpuSeconds: now.cpuSeconds - before.cpuSeconds,
        mainSeconds: now.mainSeconds - before.mainSeconds,
        writerSeconds: now.writerSeconds - before.writerSeconds,
      };
      residentMiB = sum(pids.map(residentOf));
      messages = acknowledged;
    };
    const timer = setTimeout(stop, seconds * 1000);
    for (const gateway of gateways) {
      pending += inFlight;
      gateway.start(inFlight, (count) => {
        acknowledged += count;
        pending -= count;
        if (gateway.waiting < count) stop();
        if (messages === undefined) {
          pending += count;
          gateway.send(count);
        } else if (pending === 0) resolve();
      });
    }
  });
  return { messages: messages ?? 0, wallSeconds, ...spent, residentMiB, acknowledged };
}

function spentBy(pids: readonly number[]) {
  const threads = pids.map((pid) => threadSecondsOf(pid, 'writer-thread'));
  return {
    cpuSeconds: sum(pids.map(cpuSecondsOf)),
    mainSeconds: sum(threads.map(({ first }) => first)),
    writerSeconds: sum(threads.map(({ named }) => named)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
