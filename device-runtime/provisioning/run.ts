import { readFileSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockFolder } from '@loadline/sdk/platform';
import type { JudgedAt } from '@loadline/sdk/trust';
import { readFloors, touchedAt } from '../clock/index.ts';
import { Flasher } from '../flashing/index.ts';
import { serviceManager } from '../health/index.ts';
import type { Latencies } from '../progress.ts';
import { byIdLinkOf } from '../radio/index.ts';
import { madeAt, version } from '../version.ts';
import type { World } from '../world.ts';
import { Agent } from './agent.ts';
import { readBoard } from './board.ts';
import { takeCard } from './card.ts';
import { machineDisk } from './disk.ts';
import { Listening } from './listening.ts';
import { Mode } from './mode.ts';
import { PhysicalAct } from './physical-act.ts';
import { names } from './site-files.ts';
import { SiteStore } from './store.ts';
import { certificatesIn } from './voucher.ts';
import { heldIn, SiteWork } from './work.ts';

export interface SiteOptions {
  /** Folder of the sites; the counter of owners is kept beside it. */
  readonly folder: string;
  /** Ttys that questions are answered on; empty where it is not to be provisioned. */
  readonly provisionOn: readonly string[];
  /** File with the authorities that this gateway was built to trust, PEM. */
  readonly makerFile: string | undefined;
  readonly serialNumberFile: string;
  readonly modelFile: string;
  /** The physical act: undefined where there is none to be done. */
  readonly whenFile: string | undefined;
  /** Serial ports that radio could be heard on; undefined for all that there are. */
  readonly radioOn: readonly string[] | undefined;
  /** Shows what `--progress` shows, of the gateway that works. */
  readonly latencies: (() => Latencies) | undefined;
  /** This process is to end, with code 0, so that its launcher starts another release. */
  readonly onSwitch: () => void;
}

/** A gateway that is told what it is over a serial line. */
export interface SiteProcess {
  readonly work: SiteWork;
  stop(): Promise<void>;
}

/** systemd-timesyncd touches it while the system vouches for its time; and what it saved last. */
const usualSynchronizedFile = '/run/systemd/timesync/synchronized';
const savedFile = '/var/lib/systemd/timesync/clock';

/**
 * Works on what is in force, and is in provisioning mode where nothing is, or where the physical act was done.
 *
 * @throws Error where the flags or the files that they name cannot be used; FolderInUse
 */
export async function runSite(options: SiteOptions, world: World): Promise<SiteProcess> {
  const folder = resolve(options.folder);
  const { log, environment, pid } = world;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder);
  try {
    const store = await SiteStore.open(machineDisk, folder);
    // A gateway that is stopped for another is no service that stops: this process alone speaks to systemd.
    const inner = { ...world, environment: { ...environment, NOTIFY_SOCKET: undefined } };
    const work = new SiteWork(inner, store, options.latencies, options.onSwitch);
    const mode = options.provisionOn.length > 0 ? await modeOf(options, inner, store, work) : undefined;
    if (mode === undefined && store.inForce === undefined) {
      throw new Error(
        `no site is in force in ${folder}, and there is no tty to be provisioned on: name one with --provision-on`,
      );
    }
    await work.start();
    await mode?.start();
    const manager = serviceManager({
      environment,
      pid,
      onFailure: (reason) => log.warn('watchdog-not-told', { reason }),
    });
    const status = () =>
      store.inForce === undefined ? 'waits to be provisioned' : `is ${store.inForce.gatewayId}`;
    manager?.ready(status());
    const feeding = setInterval(
      () => {
        // Neither at work nor waiting for somebody: systemd is to begin anew.
        const wedged = work.gateway?.verdict.kind === 'wedged';
        if (!wedged && (work.gateway !== undefined || mode?.isOpen === true)) manager?.feed(status());
      },
      Math.min(manager?.watchdog ?? 60_000, 60_000) / 2,
    );
    return {
      work,
      stop: async () => {
        clearInterval(feeding);
        await manager?.stopping();
        await mode?.stop();
        await work.stop();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function modeOf(options: SiteOptions, world: World, store: SiteStore, work: SiteWork): Promise<Mode> {
  const { folder, provisionOn, makerFile, serialNumberFile, modelFile, whenFile, radioOn } = options;
  const { binding, clock, environment, log } = world;
  const makerPem = readMaker(makerFile);
  const radioPorts = async () =>
    withoutDevicesOf(radioOn ?? (await binding.list().catch(() => [])).map(({ path }) => path), provisionOn);
  const synchronizedFile = environment.LOADLINE_SYNCHRONIZED ?? usualSynchronizedFile;
  const isTrusted = () => touchedAt(synchronizedFile) !== undefined;
  const board = readBoard({
    serialNumberFile,
    modelFile,
    radioPorts,
    clock: () => ({ wall: clock.wall(), trusted: isTrusted() }),
  });
  const { own, saved } = readFloors({ state: folder, savedFile, built: madeAt, log });
  const time = (): JudgedAt =>
    isTrusted() ? { kind: 'known', wall: clock.wall() } : { kind: 'at-least', wall: Math.max(own, saved) };
  await takeCard({ folder: resolve(folder), store, board, makerPem, time, wall: clock.wall, log });
  const flasher = new Flasher({
    environment,
    running: version,
    built: madeAt,
    time: () => {
      const kept = work.gateway?.time;
      if (kept?.kind === 'known') return kept;
      if (!isTrusted()) return { kind: 'at-least', wall: Math.max(own, saved) };
      return { kind: 'known', by: 'system', wall: clock.wall(), uncertainty: 0 };
    },
    monotonic: clock.monotonic,
    log,
    gateway: work,
    onSwitch: options.onSwitch,
  });
  const mode: Mode = new Mode({
    ports: provisionOn,
    binding,
    agent: new Agent({
      store,
      board,
      makerPem,
      work,
      listening: new Listening({ world, radioPorts, tap: () => work.tap() }),
      time,
      monotonic: clock.monotonic,
      onClose: () => void mode.done(),
      onStep: (step, detail) => log.info('provisioning', { step, ...detail }),
    }),
    flasher,
    log,
    monotonic: clock.monotonic,
    store,
    act: whenFile === undefined ? undefined : await PhysicalAct.open(whenFile, resolve(folder)),
  });
  return mode;
}

/** @throws Error where there is none */
function readMaker(file: string | undefined): string {
  const act = 'name the file of the authority that this gateway is to take vouchers of with --maker FILE';
  if (file === undefined) throw new Error(`nothing says whose vouchers are to be believed: ${act}`);
  try {
    const pem = readFileSync(file, 'utf8');
    if (certificatesIn(pem).length > 0) return pem;
  } catch (cause) {
    throw new Error(`${file} cannot be read as certificates (${(cause as Error).message}): ${act}`, {
      cause,
    });
  }
  throw new Error(`${file} has no certificate: ${act}`);
}

/** Paths of serial ports, each by its link in /dev/serial/by-id where it has one, without those of other devices. */
function withoutDevicesOf(paths: readonly string[], others: readonly string[]): string[] {
  const deviceOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.rdev;
  const taken = others.map(deviceOf);
  return paths.flatMap((path) => {
    const device = deviceOf(path);
    return device === undefined || taken.includes(device) ? [] : [byIdLinkOf(device) ?? path];
  });
}

/** What a reset from the machine itself says. */
export interface ResetDone {
  /** Readings that are gone with it. */
  readonly undelivered: number;
  readonly ownershipCounter: number;
}

/**
 * Factory reset from the machine itself: who is root there needs no voucher. Key, certificate, site and journal go; the
 * counter of owners stays.
 *
 * @throws FolderInUse where a gateway works on it
 */
export async function resetSite(folder: string, world: Pick<World, 'clock'>): Promise<ResetDone> {
  const path = resolve(folder);
  const unlock = await lockFolder(path);
  try {
    const store = await SiteStore.open(machineDisk, path);
    const { currentFolder } = store;
    const undelivered =
      currentFolder === undefined ? 0 : await heldIn(join(currentFolder, names.state), world);
    await store.reset();
    return { undelivered, ownershipCounter: store.ownership.counter };
  } finally {
    await unlock();
  }
}
