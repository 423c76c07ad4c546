import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { localServer, makeHolder, makeRoot } from '../../identity/test-fleet.ts';

/** For tests: a request as the far end sees it. */
export interface Seen {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: string;
}

/** For tests: what the far end answers. */
export interface Said {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** For tests: a server over real TLS that answers whatever is wanted, one answer after the other, and the last for ever. */
export async function httpsFarEnd(answers: readonly Said[]) {
  const root = await makeRoot();
  const seen: Seen[] = [];
  const server = createHttps(await makeHolder(root, 'localhost', localServer), (request, response) => {
    void text(request).then((body) => {
      const { status, body: said, headers = {} } = answers[Math.min(seen.length, answers.length - 1)] as Said;
      seen.push({ headers: request.headers, path: request.url ?? '', body });
      response.writeHead(status, headers).end(said);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    authorityPem: root.certificatePem,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** For tests: problem details (RFC 9457), as a cloud writes them. */
export function problem(status: number, code: string, headers: Record<string, string> = {}): Said {
  const body = { type: `about:${code}`, title: code, status, code, detail: `because of ${code}` };
  return {
    status,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/problem+json', ...headers },
  };
}
