import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Hello, HelloReader, helloBytes } from './client-hello.ts';

/** The first bytes a real TLS client of this Node sends. */
async function realHello(options: { ALPNProtocols?: string[]; maxVersion?: 'TLSv1.2' }): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', servername: 'cloud.example.org', ...options });
  client.on('error', () => undefined);
  const [socket] = await once(server, 'connection');
  const [chunk] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return chunk;
}

const vector = (lengthBytes: 1 | 2, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntBE(body.length, 0, lengthBytes);
  return Buffer.concat([length, body]);
};
const extension = (type: number, data: Uint8Array) =>
  Buffer.concat([Buffer.of(type >> 8, type & 0xff), vector(2, data)]);
const alpn = (...names: string[]) =>
  extension(16, vector(2, ...names.map((name) => vector(1, Buffer.from(name, 'latin1')))));

/** A ClientHello's handshake message. */
function message(extensions: readonly Uint8Array[] | undefined, tail: Uint8Array = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 9)),
    vector(2, Buffer.of(0x13, 0x01)),
    vector(1, Buffer.of(0)),
    ...(extensions === undefined ? [] : [vector(2, ...extensions)]),
    tail,
  ]);
  return Buffer.concat([Buffer.of(1, 0, body.length >> 8, body.length & 0xff), body]);
}

/** The message in records of these sizes, the last one taking the rest. */
function records(whole: Buffer, sizes: readonly number[] = []): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const size of [...sizes, 0x4000, 0x4000]) {
    if (at >= whole.length) break;
    const fragment = whole.subarray(at, at + size);
    parts.push(Buffer.of(22, 3, 1, fragment.length >> 8, fragment.length & 0xff), fragment);
    at += size;
  }
  return Buffer.concat(parts);
}

/** Pushes until it is decided; the answer, and how many bytes it took. */
function feed(
  bytes: Buffer,
  cuts: readonly number[] = [],
): { hello: Hello; reader: HelloReader; end: number } {
  const reader = new HelloReader();
  const ends = [...new Set(cuts)].filter((cut) => cut > 0 && cut < bytes.length).sort((a, b) => a - b);
  let from = 0;
  for (const end of [...ends, bytes.length]) {
    const hello = reader.push(bytes.subarray(from, end));
    from = end;
    if (hello.kind !== 'incomplete') return { hello, reader, end };
  }
  return { hello: { kind: 'incomplete' }, reader, end: from };
}

const every = (bytes: Buffer) => Array.from(bytes, (_, index) => index + 1);

test('what real clients offer is found, byte by byte too', async () => {
  for (const maxVersion of [undefined, 'TLSv1.2'] as const) {
    const version = maxVersion === undefined ? {} : { maxVersion };
    for (const ALPNProtocols of [undefined, ['mqtt'], ['h2', 'http/1.1'], ['http/1.1', 'mqtt']]) {
      const bytes = await realHello({ ...version, ...(ALPNProtocols && { ALPNProtocols }) });
      for (const cuts of [[], every(bytes)]) {
        const { hello, reader } = feed(bytes, cuts);
        assert.equal(hello, { kind: 'whole', protocols: ALPNProtocols ?? [] });
        assert.ok(bytes.equals(reader.bytes));
      }
    }
  }
});

test('however it is cut into records and chunks, the answer and the bytes handed on are the same', () => {
  const name = fc.string({
    minLength: 1,
    maxLength: 40,
    unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
  });
  fc.assert(
    fc.property(
      fc.array(name, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.integer({ min: 17, max: 0xffff }), fc.uint8Array({ maxLength: 60 })), {
        maxLength: 5,
      }),
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 20 }),
      fc.array(fc.nat(1000), { maxLength: 30 }),
      fc.uint8Array({ maxLength: 30 }),
      (names, others, sizes, cuts, after) => {
        const whole = message([...others.map(([type, data]) => extension(type, data)), alpn(...names)]);
        const bytes = Buffer.concat([records(whole, sizes), after]);
        const { hello, reader, end } = feed(bytes, cuts);
        assert.equal(hello, { kind: 'whole', protocols: names });
        // What came behind it in the same chunk must not be lost either.
        assert.ok(bytes.subarray(0, end).equals(reader.bytes));
      },
    ),
  );
});

test('nothing is decided before the last byte', () => {
  const bytes = records(message([alpn('mqtt')]), [3, 50]);
  for (let length = 0; length < bytes.length; length++) {
    assert.is(feed(bytes.subarray(0, length)).hello.kind, 'incomplete', String(length));
  }
});

test('random bytes, and a hello with any of its bytes changed, never throw and never hold more than the limit', () => {
  const good = records(message([alpn('mqtt', 'http/1.1')]), [10, 40]);
  const spoilt = fc
    .array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 6,
    })
    .map((changes) => {
      const bytes = Buffer.from(good);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
  const noise = fc.uint8Array({ maxLength: 3 * helloBytes }).map((bytes) => Buffer.from(bytes));
  const noiseInRecords = noise.map((bytes) => records(Buffer.concat([Buffer.of(1, 0), bytes])));
  fc.assert(
    fc.property(
      fc.oneof(spoilt, noise, noiseInRecords),
      fc.array(fc.nat(9999), { maxLength: 50 }),
      (bytes, cuts) => {
        const { hello, reader } = feed(bytes, cuts);
        if (hello.kind === 'incomplete') assert.ok(reader.bytes.length <= helloBytes);
      },
    ),
    { numRuns: 2000 },
  );
});

test('what is not TLS is refused at the first byte that shows it', () => {
  for (const [bytes, reason] of [
    [Buffer.from('GET / HTTP/1.1\r\n'), /first byte is 71/],
    [Buffer.from('802e0100020015', 'hex'), /first byte is 128/],
    [Buffer.of(0x10, 0x10), /first byte is 16/],
    [Buffer.of(21, 3, 3, 0, 2, 2, 70), /first byte is 21/],
    [Buffer.of(22, 2), /not a version/],
    [Buffer.of(22, 3, 1, 0, 0), /a record of 0 bytes/],
    [Buffer.of(22, 3, 1, 0x40, 1), /a record of 16385 bytes/],
    [Buffer.of(22, 3, 1, 0, 9, 2), /begins with type 2/],
  ] as const) {
    const { hello, end } = feed(bytes, every(bytes));
    assert.is(hello.kind, 'refused', bytes.toString('hex'));
    if (hello.kind === 'refused') assert.match(hello.reason, reason);
    assert.ok(end <= 6);
  }
});

test('lengths that contradict each other are refused', () => {
  const name = vector(1, Buffer.from('mqtt'));
  const cases: Record<string, Buffer> = {
    'bytes after the extensions': message([alpn('mqtt')], Buffer.of(0)),
    'half a length of extensions': message(undefined, Buffer.of(0)),
    'extensions past the end': message(undefined, Buffer.of(0, 9, 0)),
    'an extension past the end': message([Buffer.of(0, 16, 0, 9, 0)]),
    'ALPN twice': message([alpn('mqtt'), alpn('http/1.1')]),
    'no names': message([extension(16, vector(2))]),
    'no list': message([extension(16, Buffer.alloc(0))]),
    'an empty name': message([extension(16, vector(2, vector(1), name))]),
    'a name past its list': message([extension(16, vector(2, Buffer.of(5, 109)))]),
    'bytes after the list': message([extension(16, Buffer.concat([vector(2, name), Buffer.of(0)]))]),
    'nothing at all': Buffer.of(1, 0, 0, 0),
    'a session past the end': Buffer.concat([Buffer.of(1, 0, 0, 35), Buffer.alloc(34), Buffer.of(200)]),
  };
  for (const [what, whole] of Object.entries(cases)) {
    assert.is(feed(records(whole)).hello.kind, 'refused', what);
  }
  assert.equal(feed(records(message(undefined))).hello, { kind: 'whole', protocols: [] });
  assert.equal(feed(records(message([]))).hello, { kind: 'whole', protocols: [] });
});

test('a hello that is too long is refused as soon as it says so, or has sent that much', () => {
  const claimed = feed(Buffer.of(22, 3, 1, 0, 9, 1, 0, 0x40, 1));
  assert.is(claimed.hello.kind, 'refused');
  // Of one byte a record: the headers count too.
  const reader = new HelloReader();
  const tiny = records(
    message([extension(21, Buffer.alloc(8000))]),
    Array.from({ length: 9000 }, () => 1),
  );
  let pushed = 0;
  for (const byte of tiny) {
    pushed++;
    if (reader.push(Buffer.of(byte)).kind === 'refused') break;
  }
  assert.is(pushed, helloBytes + 1);
});

test.run();
