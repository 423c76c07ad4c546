// @long
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { gatewayTopic } from '@loadline/sdk/contract';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, fingerprintOf, openDoors, ours, type Proof, until, Wire } from '../test-doors.ts';

const test = suite('MQTT and HTTPS on one port');

let doors: Doors;
let proof: Proof;
/** From the beginning: connections that do not finish their hello, and a request that does not finish its headers. */
let silent: Socket[];
let headless: TLSSocket;
let said = '';
const mqtt = { ALPNProtocols: ['mqtt'] };

test.before(async () => {
  doors = await openDoors();
  proof = await doors.prove(ours);
  silent = [tcp(Buffer.from('1603010200010001fc0303', 'hex')), tcp('')];
  headless = (await tls({})).socket;
  headless.on('data', (chunk) => {
    said += chunk;
  });
  headless.write('GET / HTTP/1.1\r\nhost: localhost\r\n');
});
test.after(() => doors.close());

/** A TLS connection to the HTTPS port, its handshake done, and its session as far as tickets came. */
async function tls(options: ConnectionOptions): Promise<{ socket: TLSSocket; session: Buffer | undefined }> {
  const socket = connect({ host: 'localhost', port: doors.https.port, ca: doors.authorityPem, ...options });
  const result = { socket, session: undefined as Buffer | undefined };
  socket.on('session', (session) => {
    result.session = session;
  });
  socket.on('error', () => socket.destroy());
  socket.resume();
  await until(() => socket.getProtocol() !== null && socket.authorized, 'a handshake');
  return result;
}

/** Whether the server asks for a client certificate: TLS 1.2's handshake has it in clear text. */
async function asksForCertificate(options: ConnectionOptions): Promise<boolean> {
  const received: Buffer[] = [];
  const tap = createServer((near) => {
    const far = tcpConnect(doors.https.port, 'localhost');
    far.on('data', (chunk) => received.push(chunk));
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => [near, far].map((one) => one.destroy()));
  });
  tap.listen(0, 'localhost');
  await once(tap, 'listening');
  const { port } = tap.address() as AddressInfo;
  const versions = { maxVersion: 'TLSv1.2' } as const;
  const client = connect({
    port,
    host: 'localhost',
    ca: doors.authorityPem,
    ...versions,
    ...proof,
    ...options,
  });
  client.on('error', () => undefined);
  // Handshake messages: ServerHelloDone (14) has no content; before it stands CertificateRequest (13), if at all.
  const types = () => handshakeTypes(Buffer.concat(received));
  await until(() => types().includes(14), 'the ServerHelloDone');
  client.destroy();
  tap.close();
  return types().includes(13);
}

/** Types of the handshake messages of TLS 1.2 up to the ServerHelloDone (RFC 5246, 7.4). */
function handshakeTypes(bytes: Buffer): number[] {
  const fragments: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length && bytes[at] === 22; at += 5 + bytes.readUInt16BE(at + 3)) {
    fragments.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt16BE(at + 3)));
  }
  const messages = Buffer.concat(fragments);
  const types: number[] = [];
  for (let at = 0; at + 4 <= messages.length; at += 4 + messages.readUIntBE(at + 1, 3)) {
    types.push(messages[at] as number);
    if (messages[at] === 14) break;
  }
  return types;
}

const refusals = (reason: RegExp) =>
  doors.lines.filter((line) => line.event === 'tls-hello-refused' && reason.test(String(line.reason)));

const tcp = (bytes: Uint8Array | string): Socket => {
  const socket = tcpConnect(doors.https.port, 'localhost');
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(bytes);
  return socket;
};

test('a gateway that asks for mqtt by ALPN gets to the MQTT door on the HTTPS port', async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { ...mqtt, port: doors.https.port, minVersion: version, maxVersion: version };
    const wire = await Wire.open(doors, proof, ours, options);
    assert.is(wire.socket.alpnProtocol, 'mqtt');
    assert.is(doors.mqtt.isConnected(ours), true);
    assert.equal(await wire.subscribe(gatewayTopic(ours, 'time')), [1]);
    wire.publish(gatewayTopic(ours, 'clock'), { version: 1, sent: 5 });
    await wire.heard(gatewayTopic(ours, 'time'));
    wire.socket.destroy();
    await until(() => !doors.mqtt.isConnected(ours), 'the end of the link');
  }
});

test('everybody else gets to the HTTPS door, as ever', async () => {
  assert.is((await doors.organisation.listDevices()).items.length, 2);
  for (const ALPNProtocols of [['http/1.1'], ['h2', 'http/1.1'], undefined]) {
    const { socket } = await tls(ALPNProtocols ? { ALPNProtocols } : {});
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write('GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
    await until(() => answer.includes('unauthenticated'), 'an answer');
    assert.match(answer, /^HTTP\/1\.1 401/);
    socket.destroy();
  }
});

/** What Chromium, Firefox and Safari offer for a page, and for a WebSocket; and what Node's own client does. */
const asBrowsers = [{ ALPNProtocols: ['h2', 'http/1.1'] }, { ALPNProtocols: ['http/1.1'] }];

test('a client certificate is asked for of MQTT and of who offers no ALPN, never of a browser, even if it has one', async () => {
  assert.is(await asksForCertificate(mqtt), true);
  assert.is(await asksForCertificate({}), true);
  for (const options of asBrowsers) assert.is(await asksForCertificate(options), false);
});

test('whoever is asked and shows none, or one of whatever kind, is served like a browser', async () => {
  const stranger = await doors.unrecorded('stranger');
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const shown of [{}, proof, stranger, doors.server]) {
      for (const path of ['/', '/api/v1/openapi.json', '/api/v1/session', '/.well-known/est/cacerts']) {
        const { socket } = await tls({ maxVersion, ...shown });
        let answer = '';
        socket.on('data', (chunk) => {
          answer += chunk;
        });
        socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
        await once(socket, 'end');
        const status = path === '/api/v1/session' ? 401 : 200;
        assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${path}: ${answer.slice(0, 200)}`);
        socket.destroy();
      }
    }
  }
});

/** Says CONNECT, and pushes on: all that it hears is CONNACK 5, and the end. Whether its TLS session was resumed. */
async function isNobody(options: ConnectionOptions): Promise<boolean> {
  const wire = new Wire({ ca: doors.authorityPem, ...mqtt, ...options });
  let isResumed = false;
  wire.socket.once('secureConnect', () => {
    isResumed = wire.socket.isSessionReused();
  });
  wire.connect(ours);
  const topic = gatewayTopic(ours, 'time');
  wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] });
  wire.publish(gatewayTopic(ours, 'clock'), { version: 1, sent: 5 });
  await wire.ended();
  assert.equal(
    wire.packets.map((packet) => [packet.cmd, packet.cmd === 'connack' && packet.returnCode]),
    [['connack', 5]],
  );
  assert.is(doors.mqtt.isConnected(ours), false);
  return isResumed;
}

test('without a certificate and without a key MQTT hears CONNACK 5 on this port too, and nothing more', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    await isNobody({ port: doors.https.port, maxVersion });
  }
});

test('a TLS session of one door is none at the other', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const asBrowser = asBrowsers[1];
    for (const [own, other] of [
      [asBrowser, { ...proof }],
      [{ ...proof }, asBrowser],
    ]) {
      const http = await tls({ maxVersion, ...own });
      const httpSession = await until(() => http.session, 'a ticket');
      const again = await tls({ maxVersion, ...own, session: httpSession });
      assert.is(again.socket.isSessionReused(), true, 'the control: a ticket opens the door it is of');
      const elsewhere = await tls({ maxVersion, ...other, session: httpSession });
      assert.is(elsewhere.socket.isSessionReused(), false);
      for (const port of [doors.https.port, doors.mqtt.port]) {
        assert.is(await isNobody({ port, maxVersion, session: httpSession }), false);
      }
      const gateway = await tls({ ...mqtt, ...proof, maxVersion });
      const session = await until(() => gateway.session, 'a ticket');
      const here = await tls({ maxVersion, ...own, session });
      assert.is(here.socket.isSessionReused(), false);
      for (const { socket } of [http, again, elsewhere, gateway, here]) socket.destroy();
    }
  }
});

test('a resumed session is looked at like a new one: expired since, or revoked since, it opens nothing', async () => {
  const port = doors.https.port;
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const revoked = await doors.prove(ours);
    const first = await tls({ ...mqtt, ...revoked, maxVersion });
    const session = await until(() => first.session, 'a ticket');
    first.socket.destroy();
    const resumed = await Wire.open(doors, revoked, ours, { ...mqtt, port, maxVersion, session });
    assert.is(resumed.socket.isSessionReused(), true, 'the control: it is resumed');
    resumed.socket.destroy();
    const refused = async () => {
      const wire = new Wire({ port, ca: doors.authorityPem, ...mqtt, maxVersion, session });
      let reused = false;
      wire.socket.once('secureConnect', () => {
        reused = wire.socket.isSessionReused();
      });
      wire.connect(ours);
      const [connack] = await wire.got('connack');
      assert.is(reused, true);
      assert.is(connack?.cmd === 'connack' && connack.returnCode, 5);
      await wire.ended();
      return doors.lines.filter(({ event }) => event === 'mqtt-client-refused').at(-1)?.code;
    };
    doors.clock.offset = 3 * 366 * 86_400_000;
    assert.is(await refused(), 'certificate-expired');
    doors.clock.offset = 0;
    await doors.organisation.revokeCertificate({ device: ours, certificate: fingerprintOf(revoked) });
    assert.is(await refused(), 'certificate-revoked');
  }
});

test('a hello that comes byte by byte is served like one in a piece', async () => {
  for (const options of [{ ...mqtt, ...proof }, {}]) {
    const raw = tcpConnect({ port: doors.https.port, host: 'localhost', noDelay: true });
    const client = connect({ socket: slowly(raw), host: 'localhost', ca: doors.authorityPem, ...options });
    client.on('error', () => undefined);
    await until(() => client.authorized, 'a handshake');
    assert.is(client.alpnProtocol, 'ALPNProtocols' in options ? 'mqtt' : false);
    client.destroy();
  }
});

test('what is no TLS is closed at once, and so is what goes on for ever', async () => {
  const endless = Buffer.concat(Array.from({ length: 4000 }, () => Buffer.of(22, 3, 1, 0, 1, 1)));
  const alert = Buffer.from('1503030002', 'hex');
  const sockets = ['GET / HTTP/1.1\r\n\r\n', Buffer.alloc(65_536), alert, endless].map(tcp);
  await until(() => sockets.every((socket) => socket.closed), 'the end of all of them', 4000);
  await until(() => refusals(/first byte|too long|longer/).length === sockets.length, 'a line for each');
});

test('what says nothing more is closed when its time is over', async () => {
  await until(() => silent.every((socket) => socket.closed), 'their end', 15_000);
  assert.is(refusals(/none within 10000 ms/).length, silent.length);
});

test('a request that never ends is cut here as on a port of its own', async () => {
  await until(() => headless.destroyed, 'the end', 15_000);
  assert.match(said, /^HTTP\/1\.1 408/);
});

test('closing tells gateways on this port too, and leaves nobody connected', async () => {
  const own = await openDoors();
  const wire = await Wire.open(own, await own.prove(ours), ours, { ...mqtt, port: own.https.port });
  const started = Date.now();
  await own.close();
  assert.is((await wire.heard(gatewayTopic(ours, 'notice'))).code, 'cloud-stopping');
  await wire.ended();
  // A connection of which nothing was known would have kept it until its keepalive was over.
  assert.ok(Date.now() - started < 9000);
});

test.run();

/** The socket, with what is written to it going out in pieces of one byte, a turn of the loop apart. */
function slowly(socket: Socket): Socket {
  const write = socket._write.bind(socket);
  socket._writev = undefined as never;
  socket._write = (chunk: Buffer, encoding, done) => {
    let at = 0;
    const next = (error?: Error | null) => {
      if (error || at === chunk.length) done(error);
      else write(chunk.subarray(at, ++at), encoding, (failure) => setImmediate(next, failure));
    };
    next();
  };
  return socket;
}
