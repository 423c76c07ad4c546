/** Holds idle connections for the bench of them, in a process of its own: started by connections.ts, told what to do by messages. */
import { gatewayTopic } from '@loadline/sdk/contract';
import { batchMaker } from '../scenarios/batches.ts';
import { IdleLink, type Opening, type Way } from './idle-link.ts';

/** What is to be done: connect, or look how the cloud is. */
export type IdleOrder =
  | {
      readonly kind: 'connect';
      readonly way: Omit<Way, 'localAddress'>;
      readonly openings: readonly Opening[];
      readonly from: number;
    }
  | { readonly kind: 'look'; readonly times: number };

/** What came of it. Times are milliseconds. */
export type IdleReport =
  | { readonly kind: 'connected'; readonly milliseconds: number }
  | {
      readonly kind: 'seen';
      readonly open: number;
      readonly pings: readonly number[];
      readonly deliveries: readonly number[];
    }
  | { readonly kind: 'failed'; readonly reason: string };

/** Handshakes under way at a time. */
const atATime = 16;
/** Milliseconds in which each link is asked once whether it is there: below its keepalive. */
const pingEvery = 30_000;

const links: IdleLink[] = [];
let openings: readonly Opening[] = [];
let turn = 0;

process.on('message', (order: IdleOrder) => {
  carryOut(order).then(
    (report) => process.send?.(report),
    (error: Error) => process.send?.({ kind: 'failed', reason: error.message } satisfies IdleReport),
  );
});
process.once('disconnect', () => process.exit(0));

async function carryOut(order: IdleOrder): Promise<IdleReport> {
  switch (order.kind) {
    case 'connect':
      return await connectAll(order);
    case 'look':
      return await look(order.times);
  }
}

async function connectAll(order: Extract<IdleOrder, { kind: 'connect' }>): Promise<IdleReport> {
  const { way, from } = order;
  openings = order.openings;
  const began = performance.now();
  const queue = openings.entries();
  const lane = async () => {
    for (const [index, opening] of queue) {
      links[index] = await IdleLink.open({ ...way, localAddress: loopback(from + index) }, opening);
    }
  };
  const beat = setInterval(pingSome, 100);
  try {
    await Promise.all(Array.from({ length: atATime }, lane));
  } catch (error) {
    clearInterval(beat);
    throw error;
  }
  return { kind: 'connected', milliseconds: performance.now() - began };
}

/** Each its own, as clients have: the cloud bounds what comes from one. */
function loopback(index: number): string {
  return `127.1.${Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/** So many that each has its turn in time; what is wrong shows at the next look. */
function pingSome(): void {
  const count = Math.ceil((openings.length * 100) / pingEvery);
  for (let done = 0; done < count; done++) {
    const link = links[turn++ % openings.length];
    if (link?.isOpen) link.ping().catch(() => {});
  }
}

/** How long pings take, and deliveries of gateways: one after the other, each on another link. */
async function look(times: number): Promise<IdleReport> {
  const pings: number[] = [];
  const deliveries: number[] = [];
  for (let time = 0; time < times; time++) {
    const index = Math.floor((time * links.length) / times);
    const [link, opening] = [links[index], openings[index]];
    if (link === undefined || opening === undefined) continue;
    pings.push(await timed(() => link.ping()));
    if (opening.speaks === 'mqtt' && opening.proof !== undefined) {
      const payload = Buffer.from(batchMaker({ readings: 10 })());
      deliveries.push(await timed(() => link.publish(gatewayTopic(opening.clientId, 'telemetry'), payload)));
    }
  }
  return { kind: 'seen', open: links.filter(({ isOpen }) => isOpen).length, pings, deliveries };
}

async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}
