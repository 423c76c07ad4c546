import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../rig/index.ts';
import { lastLine } from '../runner/debian.ts';

const run = promisify(execFile);

/** The wire that a machine's network card is on: its ends, this end's address, and those that it gives. */
export const wire = {
  near: 'wire0',
  far: 'wire1',
  address: '10.78.0.1',
  first: '10.78.0.100',
  last: '10.78.0.150',
} as const;
/** What the cloud is called on it: its certificate holds this name. */
export const cloudName = 'cloud.test';

/** Milliseconds that a container may take until it has its end of the wire, and dnsmasq until it serves on it. */
const patience = 30_000;

/** Words that start a program in a network of its own, with its own file of names. */
export function inOwnNetwork(folder: string): string[] {
  const hosts = join(folder, 'hosts');
  writeFileSync(hosts, `127.0.0.1 localhost\n${wire.address} ${cloudName}\n`);
  const script = `mount --bind ${hosts} /etc/hosts; ip link set lo up; exec "$@"`;
  return ['unshare', '--net', '--mount', 'sh', '-ec', script, 'sh'];
}

/**
 * Whether there can be such a network here: one is made, and is gone at once.
 *
 * @param kind of wire: a tap is an emulator's, a veth a container's
 * @returns true, or one line that says why not
 */
export async function canHaveOwnNetwork(kind: 'tap' | 'veth'): Promise<true | string> {
  const { near, far } = wire;
  const wires = {
    tap: ['tuntap', 'add', 'dev', near, 'mode', 'tap'],
    veth: ['link', 'add', near, 'type', 'veth', 'peer', 'name', far],
  };
  try {
    await run('unshare', ['--net', '--mount', 'ip', ...wires[kind]]);
    return true;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return `a network with a wire of its own (${kind}) cannot be made on this machine: ${lastLine(stderr || message)}`;
  }
}

/**
 * The network that the machine comes into: an address by DHCP, and names by DNS, from one server that knows the cloud and
 * nothing else. It makes an interface, so it is for a process that is in a network of its own.
 */
export class Lan {
  readonly #server: ChildProcess;
  readonly #log: string;

  private constructor(server: ChildProcess, log: string) {
    this.#server = server;
    this.#log = log;
  }

  /** @param wireOf who brings the wire: an emulator's network card is plugged into this one's, a container has its own */
  static async open(folder: string, wireOf: 'this' | 'container'): Promise<Lan> {
    const { near, address, first, last } = wire;
    if (wireOf === 'this') await run('ip', ['tuntap', 'add', 'dev', near, 'mode', 'tap']);
    const isThere = () =>
      run('ip', ['link', 'show', near]).then(
        () => true,
        () => false,
      );
    await until(isThere, { limitMs: patience, what: 'there is a wire' });
    await run('ip', ['address', 'add', `${address}/24`, 'dev', near]);
    await run('ip', ['link', 'set', near, 'up']);
    const path = join(folder, 'dnsmasq.log');
    const log = openSync(path, 'a');
    const words = [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--log-facility=-', '--pid-file=', '--user=root'],
      ...[`--interface=${near}`, '--except-interface=lo', '--bind-interfaces', '--no-resolv', '--no-hosts'],
      ...[`--dhcp-range=${first},${last},1h`, '--dhcp-authoritative', '--dhcp-leasefile=/dev/null'],
      ...[`--address=/${cloudName}/${address}`, '--log-queries', '--log-dhcp'],
    ];
    const server = spawn('dnsmasq', words, { stdio: ['ignore', log, log] });
    const abandon = () => server.kill('SIGKILL');
    process.once('exit', abandon);
    server.once('exit', () => process.off('exit', abandon));
    await once(server, 'spawn');
    const lan = new Lan(server, path);
    await until(() => lan.#said(/started, version/), {
      ...{ limitMs: patience, what: `dnsmasq has started; ${path}` },
    });
    return lan;
  }

  /** The address that the machine was given last; undefined before it was given one. */
  get given(): string | undefined {
    const given = [...readFileSync(this.#log, 'utf8').matchAll(/DHCPACK\(\S+\) (\S+)/g)];
    return given.at(-1)?.[1];
  }

  /** How often the machine was given an address. */
  get leases(): number {
    return [...readFileSync(this.#log, 'utf8').matchAll(/DHCPACK\(/g)].length;
  }

  #said(what: RegExp): boolean {
    return what.test(readFileSync(this.#log, 'utf8'));
  }

  async close(): Promise<void> {
    const ended = once(this.#server, 'exit');
    this.#server.kill();
    await ended;
  }
}
