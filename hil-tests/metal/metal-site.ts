import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaultProxy } from '../rig/index.ts';
import { Capture } from '../scenario/capture.ts';
import type { PortOptions, Site, SiteOptions } from '../scenario/index.ts';
import { LocalCloud } from '../scenario/local-cloud.ts';
import { LocalGateway } from '../scenario/local-gateway.ts';
import { gatewayId } from '../scenario/virtual-bench.ts';
import { prepareGateway } from '../system/index.ts';
import type { MetalChoice } from './choice.ts';
import { MetalError } from './errors.ts';
import { BaseStationRadio, LineRadio } from './metal-radio.ts';
import { RealPort } from './real-port.ts';
import { handPlug, type Plug, usbPlug } from './usb.ts';

/** Where the gateway is of this machine: ports back to back, or a base station. */
export type SiteChoice = Extract<MetalChoice, { kind: 'loop' | 'base-station' }>;

/** Milliseconds that a person has for a plug. */
const handMs = 60_000;

/** The gateway's port. */
export const portOf = (choice: SiteChoice): string => (choice.kind === 'loop' ? choice.gateway : choice.port);

/** What has to be ended, the last first. */
type Ends = (() => Promise<unknown>)[];

/**
 * A gateway and a cloud of this machine, the gateway on a real port; set up, and started where that is not left to the
 * scenario. What cannot be set up leaves nothing behind.
 */
export async function openMetalSite(
  choice: SiteChoice,
  options: SiteOptions,
  artefacts: string,
): Promise<{ readonly site: Site; close(): Promise<void> }> {
  const ends: Ends = [];
  try {
    const site = await setUp(choice, options, artefacts, ends);
    return { site, close: () => endAll(ends) };
  } catch (error) {
    await endAll(ends).catch(() => {});
    throw error;
  }
}

async function setUp(choice: SiteChoice, options: SiteOptions, artefacts: string, ends: Ends): Promise<Site> {
  const { sections = {}, link = 'straight', gateway: state = 'started' } = options;
  const port = portOf(choice);
  const said = onlyPort(options);
  const radio = await radioOf(choice, baudOf(said, choice), artefacts);
  ends.push(() => radio.close());
  const folder = await mkdtemp(join(tmpdir(), 'loadline-metal-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const cloud = await LocalCloud.open({
    gatewayId,
    state: join(folder, 'cloud'),
    logFile: join(artefacts, 'cloud.log'),
  });
  ends.push(() => cloud.stop());
  const proxy =
    link === 'proxied' ? await FaultProxy.open({ target: { port: cloud.process.mqttPort } }) : undefined;
  if (proxy !== undefined) ends.push(() => proxy.close());
  const driver = choice.kind === 'base-station' ? { driver: choice.driver } : {};
  const configFile = await prepareGateway(cloud.process, {
    id: gatewayId,
    folder: join(folder, 'gateway'),
    sections: {
      unconfigured: { sightings: 1 },
      ...sections,
      ports: [{ baud: choice.baud, ...driver, ...said, path: port }],
      ...(proxy && { uplink: { ...sections.uplink, port: proxy.port } }),
    },
  });
  const gateway = new LocalGateway({ id: gatewayId, configFile, logFile: join(artefacts, 'gateway.log') });
  cloud.keepAccountOf(gateway);
  ends.push(() => gateway.stop());
  if (state === 'started') {
    await gateway.start();
    await gateway.said('uplink-connected');
    await gateway.said('port-open', { subject: said.name });
  }
  return {
    radio,
    gateway,
    cloud,
    get adapters(): never {
      throw new MetalError('option', 'the adapter is real', "let the scenario say needs: ['adapters']");
    },
    get network() {
      if (proxy !== undefined) return proxy;
      throw new Error("the link is straight: set the site up with link: 'proxied'");
    },
  };
}

/** The gateway's only port, as the scenario has it. */
function onlyPort({ ports = [{ name: 'radio' }], adapters }: SiteOptions): PortOptions {
  const [port, second] = ports;
  if (port !== undefined && second === undefined && port.path === undefined && adapters === undefined)
    return port;
  throw new MetalError(
    'option',
    'the scenario names adapters, or several ports',
    "let it say needs: ['adapters'], and it is skipped here by name",
  );
}

function baudOf({ baud }: PortOptions, choice: SiteChoice): number {
  return typeof baud === 'number' ? baud : choice.baud;
}

async function radioOf(
  choice: SiteChoice,
  baud: number,
  artefacts: string,
): Promise<LineRadio | BaseStationRadio> {
  const path = portOf(choice);
  const plug = plugOf(choice, path);
  if (choice.kind === 'base-station') return new BaseStationRadio(path, plug);
  const port = await RealPort.open(choice.port, { baud });
  const capture = new Capture(
    join(artefacts, 'radio.hex'),
    `simulated radio on ${choice.port}, to the gateway`,
  );
  return new LineRadio(port, path, plug, capture);
}

function plugOf({ unplugging }: SiteChoice, path: string): Plug | undefined {
  switch (unplugging.by) {
    case 'nobody':
      return undefined;
    case 'usb':
      return usbPlug(path, unplugging.file);
    case 'hand': {
      const { terminal } = unplugging;
      return handPlug(path, (words) => tellOn(terminal, words), handMs);
    }
  }
}

/** To the person himself, whatever becomes of what this program prints. */
function tellOn(terminal: string, words: string): void {
  const fd = openSync(terminal, constants.O_WRONLY | constants.O_NOCTTY);
  writeSync(fd, `\n\x07${words}\n`);
  closeSync(fd);
}

/** Ends everything, also where ending one part fails; rejects then. */
async function endAll(ends: Ends): Promise<void> {
  const wrong: unknown[] = [];
  for (const end of ends.splice(0).reverse()) await end().catch((error: unknown) => wrong.push(error));
  if (wrong.length > 0) throw wrong[0];
}
