import { Agent, request } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { sessionCookie } from '@loadline/sdk/api';
import type { CloudProcess } from '../system/index.ts';

/** An answer of the HTTPS door, unread. */
export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** A request as a client that means harm may write it: nothing is checked, escaped or completed. */
export interface Ask {
  readonly method?: string;
  /** Sent as it is, escapes and dots included. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The session's token, sent as its cookie. */
  readonly token?: string;
}

/** Asks the HTTPS door of `cloud`, each time on a connection of its own. */
export function ask(
  cloud: CloudProcess,
  { method = 'GET', path, headers, body, token }: Ask,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: 'localhost',
        port: cloud.httpsPort,
        ca: cloud.authorityPem,
        agent: new Agent({ maxCachedSessions: 0 }),
        method,
        path,
        headers: {
          ...(token !== undefined && {
            cookie: `${sessionCookie}=${token}`,
            // As a browser says it of the cloud's own page; what is to be refused for it says another.
            origin: `https://localhost:${cloud.httpsPort}`,
          }),
          ...headers,
        },
        timeout: 10_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer`)));
    call.on('error', reject);
    call.end(body);
  });
}

/** Logs in and gives the session's token: what a thief of the cookie would have. */
export async function logIn(cloud: CloudProcess, login = cloud.login): Promise<string> {
  const { headers, status, body } = await ask(cloud, {
    method: 'POST',
    path: '/api/v1/session',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(login),
  });
  const cookies = [headers['set-cookie'] ?? []].flat();
  const token = cookies.map((one) => new RegExp(`^${sessionCookie}=([^;]+)`).exec(one)?.[1]).find(Boolean);
  if (token === undefined) throw new Error(`no session: ${status} ${body}`);
  return token;
}

/** A TLS connection to a port of the cloud's, for bytes that are no request. */
export function openTls(cloud: CloudProcess, port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, ca: cloud.authorityPem }, () => resolve(socket));
    socket.on('error', reject);
  });
}
