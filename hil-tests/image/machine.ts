import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Qmp } from './qmp.ts';
import { Shell } from './shell.ts';

/** What is emulated: QEMU's general machine, with a real firmware; or a Raspberry Pi 3, without its GPU's boot stage. */
export type MachineBoard = 'virt' | 'raspi3b';

/** How the machine comes up. */
export type Boot =
  /** As it ships: UEFI finds the boot loader in the image, and that the rest. Of `virt` only. */
  | { readonly by: 'firmware' }
  /** The kernel is given to the emulator, and the line with it; the disk is the same. */
  | {
      readonly by: 'kernel';
      readonly kernel: string;
      readonly initrd: string;
      readonly deviceTree?: string;
      readonly line: string;
      /** A root shell beside all that ships, for this one start. Of `virt` only. Default: none. */
      readonly shell?: 'beside';
    };

export interface MachineOptions {
  readonly board: MachineBoard;
  /** The image on its disk: written to. */
  readonly disk: string;
  /** Where sockets and logs are put. */
  readonly folder: string;
  /** The tty that its serial port is wired to: the path of a pty's host end. */
  readonly console: string;
  /** Ttys that USB serial adapters are wired to, by the serial number of the adapter. */
  readonly adapters: Readonly<Record<string, string>>;
  /** Those of them that are plugged in from the start. Default: all. */
  readonly plugged?: readonly string[];
  /** The interface of this network that its network card is wired to. */
  readonly tap: string;
  readonly boot: Boot;
}

/** What a machine with firmware is called by its maker. */
const simulatedSerial = 'SIM-0001';
/** Where the machine's firmware is, of Debian's package qemu-efi-aarch64. */
const firmware = '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd';

/** An emulated gateway. One start: after a power cut or a shutdown there is another one, on the same disk. */
export class Machine {
  readonly options: MachineOptions;
  /** Root's shell, where it was started with one. */
  readonly shell: Shell | undefined;
  readonly #child: ChildProcess;
  readonly #qmp: Qmp;

  private constructor(options: MachineOptions, child: ChildProcess, qmp: Qmp, shell: Shell | undefined) {
    this.options = options;
    this.#child = child;
    this.#qmp = qmp;
    this.shell = shell;
  }

  /** Switches it on. Resolves when the emulator runs; what it emulates has only begun. */
  static async start(options: MachineOptions): Promise<Machine> {
    const { folder } = options;
    const sockets = { qmp: join(folder, 'qmp.sock'), shell: join(folder, 'shell.sock') };
    for (const path of Object.values(sockets)) await rm(path, { force: true });
    const words = commandLine(options, sockets);
    const errors = openSync(join(folder, 'qemu.log'), 'a');
    const child = spawn('qemu-system-aarch64', words, {
      stdio: ['ignore', errors, errors],
    });
    const abandon = () => child.kill('SIGKILL');
    process.once('exit', abandon);
    child.once('exit', () => process.off('exit', abandon));
    await once(child, 'spawn');
    const log = (line: string) =>
      appendFileSync(join(folder, 'qmp.log'), `${new Date().toISOString()} ${line}\n`);
    log(`qemu-system-aarch64 ${words.join(' ')}`);
    try {
      const ended = once(child, 'exit').then(([code]) => {
        throw new Error(`qemu-system-aarch64 ended with ${code}; ${join(folder, 'qemu.log')} says why`);
      });
      // Where it lives on, its end is news for nobody here.
      ended.catch(() => {});
      const qmp = await Promise.race([Qmp.connect(sockets.qmp, log), ended]);
      const hasShell = options.boot.by === 'kernel' && options.boot.shell !== undefined;
      const shell = hasShell ? await Shell.connect(sockets.shell, join(folder, 'shell.log')) : undefined;
      return new Machine(options, child, qmp, shell);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Whether the emulator runs: a machine that was told to shut down ends by itself. */
  get isOn(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Seconds of this machine's processors that it has taken: what a step costs, whatever else is done here meanwhile. Of two
   * processors that it has to itself, it takes between one second and two in a second. 0 once it is dead.
   */
  get processorSeconds(): number {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1');
      // The name of the program is in brackets and may hold anything; after it the 12th and 13th are ticks of 10 ms.
      const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(words[11]) + Number(words[12])) / 100;
    } catch {
      return 0;
    }
  }

  /** How often it has started itself anew: after a panic, or because something did not start in its time. */
  get restarts(): number {
    return this.#qmp.count(({ event, data }) => event === 'RESET' && data?.guest === true);
  }

  /** Pulls an adapter out. Not on a Raspberry Pi 3: QEMU 7.2 crashes there. */
  async unplug(adapter: string): Promise<void> {
    await this.#qmp.runUntil(
      'device_del',
      { id: adapter },
      ({ event, data }) => event === 'DEVICE_DELETED' && data?.device === adapter,
    );
  }

  /** Plugs an adapter in. */
  async plug(adapter: string): Promise<void> {
    await this.#qmp.run('device_add', {
      driver: 'usb-serial',
      id: adapter,
      serial: adapter,
      bus: 'usb.0',
      chardev: `chardev-${adapter}`,
    });
  }

  /** Presses its reset button: nothing is written first. */
  async reset(): Promise<void> {
    await this.#qmp.runUntil('system_reset', {}, ({ event }) => event === 'RESET');
  }

  /**
   * Cuts its power: the emulator is killed, and with it goes all that the machine had not brought to its disk.
   * Resolves when it is dead. Does nothing where it is.
   */
  async cutPower(): Promise<void> {
    if (this.isOn) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    this.#close();
  }

  #close(): void {
    this.#qmp.close();
    this.shell?.close();
  }
}

function commandLine(options: MachineOptions, sockets: { qmp: string; shell: string }): string[] {
  const { board, folder, boot, disk, tap, adapters } = options;
  const { plugged = Object.keys(adapters) } = options;
  const consoleLog = `logfile=${join(folder, 'console.log')},logappend=on`;
  return [
    ...['-nodefaults', '-display', 'none', '-no-user-config'],
    // Never the host's own virtualisation: where there is one, it is of another architecture.
    ...['-accel', 'tcg,thread=multi'],
    ...[
      '-chardev',
      `socket,id=qmp,path=${sockets.qmp},server=on,wait=off`,
      '-mon',
      'chardev=qmp,mode=control',
    ],
    ...['-chardev', `serial,id=console,path=${options.console},${consoleLog}`],
    ...Object.entries(adapters).flatMap(([name, path]) => [
      '-chardev',
      `serial,id=chardev-${name},path=${path}`,
    ]),
    ...['-netdev', `tap,id=net,ifname=${tap},script=no,downscript=no`],
    ...hardware[board](disk),
    ...plugged.flatMap((name) => ['-device', `usb-serial,id=${name},serial=${name},chardev=chardev-${name}`]),
    ...bootWords(boot, sockets.shell),
  ];
}

/** What each board has, and where its disk is. What is written is in the host's cache: it outlives the emulator, as a disk would. */
const hardware: Readonly<Record<MachineBoard, (disk: string) => string[]>> = {
  virt: (disk) => [
    ...['-M', 'virt', '-cpu', 'cortex-a72', '-smp', '2', '-m', '1024', '-serial', 'chardev:console'],
    ...['-drive', `if=none,id=disk,file=${disk},format=raw,cache=writeback`],
    ...['-device', 'virtio-blk-pci,drive=disk', '-device', 'virtio-rng-pci'],
    ...['-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'qemu-xhci,id=usb'],
    ...['-smbios', `type=1,manufacturer=Loadline,product=Simulated,serial=${simulatedSerial}`],
  ],
  raspi3b: (disk) => [
    // Its own processors and memory: neither can be chosen.
    // Its first UART is wired to Bluetooth; the second, the mini UART, is on the pins.
    ...[
      '-M',
      'raspi3b',
      '-serial',
      'null',
      '-serial',
      'chardev:console',
      '-drive',
      `if=sd,file=${disk},format=raw,cache=writeback`,
    ],
    ...['-device', 'usb-net,netdev=net'],
  ],
};

function bootWords(boot: Boot, shell: string): string[] {
  switch (boot.by) {
    case 'firmware':
      return ['-bios', firmware];
    case 'kernel':
      return [
        ...['-kernel', boot.kernel, '-initrd', boot.initrd],
        ...(boot.deviceTree === undefined ? [] : ['-dtb', boot.deviceTree]),
        ...(boot.shell === undefined
          ? ['-append', boot.line]
          : [
              ...['-chardev', `socket,id=shell,path=${shell},server=on,wait=off`],
              ...['-device', 'pci-serial,chardev=shell'],
              ...['-append', `${boot.line} ${Shell.words}`],
            ]),
      ];
  }
}
