// @long
// Something else answers where the cloud should: the gateway tells it nothing, says what it found, and waits for the cloud.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createAuthority, generateKeyPair, issueCertificate, softwareSigner } from '@loadline/sdk/identity';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FaultProxy, until } from '../rig/index.ts';
import { Counter, countsIn, countsTo } from './counter.ts';
import { Site } from './site.ts';

const test = suite('captive portal');

const hour = 3_600_000;
const page = 'HTTP/1.1 302 Found\r\nLocation: http://hotel.example/login\r\nContent-Length: 0\r\n\r\n';

let site: Site;
let proxy: FaultProxy;
let counter: Counter;
const servers: Server[] = [];
const sockets = new Set<Socket>();

test.before(async () => {
  site = await Site.open({ link: 'proxied' });
  proxy = site.proxy as FaultProxy;
  counter = new Counter(site.port);
});

test.after(async () => {
  await site.close();
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A web server without TLS: to whatever is said to it, it answers with its own page. */
function plainPortal(): Promise<number> {
  return listening(createServer((socket) => socket.on('data', () => socket.end(page))));
}

/** A TLS server with a certificate for the cloud's name, of an authority that is not the fleet's. @param heard what it is told */
async function strangePortal(heard: Buffer[]): Promise<number> {
  const signer = softwareSigner((await generateKeyPair()).privateKeyPem);
  const times = { notBefore: Date.now() - hour, notAfter: Date.now() + hour };
  const authorityPem = createAuthority({ commonName: 'Hotel', signer, ...times, serial: Buffer.alloc(8, 1) });
  const { privateKeyPem, publicKeyPem } = await generateKeyPair();
  const certificatePem = issueCertificate({
    ...times,
    profile: 'server',
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
    serial: Buffer.alloc(8, 2),
    issuer: { signer, certificatePem: authorityPem },
    subject: { commonName: 'localhost', publicKeyPem },
  });
  const server = createTlsServer(
    { key: privateKeyPem, cert: certificatePem + authorityPem, ALPNProtocols: ['mqtt'] },
    (socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        heard.push(bytes);
        socket.end(page);
      });
    },
  );
  server.on('tlsClientError', () => {});
  return await listening(server);
}

/** Puts a portal before the cloud, and waits until the gateway has met it; what it says of it. */
async function reasonBehind(port: number): Promise<string> {
  const already = site.gateway.log.length;
  proxy.leadTo({ port });
  proxy.reset();
  const met = until(
    () =>
      site.gateway.log.slice(already).filter(({ event, reason }) => {
        return event === 'uplink-lost' && !/ECONNRESET|EPIPE/.test(String(reason));
      })[1],
    { limitMs: 20_000, what: 'the gateway has met the portal twice' },
  );
  await counter.sendWhile(50, met);
  return String((await met).reason);
}

/** The cloud again: everything is stored, and the reason stands in the health message. */
async function cloudAgain(links: number): Promise<string[]> {
  proxy.leadTo({ port: site.cloud.mqttPort });
  const { stored, rejected, health } = await site.stored(counter.sent);
  assert.equal([stored, rejected, health?.uplink.connections], [counter.sent, 0, links]);
  assert.equal(countsIn(site.readings()), countsTo(counter.sent));
  return (health?.uplink.disconnects ?? []).map(({ reason }) => reason);
}

test('a portal without TLS is named as one, in the log and in the health message', async () => {
  const reason = await reasonBehind(await plainPortal());
  assert.match(reason, /something else answers in place of the cloud: localhost:\d+ does not speak TLS/);
  assert.match(reason, /captive portal/);
  assert.ok((await cloudAgain(2)).includes(reason));
});

test('a portal with a certificate of another authority is named as one, and is told nothing', async () => {
  const heard: Buffer[] = [];
  const reason = await reasonBehind(await strangePortal(heard));
  assert.match(reason, /something else answers in place of the cloud: the certificate of localhost:\d+/);
  assert.match(reason, /authority/);
  assert.is(Buffer.concat(heard).length, 0);
  assert.ok((await cloudAgain(3)).some((kept) => reason.startsWith(kept) || kept === reason));
});

test.run();
