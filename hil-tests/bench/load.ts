import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CloudProcess } from '../system/index.ts';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';
import type { LoadOrder, LoadReport } from './ingest-load.ts';

/** Has a process of its own send what is ordered, and waits until all of it is acknowledged. */
export async function load(order: LoadOrder): Promise<LoadReport> {
  const child = fork(fileURLToPath(new URL('./ingest-load.ts', import.meta.url)));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended (${code}) without a report`);
  });
  child.send(order);
  const [report] = (await Promise.race([once(child, 'message'), ended])) as [LoadReport];
  ended.catch(() => undefined);
  return report;
}

/**
 * Starts a cloud on a state folder, loads it, and stops it.
 * @throws Error if the cloud's ledger is not what was acknowledged
 */
export async function loadCloud(
  state: string,
  identities: readonly GatewayIdentity[],
  order: Pick<LoadOrder, 'shape' | 'windows' | 'runs' | 'runSeconds'>,
): Promise<LoadReport> {
  const cloud = await CloudProcess.start({ state });
  try {
    const { mqttPort: port, service } = cloud;
    const { shape } = order;
    const report = await load({ ...order, port, pids: [service.pid], identities, form: 'batch' });
    let stored = 0;
    for (const { id } of identities) {
      const { readings } = await cloud.organisation.getLedger({ device: id });
      stored += readings.stored;
      if (readings.received !== readings.stored)
        throw new Error(`${id} was not stored: ${JSON.stringify(readings)}`);
    }
    const wanted = report.acknowledged * shape.series * shape.readings;
    if (stored !== wanted) throw new Error(`${wanted} readings were acknowledged, and ${stored} are stored`);
    return report;
  } finally {
    await cloud.service.stop();
  }
}
