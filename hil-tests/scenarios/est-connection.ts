import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { createSigningRequest, softwareSigner } from '@loadline/sdk/identity';
import type { Open } from '../inhabited/followers.ts';
import { awakeMilliseconds, type CloudProcess } from '../system/index.ts';
import type { GatewayIdentity } from '../system/mqtt-gateway.ts';

/** EST over HTTPS with a client certificate, as a gateway that offers no ALPN has it, at the level of connections. */

type Doors = Pick<CloudProcess, 'httpsPort' | 'authorityPem'>;

/** A connection by a certificate, which stays open between requests. */
export interface EstConnection extends Open {
  /** The TLS session, for another connection that shows no certificate. */
  readonly session: Buffer | undefined;
  /** Whether it is one of another connection. */
  readonly isResumed: boolean;
  /** Asks to renew the certificate with its own key: `renewed`, or the code it is refused with. */
  renew(): Promise<string>;
}

/** Opens a connection by the certificate of `identity`, or by the TLS session of one that was. */
export async function estConnection(
  { httpsPort: port, authorityPem: ca }: Doors,
  identity: GatewayIdentity,
  session?: Buffer,
): Promise<EstConnection> {
  const proof = session ? { session } : { key: identity.privateKeyPem, cert: identity.chainPem };
  const socket = connect({ host: 'localhost', port, ca, ...proof });
  const state = { ended: undefined as number | undefined, session: undefined as Buffer | undefined };
  socket.on('session', (ticket) => {
    state.session = ticket;
  });
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    state.ended = awakeMilliseconds();
  });
  await once(socket, 'secureConnect');
  const { status } = await say(socket, { method: 'GET', path: '/.well-known/est/cacerts' });
  if (status !== 200) throw new Error(`cacerts was answered with ${status}`);
  return {
    get ended() {
      return state.ended;
    },
    get session() {
      return state.session;
    },
    said: '',
    isResumed: socket.isSessionReused(),
    close: () => socket.destroy(),
    async renew() {
      const signer = softwareSigner(identity.privateKeyPem);
      const pem = createSigningRequest({ commonName: identity.id, signer });
      const { status, body } = await say(
        socket,
        { method: 'POST', path: '/.well-known/est/simplereenroll' },
        pem.replace(/-----[^-]+-----|\s/g, ''),
      );
      return status === 200 ? 'renewed' : JSON.parse(body).code;
    },
  };
}

/** One request on a connection that stays. */
async function say(
  socket: TLSSocket,
  { method, path }: { method: string; path: string },
  body?: string,
): Promise<{ status: number; body: string }> {
  const headers = {
    host: 'localhost',
    connection: 'keep-alive',
    ...(body !== undefined && { 'content-type': 'application/pkcs10' }),
  };
  const asked = request({ createConnection: () => socket, method, path, headers });
  asked.end(body);
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, body: text };
}
