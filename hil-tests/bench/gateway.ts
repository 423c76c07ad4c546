import { execFile, spawn, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundlePath } from '@loadline/device-runtime';
import { encodeFrame, encodePacket } from '@loadline/sdk/t24';
import { playRecording } from '../rig/index.ts';
import { elapsed, Site } from '../scenarios/site.ts';
import type { Bench, BenchOptions, BenchRow } from './bench.ts';
import { cpuSecondsOf, median, monotonic, residentOf, rounded, writtenBy } from './figures.ts';
import { firstTag, sensors, sensorTables } from './sensors.ts';

/** A frame of a float32 is 16 bytes, and a byte on the line 10 bits: 720 a second at 115200 baud. */
const fullLine = 720;
const starts = 7;
const replugs = 5;
/** Share of the time before a figure in which a gateway settles. */
const settlesFor = 60;
const secondsADay = 86_400;
const health = { interval_seconds: 10, after_quiet_ms: 150 };

export const gatewayBench: Bench = {
  watched: {
    fullLineMebibytes: 'less',
    fullLineCpuPercent: 'less',
    offlineMebibytes: 'less',
    coldStartSeconds: 'less',
    bundleBytes: 'less',
    onlineMegabytesADay: 'less',
    offlineMegabytesADay: 'less',
    replugToOpenMilliseconds: 'less',
  },
  run: benchGateway,
};

/**
 * What a gateway costs the machine it runs on, and how soon it is there: the shipped bundle on a virtual port, before a
 * cloud process, and beside it a Node that does nothing. Takes some five minutes.
 *
 * @throws Error where the line was not full or a reading is missing: such a figure would mean nothing
 */
async function benchGateway({ seconds = settlesFor }: BenchOptions): Promise<readonly BenchRow[]> {
  const bare = await bareNode();
  const site = await Site.open({ link: 'proxied', sections: { sensors: sensorTables(), health } });
  try {
    const coldStarts = await coldStart(site);
    say(`cold start: ${coldStarts.map((each) => rounded(each)).join(', ')} ms`);
    const replugged = await replug(site);
    say(`replug to open: ${replugged.map((each) => rounded(each)).join(', ')} ms`);
    const busy = await full(site, seconds);
    if (busy.framesPerSecond < 0.95 * fullLine)
      throw new Error(`a line of ${busy.framesPerSecond} frames a second`);
    say(`full line: ${JSON.stringify(busy)}`);
    const online = await quiet(site, seconds);
    say(`100 x 1 Hz: ${JSON.stringify(online)}`);
    await site.proxy?.set({ newConnections: 'refuse' });
    site.proxy?.reset();
    const alone = await full(site, seconds);
    say(`full line, offline: ${JSON.stringify(alone)}`);
    const offline = await quiet(site, seconds);
    return [
      {
        name: 'gateway',
        dataSet:
          `shipped bundle in a process of its own, ${sensors} sensors; full line: ${fullLine} frames of 16 bytes a ` +
          `second, after ${seconds} s of it; a day: ${sensors} readings a second, of ${seconds} s`,
        bareNodeMebibytes: rounded(bare.resident, 1),
        bareNodeStartSeconds: rounded(bare.startSeconds, 3),
        bundleBytes: statSync(bundlePath).size,
        fullLineMebibytes: rounded(busy.after, 1),
        fullLineCpuPercent: rounded(busy.cpuPercent, 2),
        fullLineFramesPerSecond: rounded(busy.framesPerSecond),
        offlineStartMebibytes: rounded(alone.before, 1),
        offlineMebibytes: rounded(alone.after, 1),
        offlineEndMebibytes: rounded(offline.after, 1),
        coldStartSeconds: rounded(median(coldStarts) / 1000, 3),
        firstFrameSeconds: 'spawn to the monotonic time of the first reading that the cloud has of the run',
        onlineMegabytesADay: rounded(online.journalled, 1),
        onlineWriteBytesMegabytesADay: rounded(online.written, 1),
        offlineMegabytesADay: rounded(offline.journalled, 1),
        offlineWriteBytesMegabytesADay: rounded(offline.written, 1),
        replugToOpenMilliseconds: rounded(median(replugged)),
        slowestReplugMilliseconds: rounded(Math.max(...replugged)),
      },
    ];
  } finally {
    await site.close();
  }
}

/** A Node that does nothing: what it has resident, and what it takes to start one and end it. */
async function bareNode() {
  const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
  await elapsed(2000);
  const resident = residentOf(idle.pid ?? 0);
  idle.kill();
  const times = Array.from({ length: starts }, () => {
    const began = monotonic();
    spawnSync(process.execPath, ['-e', '0']);
    return monotonic() - began;
  });
  return { resident, startSeconds: median(times) / 1000 };
}

/** Frames of all sensors, one after the other, their values ever changing. */
function frames(count: number, from: number): Uint8Array {
  const bytes: number[] = [];
  for (let turn = from; turn < from + count; turn++) {
    const packet = encodePacket({
      kind: 'dataProvider',
      flags: 0x20,
      tag: firstTag + (turn % sensors),
      status: 0,
      dataType: 4,
      value: { type: 'float32', value: Math.fround(10 + 5 * Math.sin(turn / 5000) + (turn % 97) / 1000) },
      rssi: 0xf0 + (turn % 7),
      cv: 0xe0 + (turn % 5),
    });
    bytes.push(...encodeFrame(1, packet));
  }
  return Uint8Array.from(bytes);
}

/** Keeps a line busy until it is told to stop. */
function keepBusy(site: Site): { stop(): Promise<void> } {
  const ending = new AbortController();
  const play = async () => {
    let sent = 0;
    while (!ending.signal.aborted) {
      await playRecording(frames(fullLine, sent), site.port);
      sent += fullLine;
    }
  };
  const playing = play();
  return {
    stop: () => {
      ending.abort();
      return playing;
    },
  };
}

/** Milliseconds from the start of the process until it has bound its first frame, on a line that is never silent. */
async function coldStart(site: Site): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < starts; turn++) {
    await site.gateway.stop();
    // A host that opens a port throws away what waits there; the line must go on while it does.
    const line = keepBusy(site);
    const began = monotonic();
    site.startGateway();
    try {
      await site.accountWhere('a reading is stored', ({ stored }) => stored > 0);
    } finally {
      await line.stop();
    }
    const epoch = await site.epoch();
    const first = site.readings().find((reading) => reading.epoch === epoch);
    if (first === undefined) throw new Error('the cloud has no reading of this run');
    times.push(first.monotonic - began);
  }
  return times;
}

/** Milliseconds from the moment the port is there again until the gateway has it open. */
async function replug(site: Site): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < replugs; turn++) {
    const closed = next(site, 'port-lost');
    await site.port.unplug();
    await closed;
    // Not always at the same moment of whatever it looks by.
    await elapsed(700 + 130 * turn);
    const opened = next(site, 'port-open');
    const began = monotonic();
    await site.port.replug();
    await opened;
    times.push(monotonic() - began);
  }
  return times;
}

function next(site: Site, event: string): Promise<void> {
  return new Promise((resolve) => {
    const unhear = site.gateway.onLine((line) => {
      if (line.event !== event) return;
      unhear();
      resolve();
    });
  });
}

/** Memory before and after, and CPU time, at a full line. */
async function full(site: Site, seconds: number) {
  const { pid } = site.gateway;
  const before = residentOf(pid);
  const line = keepBusy(site);
  try {
    await elapsed(seconds * 1000);
    const framesBefore = await frameCount(site);
    const [cpuBefore, began] = [cpuSecondsOf(pid), monotonic()];
    await elapsed(seconds * 500);
    const framesAfter = await frameCount(site);
    const took = (monotonic() - began) / 1000;
    return {
      before,
      after: residentOf(pid),
      cpuPercent: ((cpuSecondsOf(pid) - cpuBefore) / took) * 100,
      framesPerSecond: (framesAfter - framesBefore) / took,
    };
  } finally {
    await line.stop();
  }
}

/** Frames it has counted, as its own next word on its progress has it. */
async function frameCount(site: Site): Promise<number> {
  return await new Promise((resolve) => {
    const unhear = site.gateway.onLine((line) => {
      if (line.event !== 'progress') return;
      unhear();
      resolve(line.frames as number);
    });
  });
}

/** Every sensor once a second. Memory after it, and megabytes a day: as the journal counts, and as the kernel does. */
async function quiet(site: Site, seconds: number) {
  const { pid } = site.gateway;
  const [journalBefore, diskBefore] = [await journalled(site), writtenBy(pid)];
  const began = monotonic();
  let sent = 0;
  const line = setInterval(() => {
    const due = Math.floor(((monotonic() - began) / 1000) * sensors);
    if (due > sent) void site.port.write(frames(due - sent, sent));
    sent = Math.max(sent, due);
  }, 1000 / sensors);
  await elapsed(seconds * 1000);
  clearInterval(line);
  const perDay = secondsADay / ((monotonic() - began) / 1000) / 1e6;
  return {
    after: residentOf(pid),
    journalled: ((await journalled(site)) - journalBefore) * perDay,
    written: (writtenBy(pid) - diskBefore) * perDay,
  };
}

/** Bytes that the journal says it has written. */
async function journalled(site: Site): Promise<number> {
  const words = [bundlePath, 'status', '--config', join(site.folder, 'gateway/gateway.toml'), '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  return JSON.parse(stdout).health.journal.written;
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
