import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { certificateDetails } from './index.ts';
import { type Holder, localServer, makeHolder, makeRoot } from './test-fleet.ts';

const test = suite('TLS handshake');

const root = await makeRoot();
const foreignRoot = await makeRoot();
const server = await makeHolder(root, 'server', localServer);
const gateway = await makeHolder(root, 'gateway-1', { profile: 'gateway' });
const forged = await makeHolder(foreignRoot, 'gateway-1', { profile: 'gateway' });

/** Connects a client to a server that demands a certificate of the root; gives what the server saw, or the error. */
async function shake(serverHolder: Holder, clientHolder: Holder | undefined): Promise<string> {
  const listener = tls.createServer({ ...serverHolder, ca: root.certificatePem, requestCert: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const client = tls.connect({ ...clientHolder, port, host: 'localhost', ca: root.certificatePem });
  try {
    return await new Promise<string>((resolve) => {
      listener.on('secureConnection', (socket) => {
        socket.on('error', () => undefined);
        resolve(certificateDetails(socket.getPeerCertificate().raw).commonName);
      });
      listener.on('tlsClientError', (error: NodeJS.ErrnoException) => resolve(`server: ${error.code}`));
      client.on('error', (error: NodeJS.ErrnoException) => {
        // The server's alert and its own error are one story: its own is told above.
        if (!error.code?.startsWith('ERR_SSL') && error.code !== 'ECONNRESET')
          resolve(`client: ${error.code}`);
      });
    });
  } finally {
    client.destroy();
    listener.close();
  }
}

test('succeeds in both directions with certificates of one root', async () => {
  assert.is(await shake(server, gateway), 'gateway-1');
});

test('fails without a certificate of the client', async () => {
  assert.match(await shake(server, undefined), /^server: .*PEER_DID_NOT_RETURN_A_CERTIFICATE/);
});

test('fails with a client certificate of another root of the same name', async () => {
  assert.match(await shake(server, forged), /^server: /);
});

test("fails with a server's certificate on the client, and a gateway's on the server", async () => {
  assert.match(await shake(server, server), /^server: /);
  assert.match(await shake(gateway, gateway), /^client: INVALID_PURPOSE/);
});

test.run();
