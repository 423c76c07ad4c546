import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';

/** Ports that are tried at a time: the kernel of an emulated machine answers some thousands a second. */
const atOnce = 1024;
/** Milliseconds that a port has for its answer. */
const patience = 1500;
const last = 65_535;

/** What a machine answers somebody who knocks everywhere. */
export interface Answers {
  /** TCP ports that took a connection. */
  readonly open: readonly number[];
  /** How many TCP ports refused one, and how many said nothing. */
  readonly refused: number;
  readonly silent: number;
}

/** Knocks at every TCP port of an address, once. */
export async function knockTcp(address: string, ports: readonly number[] = all()): Promise<Answers> {
  const answers = { open: [] as number[], refused: 0, silent: 0 };
  const left = [...ports];
  const knocker = async () => {
    for (let port = left.pop(); port !== undefined; port = left.pop()) {
      const answer = await knock(address, port);
      if (answer === 'open') answers.open.push(port);
      else answers[answer] += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, knocker));
  answers.open.sort((a, b) => a - b);
  return answers;
}

function knock(host: string, port: number): Promise<'open' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => end('silent'), patience);
    const end = (answer: 'open' | 'refused' | 'silent') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end('open'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      end(code === 'ECONNREFUSED' ? 'refused' : 'silent'),
    );
  });
}

/** Sends a datagram to every UDP port of an address, twice; the ports that sent one back. */
export async function knockUdp(address: string, ports: readonly number[] = all()): Promise<number[]> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const answered = new Set<number>();
  socket.on('message', (_message, { port }) => answered.add(port));
  // That nobody is there comes back as an error of the socket, of whichever port.
  socket.on('error', () => {});
  socket.bind();
  await once(socket, 'listening');
  for (const _round of ['first', 'second']) {
    for (const [index, port] of ports.entries()) {
      await new Promise((resolve) => socket.send('hello', port, address, resolve));
      if (index % atOnce === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await new Promise((resolve) => setTimeout(resolve, patience));
  socket.close();
  return [...answered].sort((a, b) => a - b);
}

function all(): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
