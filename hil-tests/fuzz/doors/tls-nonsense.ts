import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';
import { mutated, noise, oneOf } from '../spoil.ts';
import { type Attack, moment, Rogue, type Scene } from './attack.ts';

/** Connections left half-open at a time: each stands until the cloud has had enough of it. */
const halfOpenMost = 300;
const flood = 40;

/** What is done to any door behind TLS before anybody is known: `port`, and what clients ask for by ALPN there. */
export async function tlsNonsense(port: number, alpn: readonly string[]): Promise<Attack[]> {
  const hello = await clientHello(alpn);
  let halfOpen = 0;
  const raw = async (scene: Scene, bytes: Uint8Array) => {
    const rogue = await Rogue.tcp(scene, port);
    await rogue.send(bytes);
    await rogue.leave(alertOf);
  };
  return [
    { name: 'random bytes for TLS', weight: 4, carryOut: (scene) => raw(scene, noise(scene.random, 16_384)) },
    {
      name: 'a mutated ClientHello',
      weight: 6,
      carryOut: (scene) => raw(scene, mutated(scene.random, hello)),
    },
    {
      name: 'records that are none',
      weight: 4,
      carryOut: ({ random, ...rest }) => raw({ random, ...rest }, oneOf(random, strangeRecords(hello))),
    },
    {
      name: 'a ClientHello in fragments',
      weight: 2,
      carryOut: async (scene) => {
        const rogue = await Rogue.tcp(scene, port);
        await rogue.send(fragments(hello, scene.random.integer(1, 40)));
        await rogue.leave(alertOf);
      },
    },
    {
      name: 'a ClientHello that drips',
      weight: 1,
      carryOut: async (scene) => {
        const rogue = await Rogue.tcp(scene, port);
        await rogue.drip(hello.subarray(0, scene.random.integer(10, hello.length)), 16, 40);
        await rogue.leave(alertOf, 100);
      },
    },
    {
      name: 'half-open for good',
      weight: 1,
      carryOut: async (scene) => {
        if (halfOpen >= halfOpenMost) return;
        halfOpen += 1;
        const rogue = await Rogue.tcp(scene, port);
        await rogue.send(hello.subarray(0, scene.random.integer(0, hello.length - 1)));
        void rogue
          .leave(() => [], 15_000)
          .then(() => {
            halfOpen -= 1;
          });
      },
    },
    {
      name: 'a flood of connects',
      weight: 1,
      carryOut: async (scene) => {
        const rogues = await Promise.all(Array.from({ length: flood }, () => Rogue.tcp(scene, port)));
        for (const rogue of rogues) rogue.destroy();
      },
    },
    {
      name: 'gone in the middle of the handshake',
      weight: 2,
      carryOut: async (scene) => {
        const rogue = await Rogue.tcp(scene, port);
        await rogue.send(hello);
        await moment(scene.random.integer(0, 10));
        rogue.destroy();
      },
    },
  ];
}

/** What a client says first; a real one, so that what is spoilt was good. */
async function clientHello(alpn: readonly string[]): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', servername: 'localhost', port, ALPNProtocols: [...alpn] });
  client.on('error', () => {});
  const [socket] = await once(server, 'connection');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** RFC 8446, section 5.1: type, version, length, content. */
function record(type: number, version: number, content: Uint8Array, length = content.length): Buffer {
  return Buffer.concat([Buffer.of(type, version >> 8, version & 0xff, length >> 8, length & 0xff), content]);
}

function strangeRecords(hello: Buffer): Buffer[] {
  const handshake = hello.subarray(5);
  const filled = (bytes: number) => Buffer.alloc(bytes, 0x16);
  // A handshake message that says it has 16 MB, and begins with 16 KiB of them.
  const huge = Buffer.concat([Buffer.of(1, 0xff, 0xff, 0xff), filled(16_380)]);
  return [
    record(22, 0x0301, huge),
    Buffer.concat(Array.from({ length: 8 }, () => record(22, 0x0301, filled(16_384)))),
    record(22, 0x0301, filled(100), 0xffff),
    record(22, 0x0301, Buffer.alloc(0)),
    Buffer.concat(Array.from({ length: 5000 }, () => record(22, 0x0301, Buffer.alloc(0)))),
    ...[0x0000, 0x0200, 0x0300, 0x0305, 0x7f1c, 0xffff].map((version) => record(22, version, handshake)),
    ...[0, 20, 21, 23, 24, 25, 0x80, 0xff].map((type) => record(type, 0x0303, handshake)),
    // Alert before any hello; change of cipher; heartbeat that wants more than it gives.
    record(21, 0x0303, Buffer.of(2, 40)),
    record(20, 0x0303, Buffer.of(1)),
    record(24, 0x0303, Buffer.of(1, 0x40, 0)),
    // SSLv2.
    Buffer.from('802e0100020015000000100100800200800600400400800700c0', 'hex'),
    Buffer.concat([hello, hello]),
    Buffer.concat([hello, filled(65_536)]),
    Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
  ];
}

/** One hello in many records. */
function fragments(hello: Buffer, size: number): Buffer {
  const content = hello.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += size)
    parts.push(record(22, 0x0301, content.subarray(at, at + size)));
  return Buffer.concat(parts);
}

/** TLS's own answer: its alert by number, or that it went on. */
function alertOf(heard: Buffer): string[] {
  if (heard.length === 0) return [];
  if (heard[0] === 21) return [`TLS alert ${heard[6] ?? '?'}`];
  if (heard[0] === 22) return ['TLS goes on'];
  return [`byte ${heard[0]}`];
}
