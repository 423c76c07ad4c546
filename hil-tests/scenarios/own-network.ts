import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../rig/index.ts';

const run = promisify(execFile);

/** Where the outside is, as a process inside sees it; and an address that nobody has. */
export const outside = '10.77.0.1';
export const nowhere = '192.0.2.1';
/** What the outside is called. */
export const outsideName = 'cloud.test';

export interface Allowed {
  readonly tcp: readonly number[];
}

/**
 * A network for one program, with one wire to the outside, which is this process's own network. What comes over the wire
 * is counted at the outer end, and what the program asks of the kernel is traced. For a process that is root in a network
 * of its own (`unshare --net`): it adds a wire and a table there.
 */
export class OwnNetwork {
  readonly #holder: ChildProcess;
  readonly #dns: Socket;
  readonly #folder: string;
  /** Questions that were asked of the DNS server outside. */
  readonly questions: string[] = [];
  /** Whether that knows the outside's name, knows no name at all, or does not answer. */
  names: 'known' | 'unknown' | 'unanswered' = 'known';

  private constructor(holder: ChildProcess, dns: Socket, folder: string) {
    this.#holder = holder;
    this.#dns = dns;
    this.#folder = folder;
    dns.on('message', (question, { address, port }) => {
      const { name, answer } = answerTo(question);
      this.questions.push(name);
      if (this.names === 'unanswered') return;
      dns.send(this.names === 'known' ? answer : unknown(question), port, address);
    });
  }

  static async open(folder: string): Promise<OwnNetwork> {
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    await once(holder, 'spawn');
    const own = readlinkSync('/proc/self/ns/net');
    await until(() => readlinkSync(`/proc/${holder.pid}/ns/net`) !== own, { what: 'there is a network' });
    const inside = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
    for (const words of [
      ['ip', 'link', 'set', 'lo', 'up'],
      ['ip', 'link', 'add', 'outside', 'type', 'veth', 'peer', 'name', 'wire', 'netns', String(holder.pid)],
      ['ip', 'address', 'add', `${outside}/24`, 'dev', 'outside'],
      ['ip', 'link', 'set', 'outside', 'up'],
      [...inside, 'ip', 'link', 'set', 'lo', 'up'],
      [...inside, 'ip', 'address', 'add', '10.77.0.2/24', 'dev', 'wire'],
      [...inside, 'ip', 'link', 'set', 'wire', 'up'],
      // What goes astray leaves by the wire too, and is counted.
      [...inside, 'ip', 'route', 'add', 'default', 'via', outside],
    ]) {
      const [program = '', ...rest] = words;
      await run(program, rest);
    }
    writeFileSync(join(folder, 'resolv.conf'), `nameserver ${outside}\noptions timeout:1 attempts:1\n`);
    const dns = createSocket('udp4').bind(53, outside);
    await once(dns, 'listening');
    return new OwnNetwork(holder, dns, folder);
  }

  /** Counts from now on what comes over the wire, new at each call. */
  async count({ tcp }: Allowed): Promise<void> {
    const rules = [
      'table inet outside {}',
      'delete table inet outside',
      'table inet outside {',
      ...['tcp_allowed', 'dns', 'stray'].map((name) => `counter ${name} {}`),
      'chain wire { type filter hook prerouting priority raw;',
      'iifname != "outside" return',
      `ip daddr ${outside} tcp dport { ${tcp.join(', ')} } counter name tcp_allowed return`,
      `ip daddr ${outside} udp dport 53 counter name dns return`,
      // The kernel's own: neighbours and multicast groups of IPv6.
      'meta l4proto ipv6-icmp return',
      'counter name stray',
      '}',
      '}',
    ];
    const file = join(this.#folder, 'outside.nft');
    writeFileSync(file, `${rules.join('\n')}\n`);
    await run('nft', ['-f', file]);
  }

  /** Packets that came over the wire, by what they were. */
  async counted(): Promise<{ readonly tcp: number; readonly dns: number; readonly stray: number }> {
    const { stdout } = await run('nft', ['-j', 'list', 'counters', 'table', 'inet', 'outside']);
    const { nftables } = JSON.parse(stdout) as {
      nftables: { counter?: { name: string; packets: number } }[];
    };
    const of = (name: string) =>
      nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0;
    return { tcp: of('tcp_allowed'), dns: of('dns'), stray: of('stray') };
  }

  /** Every internet socket inside that somebody could speak to, as ss tells it. */
  async listening(): Promise<string[]> {
    const { stdout } = await run('nsenter', [`--net=/proc/${this.#holder.pid}/ns/net`, 'ss', '-Hlntuwp']);
    return stdout.split('\n').filter((line) => line !== '');
  }

  /** Words that start a program inside, with its system calls traced into `trace`. */
  under(trace: string): string[] {
    return [
      ...this.within(),
      // -D: the program stays this process's child, and strace watches from aside.
      ...['strace', '-D', '-f', '-yy', '-s', '0', '-e', 'trace=network', '-o', trace],
    ];
  }

  /** Words that start a program inside, with nothing traced; it is that program's process. */
  within(): string[] {
    const script = `mount --bind ${this.#folder}/resolv.conf /etc/resolv.conf; exec "$@"`;
    const network = `--net=/proc/${this.#holder.pid}/ns/net`;
    return ['nsenter', network, 'unshare', '--mount', 'sh', '-ec', script, 'sh'];
  }

  /** Pulls the wire at the inner end. */
  async pull(): Promise<void> {
    await this.#inside('ip', 'link', 'set', 'wire', 'down');
  }

  /** Plugs it in again, with the way to the outside. */
  async plug(): Promise<void> {
    await this.#inside('ip', 'link', 'set', 'wire', 'up');
    await this.#inside('ip', 'route', 'replace', 'default', 'via', outside);
  }

  async #inside(...words: string[]): Promise<void> {
    await run('nsenter', [`--net=/proc/${this.#holder.pid}/ns/net`, ...words]);
  }

  async close(): Promise<void> {
    const ended = once(this.#holder, 'exit');
    this.#holder.kill();
    await ended;
    this.#dns.close();
  }
}

/** What a traced program asked of the kernel for the internet. */
export interface Contacts {
  /** `address port` of everything it connected or sent to. */
  readonly destinations: readonly string[];
  /** Calls that wait for others: bind, listen, accept. */
  readonly waits: readonly string[];
}

/** Reads what `strace -f -yy -e trace=network` wrote. */
export function contactsIn(trace: string): Contacts {
  const lines = readFileSync(trace, 'utf8').split('\n');
  const destinations = new Set<string>();
  const waits: string[] = [];
  for (const line of lines) {
    const [, call = ''] = /^\d+ +(\w+)\(/.exec(line) ?? [];
    const isInternet = /AF_INET6?\b|<(TCP|UDP|RAW)(v6|L)?:/.test(line);
    if (!isInternet) continue;
    if (['bind', 'listen', 'accept', 'accept4'].includes(call)) waits.push(line);
    if (!['connect', 'sendto', 'sendmsg', 'sendmmsg'].includes(call)) continue;
    const port = /sin6?_port=htons\((\d+)\)/.exec(line)?.[1];
    const address = /inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"/.exec(line);
    if (port !== undefined) destinations.add(`${address?.[1] ?? address?.[2]} ${port}`);
  }
  return { destinations: [...destinations].sort(), waits };
}

/** Answers a question (RFC 1035) for the outside's IPv4 address; of anything else there is none. */
function answerTo(question: Buffer): { readonly name: string; readonly answer: Buffer } {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join('.');
  const isAsked = name === outsideName && question.readUInt16BE(at + 1) === 1;
  const header = Buffer.from(question.subarray(0, at + 5));
  // An answer, recursion desired and available, no error; one question, and one answer or none; nothing more.
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(isAsked ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  const address = Buffer.from(outside.split('.').map(Number));
  const record = Buffer.concat([Buffer.from('c00c00010001000000000004', 'hex'), address]);
  return { name, answer: isAsked ? Buffer.concat([header, record]) : header };
}

/** The answer that there is no such name (NXDOMAIN). */
function unknown(question: Buffer): Buffer {
  const { answer } = answerTo(question);
  const header = Buffer.from(answer.subarray(0, question.indexOf(0, 12) + 5));
  header.writeUInt16BE(0x8183, 2);
  header.writeUInt16BE(0, 6);
  return header;
}
