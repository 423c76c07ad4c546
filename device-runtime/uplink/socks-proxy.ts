import { isIPv4, isIPv6, type Socket } from 'node:net';
import type { Credentials } from './proxy.ts';
import { at, type Destination } from './reasons.ts';

/**
 * Asks a SOCKS 5 proxy for a connection (RFC 1928), with a user name and a password where it wants them (RFC 1929).
 * Of our own, because the `socks` package brings 69 KB for versions and commands that are not used here.
 *
 *     05 count methods…                        -> 05 method          00 none, 02 user and password, FF refused
 *     01 length user length password           -> 01 status          00 is good
 *     05 01 00 type address port(2)            -> 05 reply 00 type address port(2)
 *                                                 type: 01 IPv4 (4 bytes), 03 name (length, bytes), 04 IPv6 (16)
 */
export async function connectThroughSocks(
  socket: Socket,
  destination: Destination,
  credentials: Credentials | undefined,
): Promise<void> {
  const methods = credentials === undefined ? [0x00] : [0x00, 0x02];
  socket.write(Buffer.from([5, methods.length, ...methods]));
  const [version, method] = await take(socket, 2);
  if (version !== 5) throw new Error('it does not speak SOCKS 5');
  if (method === 0x02 && credentials !== undefined) await authenticate(socket, credentials);
  else if (method !== 0x00) {
    throw new Error(
      credentials === undefined
        ? 'it wants a user and a password: set uplink.proxy.user and uplink.proxy.password_file'
        : 'it takes neither strangers nor a user and a password',
    );
  }
  const port = Buffer.from([destination.port >> 8, destination.port & 0xff]);
  socket.write(Buffer.concat([Buffer.from([5, 1, 0]), address(destination.host), port]));
  const [answered, reply = 0xff, , type] = await take(socket, 4);
  if (answered !== 5) throw new Error('it does not speak SOCKS 5');
  if (reply !== 0) {
    const meaning = replies[reply] ?? 'which has no meaning';
    throw new Error(`it answered ${reply}, ${meaning}, when asked for ${at(destination)}`);
  }
  // Its own address on the far side: of no use, and in the way of what follows.
  const length = type === 1 ? 4 : type === 4 ? 16 : ((await take(socket, 1))[0] ?? 0);
  await take(socket, length + 2);
}

/** RFC 1928, section 6. */
const replies: Readonly<Record<number, string>> = {
  1: 'general failure',
  2: 'its rules do not allow it',
  3: 'network unreachable',
  4: 'host unreachable (or its name unknown)',
  5: 'connection refused',
  6: 'time to live expired',
  7: 'command not supported',
  8: 'address type not supported',
};

async function authenticate(socket: Socket, { user, password }: Credentials): Promise<void> {
  const parts = [user, password].map((text) => Buffer.from(text, 'utf8'));
  if (parts.some(({ length }) => length > 255)) throw new Error('user and password are too long for it');
  socket.write(
    Buffer.concat([Buffer.from([1]), ...parts.flatMap((part) => [Buffer.from([part.length]), part])]),
  );
  const [, status] = await take(socket, 2);
  if (status !== 0) {
    throw new Error('it refused user and password: check uplink.proxy.user and uplink.proxy.password_file');
  }
}

function address(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from([1, ...host.split('.').map(Number)]);
  if (isIPv6(host)) return Buffer.from([4, ...ipv6Bytes(host)]);
  const name = Buffer.from(host, 'utf8');
  return Buffer.concat([Buffer.from([3, name.length]), name]);
}

/** By the URL parser, which writes the dotted tail of an address in hex. */
function ipv6Bytes(host: string): number[] {
  const plain = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Exactly so many bytes; what comes after them stays for whoever reads next. */
async function take(socket: Socket, count: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let missing = count; ; ) {
    // Never more than there is: bytes left lying would be announced again and again, and nothing else get its turn.
    const there = Math.min(missing, socket.readableLength);
    if (there > 0) parts.push(socket.read(there) as Buffer);
    missing -= there;
    if (missing === 0) return Buffer.concat(parts);
    if (socket.readableEnded || socket.destroyed)
      throw socket.errored ?? new Error('it closed the connection');
    await new Promise<void>((resolve) => {
      const look = (): void => {
        for (const event of events) socket.off(event, look);
        resolve();
      };
      for (const event of events) socket.on(event, look);
    });
  }
}

const events = ['readable', 'end', 'error', 'close'];
