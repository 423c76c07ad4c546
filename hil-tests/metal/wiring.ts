import { setTimeout as delay } from 'node:timers/promises';
import { MetalError } from './errors.ts';
import { bauds, type RealPort } from './real-port.ts';

/** What became of a pattern of every byte value that was sent one way. */
export type Crossing =
  | { readonly kind: 'whole' }
  | { readonly kind: 'nothing' }
  /** Something came, and not that: `same` of its bytes stand where they should. */
  | { readonly kind: 'damaged'; readonly came: number; readonly same: number };

/** What sending both ways over two ports has shown. */
export interface Loop {
  readonly baud: number;
  /** What came at the gateway's port of what was sent into the radio's, and the other way round. */
  readonly there: Crossing;
  readonly back: Crossing;
  /** Ports that heard what they sent themselves. */
  readonly echo: readonly string[];
  /** Bytes that came to each port before anything was sent. */
  readonly before: { readonly radio: number; readonly gateway: number };
  /** Whether the modem lines of one end follow the other's; undefined where a port has none. */
  readonly follows: boolean | undefined;
  /** Where bytes were damaged: the highest speed below at which they were whole. */
  readonly wholeAt: number | undefined;
}

const patternBytes = 512;
/** Milliseconds that an adapter and its driver may take beyond the line's own time. */
const slackMs = 400;
/** Milliseconds of listening before anything is sent, and for what comes late: an echo, a doubled byte. */
const quietMs = 60;
/** Milliseconds until a modem line that was put is seen at the other end. */
const lineMs = 30;

/** Every byte value, in an order in which no value follows its neighbour: a stuck bit or a slipped frame shows. */
const pattern = Uint8Array.from({ length: patternBytes }, (_, index) => (index * 167 + (index >> 8)) & 0xff);

/** Sends a pattern each way between two ports that nobody else has open, and looks at what comes where. */
export async function lookAtLoop(radio: RealPort, gateway: RealPort): Promise<Loop> {
  const before = await strangers(radio, gateway);
  const { baud } = radio;
  const first = await bothWays(radio, gateway);
  const isDamaged = first.there.kind === 'damaged' || first.back.kind === 'damaged';
  return {
    baud,
    before,
    there: first.there,
    back: first.back,
    echo: first.echo,
    follows: await linesFollow(radio, gateway),
    wholeAt: isDamaged ? await wholeBelow(baud, radio, gateway) : undefined,
  };
}

/**
 * What is wrong with a loop, and what to do about it; undefined where bytes get across both ways.
 *
 * A straight cable and none at all look the same on TX and RX alone: only lines beside them can tell those apart, and where
 * there are none, both are said.
 */
export function wrongWith(loop: Loop, paths: { readonly radio: string; readonly gateway: string }) {
  const { there, back, echo, before, follows, wholeAt, baud } = loop;
  const { radio, gateway } = paths;
  const both = `${radio} and ${gateway}`;
  const wrong = (what: string, act: string) => new MetalError('wiring', what, act);
  for (const [path, bytes] of [
    [radio, before.radio],
    [gateway, before.gateway],
  ] as const) {
    if (bytes > 0) {
      return wrong(
        `${bytes} bytes came at ${path} before anything was sent`,
        'something else speaks there: a base station (--base-station), a console; or a line without a ground hums',
      );
    }
  }
  if (echo.length > 0) {
    return wrong(
      `what is sent into ${echo.join(' and ')} comes back on the same port`,
      'TX and RX are bridged at that plug; or an RS485 adapter hears itself: switch its echo off (RE to DE)',
    );
  }
  if (there.kind === 'whole' && back.kind === 'whole') return undefined;
  if (there.kind === 'nothing' && back.kind === 'nothing') {
    if (follows === true) {
      return wrong(
        `the cable between ${both} is there (RTS of one end moves CTS of the other), and no byte comes across either way`,
        'TX and RX are not crossed, or not connected: swap the two at one end',
      );
    }
    return wrong(
      `no byte comes across between ${both}, either way`,
      'TX and RX may be swapped (a straight cable: swap the two at one end, or put a null modem between), or one plug is out; with a wire from TX to RX on one plug this check says whether that adapter works',
    );
  }
  if (there.kind === 'damaged' || back.kind === 'damaged') {
    const of = (crossing: Crossing) => (crossing.kind === 'damaged' ? damageOf(crossing) : crossing.kind);
    return wrong(
      `at ${baud} baud bytes come across damaged (to the gateway's port: ${of(there)}; to the radio's: ${of(back)})`,
      wholeAt === undefined
        ? 'they are at every lower speed too: connect the grounds; on RS485 swap A and B; or one end is TTL and the other RS232'
        : `at ${wholeAt} baud they come whole: call with --baud ${wholeAt}, take a shorter cable, or an adapter that keeps ${baud}`,
    );
  }
  const [from, to] = there.kind === 'nothing' ? [radio, gateway] : [gateway, radio];
  return wrong(
    `bytes from ${to} come to ${from}, and none the other way`,
    `one wire is missing: TX of ${from} to RX of ${to}`,
  );
}

const damageOf = ({ came, same }: { readonly came: number; readonly same: number }) =>
  `${came} bytes for ${patternBytes}, ${same} of them right`;

async function strangers(radio: RealPort, gateway: RealPort): Promise<Loop['before']> {
  const [atRadio, atGateway] = [radio.bytesRead, gateway.bytesRead];
  await delay(quietMs);
  return { radio: radio.bytesRead - atRadio, gateway: gateway.bytesRead - atGateway };
}

async function bothWays(radio: RealPort, gateway: RealPort): Promise<Pick<Loop, 'there' | 'back' | 'echo'>> {
  const there = await cross(radio, gateway);
  const back = await cross(gateway, radio);
  const echo = [
    ...(there.isHeardBySender ? [radio.path] : []),
    ...(back.isHeardBySender ? [gateway.path] : []),
  ];
  return { there: there.crossing, back: back.crossing, echo };
}

async function cross(
  from: RealPort,
  to: RealPort,
): Promise<{ readonly crossing: Crossing; readonly isHeardBySender: boolean }> {
  const came: Uint8Array[] = [];
  const own: Uint8Array[] = [];
  const unhear = [to.onData((bytes) => came.push(bytes)), from.onData((bytes) => own.push(bytes))];
  const lineMs = (patternBytes * 10_000) / from.baud;
  try {
    await from.write(pattern);
    const end = performance.now() + lineMs + slackMs;
    while (performance.now() < end && Buffer.concat(came).length < patternBytes) await delay(5);
    await delay(quietMs);
  } finally {
    for (const end of unhear) end();
  }
  return {
    crossing: judge(Buffer.concat(came)),
    isHeardBySender: judge(Buffer.concat(own)).kind === 'whole',
  };
}

function judge(came: Buffer): Crossing {
  if (came.length === 0) return { kind: 'nothing' };
  if (came.equals(pattern)) return { kind: 'whole' };
  const same = pattern.filter((byte, index) => came[index] === byte).length;
  return { kind: 'damaged', came: came.length, same };
}

async function wholeBelow(baud: number, radio: RealPort, gateway: RealPort): Promise<number | undefined> {
  try {
    for (const lower of bauds.filter((one) => one < baud).reverse()) {
      await Promise.all([radio.setBaud(lower), gateway.setBaud(lower)]);
      await delay(quietMs);
      const { there, back } = await bothWays(radio, gateway);
      if (there.kind === 'whole' && back.kind === 'whole') return lower;
    }
    return undefined;
  } finally {
    await Promise.all([radio.setBaud(baud), gateway.setBaud(baud)]);
  }
}

/** RTS and DTR of one end, put one way and the other, must be seen as CTS or DSR of the other end. */
async function linesFollow(radio: RealPort, gateway: RealPort): Promise<boolean | undefined> {
  const seen: boolean[][] = [];
  for (const on of [false, true, false]) {
    await radio.putModemLines({ rts: on, dtr: on });
    await delay(lineMs);
    const lines = await gateway.modemLines();
    if (lines === undefined) return undefined;
    seen.push([lines.cts, lines.dsr, lines.dcd]);
  }
  await radio.putModemLines({ rts: true, dtr: true });
  const [off, on, offAgain] = seen;
  return [0, 1, 2].some((line) => !off?.[line] && on?.[line] && !offAgain?.[line]);
}
