import type { DataProviderPacket } from '@loadline/sdk/t24';
import { tagName } from '@loadline/sdk/t24';
import { VirtualBaseStation } from '../rig/index.ts';
import { type HeardStation, identifyBaseStation } from './air.ts';
import type { MetalChoice } from './choice.ts';
import { type Description, GatewayConsole, type HeardTag } from './console.ts';
import { MetalError } from './errors.ts';
import { bauds, RealPort } from './real-port.ts';
import { vouchFrom } from './vouch.ts';
import { type Loop, lookAtLoop, wrongWith } from './wiring.ts';

/** What is connected has been looked at, and can be played on. */
export interface Prepared {
  /** With what was found out. */
  readonly choice: MetalChoice;
  /** What was seen, in words. */
  readonly found: readonly string[];
}

/** Tag of the frames that ask whether a gateway elsewhere hears anything. No transmitter leaves the factory with it. */
const probeTag = 0xf00d;
const probeFrames = 10;
/** Milliseconds that a gateway has to tell of what it heard: it does once a second. */
const probeMs = 2500;

/**
 * Looks at what is connected before anything is played on it.
 *
 * @param environment names the cloud that vouchers come from: see `vouchFrom`
 * @throws MetalError that says what is wrong, and what to do about it
 */
export async function prepareMetal(
  choice: MetalChoice,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Prepared> {
  switch (choice.kind) {
    case 'loop':
      return { choice, found: await seeLoop(choice) };
    case 'base-station': {
      const station = await seeBaseStation(choice);
      return { choice: { ...choice, driver: station.driver }, found: wordsOfStation(station) };
    }
    case 'console':
      return { choice, found: await seeConsole(choice, environment) };
  }
}

async function seeLoop({ port, gateway, baud }: Extract<MetalChoice, { kind: 'loop' }>): Promise<string[]> {
  await using left = await RealPort.open(port, { baud });
  await using right = await RealPort.open(gateway, { baud });
  const loop = await lookAtLoop(left, right);
  const wrong = wrongWith(loop, { radio: port, gateway });
  if (wrong !== undefined) throw wrong;
  return [
    `${port} and ${gateway} are crossed: every byte value comes across both ways at ${baud} baud`,
    linesOf(loop),
  ];
}

function linesOf({ follows }: Loop): string {
  switch (follows) {
    case undefined:
      return 'these ports have no modem lines';
    case true:
      return 'modem lines are wired too';
    case false:
      return 'modem lines are not wired: nothing here needs them';
  }
}

async function seeBaseStation({
  port,
  baud,
}: Extract<MetalChoice, { kind: 'base-station' }>): Promise<HeardStation> {
  await using line = await RealPort.open(port, { baud });
  return await identifyBaseStation(line);
}

function wordsOfStation({ driver, baud, seconds, frames, discarded, transmitters }: HeardStation): string[] {
  const what = driver === 't24' ? 'a T24 base station' : 'a T24-GW1 in its ASCII mode';
  return [
    `${what} at ${baud} baud: ${frames} frames in ${seconds.toFixed(1)} s, ${discarded} bytes of no frame`,
    ...transmitters.map(
      ({ tag, base, frames, rssi, cv }) =>
        `  tag ${tag}${base === 0 ? '' : `, base address ${base}`}: ${frames} frames${rssi === undefined ? '' : `, ${rssi} dB, CV ${cv}`}`,
    ),
  ];
}

async function seeConsole(
  { port, console, baud }: Extract<MetalChoice, { kind: 'console' }>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const vouch = vouchFrom(environment);
  await using gateway = await GatewayConsole.open(console, vouch);
  const found = wordsOfGateway(await gateway.describe(), console);
  await using line = await RealPort.open(port, { baud });
  if (vouch === undefined) {
    return [
      ...found,
      'whether it hears what is sent is not known: that it says to its owner only (LOADLINE_TOKEN)',
    ];
  }
  await gateway.listen();
  const heard = await probe(gateway, line);
  if (heard !== undefined) return [...found, `it hears on ${heard.port} what is sent here into ${port}`];
  throw await unheard(gateway, line);
}

function wordsOfGateway({ model, serialNumber, runtime, state, gateway, ports }: Description, at: string) {
  const held = ports.filter(({ holder }) => holder !== null);
  return [
    `${model} ${serialNumber} answers on ${at}: runtime ${runtime}, ${state}${gateway === null ? '' : ` as ${gateway.id} of ${gateway.organisation}`}`,
    ...held.map(({ path, holder }) => `  its port ${path} is held by ${holder}`),
  ];
}

/** Sends a few frames; what the gateway says of them. One that works counts a tag that nobody configured from its third on. */
async function probe(gateway: GatewayConsole, line: RealPort): Promise<HeardTag | undefined> {
  const before = framesOf(gateway)?.frames ?? 0;
  const station = new VirtualBaseStation(line, { speed: { kind: 'as-fast-as-it-goes' } });
  for (let frame = 0; frame < probeFrames; frame++) await station.transmit(probePacket(frame));
  const end = performance.now() + probeMs;
  while (performance.now() < end) {
    const heard = framesOf(gateway);
    if (heard !== undefined && heard.frames > before) return heard;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

const framesOf = ({ heard }: GatewayConsole) => heard.find(({ tag }) => tag === tagName(probeTag));

function probePacket(nth: number): DataProviderPacket {
  return {
    kind: 'dataProvider',
    flags: 0x20,
    tag: probeTag,
    status: 0,
    dataType: 4,
    value: { type: 'float32', value: nth },
    rssi: 0xe0,
    cv: 0xe0,
  };
}

/** Nothing was heard at the speed that was said: is it at another? */
async function unheard(gateway: GatewayConsole, line: RealPort): Promise<MetalError> {
  const { baud, path } = line;
  for (const other of bauds.filter((one) => one !== baud)) {
    await line.setBaud(other);
    if ((await probe(gateway, line)) !== undefined) {
      return new MetalError(
        'wiring',
        `the gateway hears what is sent into ${path} at ${other} baud, and not at ${baud}`,
        `call with --baud ${other}`,
      );
    }
  }
  const { ports } = await gateway.describe();
  const others = ports.map(
    ({ path: port, holder }) => `${port}${holder === null ? '' : ` (held by ${holder})`}`,
  );
  return new MetalError(
    'wiring',
    `the gateway hears nothing of what is sent into ${path}, at any speed; its ports are ${others.join(', ') || 'none'}`,
    'swap TX and RX at one end; look whether the cable is in one of those ports, and whether another program there reads it',
  );
}
