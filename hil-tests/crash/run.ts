import { setTimeout as elapsed } from 'node:timers/promises';
import { readReadings } from '@loadline/cloud';
import { noFaults, until } from '../rig/index.ts';
import { SeededRandom } from '../rig/random.ts';
import { Client } from './client.ts';
import { HttpsClient, SocketClient } from './door-clients.ts';
import { Frames } from './frames.ts';
import { type ClientEvidence, type Evidence, judge, type Verdict } from './judge.ts';
import { CrashSite, flushSeconds, gatewayId } from './site.ts';
import { type Side, type Strike, strikes, type Victim } from './strikes.ts';

/** A reading is written when it is a flush time old; this is for the timer, and for a machine that is busy. */
const marginMs = 1000;
/** Milliseconds the gateway may take to find the cloud again: a backoff of several failures. */
const patience = 90_000;
/** Between two progress lines. */
const progressMs = 1000;

/** A client beside the gateway, at one of the doors. */
export interface LoadClient extends ClientEvidence {
  start(): void;
  /** Sends nothing new; resolves when all there is has been acknowledged. */
  stop(): Promise<void>;
  /** Ends at once, whatever is not acknowledged. */
  abandon(): Promise<void>;
}

export interface CrashOptions {
  readonly cycles: number;
  readonly seed: number;
  readonly side: Side;
  /** Frames a second. */
  readonly rate: number;
  /** What is told as it goes. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface CrashRun {
  readonly folder: string;
  readonly cycles: number;
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  readonly sent: number;
  readonly kills: { readonly gateway: number; readonly cloud: number };
  /** What ended though nobody had killed it. */
  readonly died: readonly string[];
  readonly seconds: number;
}

/**
 * Kills the gateway or the cloud, or both, again and again under load, lets everything drain, and has the cloud's record
 * judge. Throws, with the folder in the message, where a program does not come back.
 */
export async function crash(options: CrashOptions): Promise<CrashRun> {
  const began = performance.now();
  const site = await CrashSite.open();
  try {
    return await crashSite(site, options, began);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `${message}${site.died.map((line) => `; ${line}`).join('')}; all of it is in ${site.folder}`,
      {
        cause: error,
      },
    );
  } finally {
    await site.release();
  }
}

async function crashSite(site: CrashSite, options: CrashOptions, began: number): Promise<CrashRun> {
  const { seed } = options;
  const load = {
    frames: new Frames(site.port),
    clients: [
      new Client(site.mqttPort, site.client, new SeededRandom(seed)),
      new HttpsClient(site.httpsPort, site.client.authorityPem, site.logger),
      new SocketClient(site.socketPorts.tcp, site.hut),
    ],
  };
  try {
    return await crashLoaded(site, load, options, began);
  } finally {
    // After a failure it would go on for ever, and this process with it.
    load.frames.abandon();
    await Promise.all(load.clients.map((client) => client.abandon()));
  }
}

async function crashLoaded(
  site: CrashSite,
  { frames, clients }: { readonly frames: Frames; readonly clients: readonly LoadClient[] },
  options: CrashOptions,
  began: number,
): Promise<CrashRun> {
  const { cycles, seed, side, rate, say, signal } = options;
  const random = new SeededRandom(seed);
  frames.start(rate);
  for (const client of clients) client.start();
  const acknowledged = () => clients.reduce((sum, client) => sum + client.acknowledged.length, 0);
  const kills = { gateway: 0, cloud: 0 };
  const count = (victim: Victim) => {
    if (victim !== 'cloud') kills.gateway++;
    if (victim !== 'gateway') kills.cloud++;
  };
  let done = 0;
  for (const strike of strikes(random, side)) {
    if (done === cycles || signal.aborted || site.died.length > 0) break;
    done++;
    const [sent, acked, at] = [frames.count, acknowledged(), performance.now()];
    await carryOut(site, frames, strike, count);
    const seconds = (performance.now() - at) / 1000;
    const each = (number: number) => Math.round(number / seconds);
    say(
      `cycle ${done} of ${cycles}: ${strike.victim} killed, ${wordsOf(strike)}; ${each(frames.count - sent)} frames/s, ` +
        `${each(acknowledged() - acked)} readings/s acknowledged to the clients, ${seconds.toFixed(1)} s`,
    );
  }
  await site.proxy.set(noFaults);
  const quiet = async () => {
    await Promise.all([frames.stop(), ...clients.map((client) => client.stop())]);
    await site.port.drained();
    await drained(site);
  };
  await unlessDead(site, quiet());
  const declared = await site.declared();
  await site.stop();
  const evidence: Evidence = {
    gateway: gatewayId,
    sent: frames.sent,
    lives: site.lives,
    declared,
    safeAfterMs: flushSeconds * 1000 + marginMs,
    clients: clients.map(({ door, device, acknowledged, last }) => ({ door, device, acknowledged, last })),
  };
  return {
    folder: site.folder,
    cycles: done,
    verdict: judge(readReadings(site.state), evidence),
    evidence,
    sent: frames.count,
    kills,
    died: site.died,
    seconds: (performance.now() - began) / 1000,
  };
}

/** One cycle: the moment, the kill, and everything up again. */
async function carryOut(
  site: CrashSite,
  frames: Frames,
  strike: Strike,
  count: (victim: Victim) => void,
): Promise<void> {
  const { victim, moment, delayMs, awayMs, flood, latencyMs } = strike;
  await site.proxy.set({ ...noFaults, latencyMs });
  switch (moment) {
    case 'at-work':
      break;
    case 'starting':
      await site.kill(victim);
      count(victim);
      site.start(victim);
      break;
    case 'offline':
      await takeAway(site);
      frames.flood(flood);
      break;
    case 'draining': {
      await takeAway(site);
      frames.flood(flood);
      await elapsed(awayMs);
      const before = site.connections;
      await site.proxy.set({ newConnections: 'accept' });
      await connected(site, before);
      break;
    }
    case 'reconnected': {
      const before = site.connections;
      site.proxy.reset();
      await connected(site, before);
      break;
    }
  }
  await elapsed(delayMs);
  const before = site.connections;
  await site.kill(victim);
  count(victim);
  site.start(victim);
  await site.proxy.set({ newConnections: 'accept' });
  await connected(site, before);
}

/** The network is gone: what is open breaks, and nothing new gets through. */
async function takeAway({ proxy }: CrashSite): Promise<void> {
  await proxy.set({ newConnections: 'refuse' });
  proxy.reset();
}

async function connected(site: CrashSite, before: number): Promise<void> {
  await until(() => site.connections > before || site.died.length > 0, {
    limitMs: patience,
    what: 'the gateway has found the cloud again',
  });
}

/** Waits for what needs both programs. Throws where one of them has ended by itself: nothing would ever drain. */
async function unlessDead({ death }: CrashSite, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const died = () => reject(new Error('given up before anything could be judged'));
  death.addEventListener('abort', died);
  if (death.aborted) died();
  await Promise.race([work, promise]).finally(() => death.removeEventListener('abort', died));
}

/** Waits until the gateway, which gets nothing new, holds nothing any more, and has said so. */
async function drained(site: CrashSite): Promise<void> {
  const quietAt = performance.now();
  await until(
    () => {
      const { at, held, connected } = site.progress;
      return (held === 0 && connected && at > quietAt + progressMs) || site.died.length > 0;
    },
    { limitMs: patience, what: 'the gateway holds nothing any more' },
  );
}

function wordsOf({ moment, delayMs, awayMs, flood, latencyMs }: Strike): string {
  const link = latencyMs === 0 ? '' : `, ${latencyMs} ms each way`;
  switch (moment) {
    case 'at-work':
      return `${delayMs} ms at work${link}`;
    case 'starting':
      return `killed again ${delayMs} ms after its start${link}`;
    case 'offline':
      return `${delayMs} ms without the link, with ${flood} frames at once`;
    case 'draining':
      return `${delayMs} ms after the link was back, ${awayMs} ms and ${flood} frames later${link}`;
    case 'reconnected':
      return `${delayMs} ms after a new link${link}`;
  }
}
