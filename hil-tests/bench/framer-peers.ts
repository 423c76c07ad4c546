import { encodeFrame, Framer, frameOverheadBytes } from '@loadline/sdk/t24';
import { ByteLengthParser, PacketLengthParser } from 'serialport';
import type { ComparedRow, Comparison } from './bench.ts';
import { median, rounded } from './figures.ts';
import { chunkSizes, type Line, makeLine } from './framer-line.ts';
import { herdsman } from './herdsman.ts';

const frameCount = 60_000;
/** Odd, so that the median is one of them. The first run of each case warms up and is not among them. */
const measuredRuns = 5;
/** Of a float32 data provider packet: all frames here are of one size, as node-serialport's parsers need it. */
const packetBytes = 11;
const headBytes = 3;

const watched = { framesPerCpuSecond: 'more', framesLost: 'less', framesThatWereNone: 'less' } as const;

/** Something that makes frames of bytes. */
export interface Parser {
  readonly by: string;
  readonly wrap: (packet: Uint8Array) => Uint8Array;
  /** A fresh one: what it returns takes the next bytes; `onPacket` hears what is in each frame. */
  open(onPacket: (packet: Uint8Array) => void): (chunk: Uint8Array) => void;
}

const t24 = (packet: Uint8Array) => encodeFrame(1, packet);

export const ofLoadline: Parser = {
  by: 'Loadline',
  wrap: t24,
  open: (onPacket) => {
    const framer = new Framer();
    return (chunk) => {
      for (const framed of framer.push(chunk)) if (framed.kind === 'frame') onPacket(framed.packet);
    };
  },
};

/** node-serialport's: streams that cut by a length, and look neither at the check nor for where a frame begins again. */
export const ofSerialport: readonly Parser[] = [
  ofStream('serialport 13.0.0, PacketLengthParser', () => {
    const lengths = { lengthBytes: 1, lengthOffset: 1, packetOverhead: frameOverheadBytes };
    return new PacketLengthParser({ delimiter: packetBytes, ...lengths });
  }),
  ofStream('serialport 13.0.0, ByteLengthParser', () => {
    return new ByteLengthParser({ length: packetBytes + frameOverheadBytes });
  }),
];

function ofStream(by: string, make: () => PacketLengthParser | ByteLengthParser): Parser {
  return {
    by,
    wrap: t24,
    open: (onPacket) => {
      const stream = make();
      // In the same turn, as a stream that flows has it.
      stream.on('data', (frame: Buffer) => onPacket(frame.subarray(headBytes, -2)));
      return (chunk) => stream.write(chunk);
    },
  };
}

/**
 * Framers on lines that hold the same packets, each in its own kind of frame of 16 bytes, and the same noise: T24's for
 * Loadline and node-serialport, UNPI's for zigbee-herdsman.
 *
 * @throws Error where a packet is lost or invented on a clean line, or by Loadline on any: that would be no comparison
 */
export async function compareFramer(): Promise<Comparison> {
  const zigbee = await herdsman();
  const parsers = [ofLoadline, ...(typeof zigbee === 'string' ? [] : [zigbee]), ...ofSerialport];
  const rows: ComparedRow[] = [];
  for (const kind of ['clean', 'noise'] as const) {
    const lines = parsers.map(({ wrap }) => makeLine(kind, frameCount, wrap));
    for (const chunkBytes of chunkSizes) {
      rows.push(...(await side(parsers, lines, chunkBytes)));
    }
  }
  return {
    watched,
    rows,
    missing: typeof zigbee === 'string' ? [`zigbee-herdsman: ${zigbee}`] : [],
  };
}

/** In turns, so that what else the machine does meets all. */
async function side(parsers: readonly Parser[], lines: readonly Line[], chunkBytes: number) {
  const seconds = parsers.map((): number[] => []);
  for (let run = 0; run <= measuredRuns; run++) {
    for (const [at, parser] of parsers.entries()) {
      const taken = await cpuSeconds(parser, lines[at] as Line, chunkBytes);
      if (run > 0) seconds[at]?.push(taken);
    }
  }
  const rows: ComparedRow[] = [];
  for (const [at, parser] of parsers.entries()) {
    const line = lines[at] as Line;
    const { found, wrong } = await judge(parser, line, chunkBytes);
    const lost = line.frames - found;
    if ((parser === ofLoadline || line.name === 'clean') && (lost > 0 || wrong > 0)) {
      throw new Error(
        `framer bench, ${parser.by}, ${line.name} line in chunks of ${chunkBytes}: of ${line.frames} frames ${lost} were ` +
          `lost, and ${wrong} came out that were none`,
      );
    }
    rows.push({
      name: `${line.name}, chunks of ${chunkBytes}`,
      by: parser.by,
      dataSet: `${line.dataSet}; frames that came out right by the CPU time of the process`,
      framesPerCpuSecond: rounded(found / median(seconds[at] ?? [])),
      framesLost: lost,
      framesThatWereNone: wrong,
    });
  }
  return rows;
}

async function cpuSeconds(parser: Parser, line: Line, chunkBytes: number): Promise<number> {
  let packets = 0;
  const push = parser.open(() => {
    packets += 1;
  });
  const before = process.cpuUsage();
  await feed(push, line.bytes, chunkBytes);
  const { user, system } = process.cpuUsage(before);
  if (packets === 0) throw new Error(`${parser.by} made nothing of a ${line.name} line`);
  return (user + system) / 1e6;
}

/** How many packets of a line came out, in their order, and how many that were not in it. */
export async function judge(parser: Parser, line: Line, chunkBytes: number) {
  const places = new Map<string, number[]>();
  for (const [place, packet] of line.packets.entries()) {
    const key = keyOf(packet);
    const same = places.get(key);
    if (same === undefined) places.set(key, [place]);
    else same.push(place);
  }
  let [found, wrong, next] = [0, 0, 0];
  const push = parser.open((packet) => {
    const place = places.get(keyOf(packet))?.find((one) => one >= next);
    if (place === undefined) {
      wrong += 1;
      return;
    }
    found += 1;
    next = place + 1;
  });
  await feed(push, line.bytes, chunkBytes);
  return { found, wrong };
}

function keyOf(packet: Uint8Array): string {
  return Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength).toString('latin1');
}

/** Buffers, as a port gives them. A stream tells of its last frames in a later turn. */
async function feed(push: (chunk: Uint8Array) => void, bytes: Uint8Array, chunkBytes: number): Promise<void> {
  const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < line.length; start += chunkBytes)
    push(line.subarray(start, start + chunkBytes));
  await new Promise<void>((resolve) => setImmediate(resolve));
}
