import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { ingestPath } from '@loadline/sdk/contract';
import type { Doors } from './test-doors.ts';

/** For the doors' own tests: devices that have no radio, and deliver by token and key. */

/** Takes in a software device, with a token and a key of its own. */
export async function takeIn(doors: Doors, id: string) {
  await doors.organisation.createDevice({ body: { id, kind: 'software' } });
  const make = (kind: 'token' | 'key') =>
    doors.organisation.createDeviceCredential({ device: id, body: { kind, name: kind } });
  const [token, key] = [await make('token'), await make('key')];
  return { id, token, key };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** One request to the HTTPS door; a header of no value is left out. */
export async function ask(
  doors: Pick<Doors, 'authorityPem'> & { https: { port: number } },
  headers: Record<string, string | undefined>,
  body: string | Uint8Array = '',
  { path = ingestPath, method = 'POST' }: { path?: string; method?: string } = {},
): Promise<Answer> {
  const set = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  return await new Promise((resolve, reject) => {
    const asked = request(
      {
        host: 'localhost',
        port: doors.https.port,
        ca: doors.authorityPem,
        agent: false,
        path,
        method,
        headers: { 'content-length': Buffer.byteLength(body), ...set } as Record<string, string | number>,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: isJson ? (JSON.parse(text) as Record<string, unknown>) : { text },
          });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}
