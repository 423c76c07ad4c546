import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { limits } from '@loadline/sdk/contract';
import type { ReadingsForm } from '@loadline/sdk/telemetry';
import { Problem } from '../problem.ts';

/** What a body may be, by its media type: a batch, or readings by name in one of their forms. */
const forms = {
  'application/vnd.loadline.batch': 'batch',
  'application/senml+json': 'senml',
  'application/senml+cbor': 'senml-cbor',
  'application/json': 'json',
} as const satisfies Record<string, 'batch' | ReadingsForm>;

export const mediaTypes = Object.keys(forms) as readonly (keyof typeof forms)[];

/** What a body is said to be. */
export interface BodyKind {
  readonly form: (typeof forms)[keyof typeof forms];
  readonly encoding: 'identity' | 'gzip';
}

/** What a body is, by its headers; throws a `Problem` (415) where it is nothing that is taken. */
export function bodyKind(contentType: string | undefined, contentEncoding: string | undefined): BodyKind {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const form = (forms as Partial<Record<string, BodyKind['form']>>)[type];
  if (form === undefined) {
    throw new Problem(415, 'media-type-unsupported', `Content-Type is to be one of ${mediaTypes.join(', ')}`);
  }
  const encoding = contentEncoding?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return { form, encoding };
  if (encoding === 'gzip' || encoding === 'x-gzip') return { form, encoding: 'gzip' };
  throw new Problem(415, 'media-type-unsupported', 'Content-Encoding is to be gzip, or left out');
}

/** Bytes of memory that a request takes besides its body, and that inflating takes besides what it makes. */
const requestBytes = 4 * 1024;
const inflatingBytes = 64 * 1024;

/** Bytes that a body takes while it is on its way: many that are small take more than one that is long. */
export function bytesUnderWay(body: Buffer, { encoding }: BodyKind): number {
  return body.length + requestBytes + (encoding === 'gzip' ? inflatingBytes : 0);
}

const inflate = promisify(gunzip);

/** The body as its sender compressed it. At most limits.batchInflatedBytes are ever made of it. */
export async function plainBody(body: Buffer, { encoding }: BodyKind): Promise<Uint8Array> {
  if (encoding === 'identity') return body;
  try {
    return await inflate(body, { maxOutputLength: limits.batchInflatedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new Problem(400, 'encoding-malformed', 'the body is not gzip, as its Content-Encoding says');
  }
}

export function tooLarge(): Problem {
  return new Problem(
    413,
    'body-too-large',
    `a body has at most ${limits.batchBytes} bytes, and inflated at most ${limits.batchInflatedBytes}`,
  );
}
