import { encodeFrame, Framer, frameOverheadBytes } from '@loadline/sdk/t24';
import type { Bench, BenchRow } from './bench.ts';
import { median } from './figures.ts';
import { chunkSizes, type Line, makeLine } from './framer-line.ts';

const frameCount = 200_000;
/** Odd, so that the median is one of them. The first run of each case warms up and is not among them. */
const measuredRuns = 5;

/** One line in chunks of one size. Times are medians over the runs, for the whole line. */
interface FramerRow extends BenchRow {
  readonly dataSet: string;
  readonly chunkBytes: number;
  readonly bytes: number;
  readonly frames: number;
  readonly discardedBytes: number;
  readonly runs: number;
  readonly wallSeconds: number;
  /** User and system time of the whole process, garbage collection on other threads included. */
  readonly cpuSeconds: number;
  readonly bytesPerSecond: number;
  readonly framesPerSecond: number;
  readonly bytesPerCpuSecond: number;
  readonly framesPerCpuSecond: number;
}

export const framerBench: Bench = {
  watched: { bytesPerCpuSecond: 'more', framesPerCpuSecond: 'more' },
  run: benchFramer,
  compare: async () => (await import('./framer-peers.ts')).compareFramer(),
};

/**
 * How fast `Framer` turns bytes into frames, on a clean line and on one laced with noise, in chunks of a byte
 * (a slow line), 64 bytes (a USB report) and 4096 bytes (a backlog). Cutting the line into chunks is timed too.
 * Takes some seconds.
 *
 * @throws Error if a run loses or invents a frame or a byte: such a figure would mean nothing
 */
async function benchFramer(): Promise<readonly FramerRow[]> {
  const rows: FramerRow[] = [];
  for (const kind of ['clean', 'noise'] as const) {
    const line = makeLine(kind, frameCount, (packet) => encodeFrame(1, packet));
    for (const chunkBytes of chunkSizes) {
      rows.push(measure(line, chunkBytes));
      // A bench of some seconds must not keep its process from signals and timers.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
  return rows;
}

function measure(line: Line, chunkBytes: number): FramerRow {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let run = 0; run <= measuredRuns; run++) {
    const cpuBefore = process.cpuUsage();
    const wallBefore = performance.now();
    const found = frame(line.bytes, chunkBytes);
    const wallSeconds = (performance.now() - wallBefore) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    check(line, chunkBytes, found);
    if (run === 0) continue;
    wall.push(wallSeconds);
    cpu.push((user + system) / 1e6);
  }
  const wallSeconds = median(wall);
  const cpuSeconds = median(cpu);
  return {
    name: `${line.name}, chunks of ${chunkBytes}`,
    dataSet: line.dataSet,
    chunkBytes,
    bytes: line.bytes.length,
    frames: line.frames,
    discardedBytes: line.bytes.length - line.frameBytes,
    runs: measuredRuns,
    wallSeconds,
    cpuSeconds,
    bytesPerSecond: Math.round(line.bytes.length / wallSeconds),
    framesPerSecond: Math.round(line.frames / wallSeconds),
    bytesPerCpuSecond: Math.round(line.bytes.length / cpuSeconds),
    framesPerCpuSecond: Math.round(line.frames / cpuSeconds),
  };
}

interface Found {
  frames: number;
  frameBytes: number;
  discardedBytes: number;
}

function frame(bytes: Uint8Array, chunkBytes: number): Found {
  const framer = new Framer();
  const found: Found = { frames: 0, frameBytes: 0, discardedBytes: 0 };
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    for (const framed of framer.push(bytes.subarray(start, start + chunkBytes))) {
      if (framed.kind === 'frame') {
        found.frames += 1;
        found.frameBytes += framed.packet.length + frameOverheadBytes;
      } else {
        found.discardedBytes += framed.bytes.length;
      }
    }
  }
  return found;
}

function check(line: Line, chunkBytes: number, found: Found): void {
  const noiseBytes = line.bytes.length - line.frameBytes;
  if (
    found.frames !== line.frames ||
    found.frameBytes !== line.frameBytes ||
    found.discardedBytes !== noiseBytes
  ) {
    throw new Error(
      `framer bench, ${line.name} line in chunks of ${chunkBytes}: ${line.frames} frames and ${noiseBytes} bytes ` +
        `of noise went in, ${found.frames} and ${found.discardedBytes} came out`,
    );
  }
}
