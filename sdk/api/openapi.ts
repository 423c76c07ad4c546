import * as z from 'zod';
import { codes } from '../contract/index.ts';
import type { Operation } from './operation.ts';
import { apiPrefix, operations } from './operations/index.ts';
import { parametersOf, pathParameters } from './parameters.ts';
import { problemReply, type RefusalCode, sessionCookie, statusOf } from './problem.ts';
import { type Scope, scopes } from './scopes.ts';

/** A value of JSON that describes something. */
type Json = Readonly<Record<string, unknown>>;

/** The REST API as OpenAPI 3.1 has it, whole, made of the table. */
export function openApi(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    const path = operation.path.replace(/:([a-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(id, operation) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Loadline',
      version: '1',
      description:
        'Lists are pages: `next` of one is `after` of the next. A read answers with an `ETag`; a change with that in ' +
        '`If-Match` is refused where somebody else was faster. Refusals are problem details (RFC 9457) with a `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: apiPrefix }],
    tags: tagsOf(Object.values<Operation>(operations)),
    paths,
    components: {
      schemas: { Problem: { ...schemaOf(problemReply, 'output'), description: 'RFC 9457' } },
      responses: refusalResponses(Object.values<Operation>(operations)),
      securitySchemes: {
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: sessionCookie,
          description: 'A session, opened by `POST /session`. Changes need `Origin`, as browsers send it.',
        },
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWE', description: 'An API token.' },
      },
    },
    'x-scopes': Object.fromEntries(
      Object.entries(scopes).map(([name, { of, reads, does }]) => [name, { of, reads, does }]),
    ),
  };
}

/** What an operation is about: the last part of its path that is no parameter and of several. */
export function tagOfOperation({ path }: Operation): string {
  const [first = '', ...rest] = path.split('/').slice(1);
  if (first.startsWith('password')) return 'passwords';
  if (first === 'openapi.json') return 'description';
  if (first === 'organisations') return rest[1] ?? first;
  return first === 'fleet' ? `fleet ${rest[0] ?? ''}` : first;
}

function tagsOf(all: readonly Operation[]): Json[] {
  return [...new Set(all.map(tagOfOperation))].map((name) => ({ name }));
}

function describe(id: string, operation: Operation): Json {
  const { path, opens, summary, description, query, body } = operation;
  return {
    operationId: id,
    tags: [tagOfOperation(operation)],
    summary,
    ...(description !== undefined && { description }),
    'x-scope': opens,
    security: securityOf(operation),
    parameters: [
      ...parametersOf(path).map((name) => ({
        name,
        in: 'path',
        required: true,
        schema: schemaOf(pathParameters[name], 'input'),
      })),
      ...(query === undefined ? [] : queryParameters(query)),
      ...conditions(operation),
    ],
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: { ...success(operation), ...refusals(operation) },
  };
}

function securityOf({ opens }: Operation): Json[] {
  switch (opens) {
    case 'public':
      return [];
    case 'self':
      return [{ session: [] }];
    default:
      // No token reaches above its organisation.
      if (opens !== 'caller' && scopes[opens as Scope].of === 'fleet') return [{ session: [] }];
      return [{ session: [] }, { token: [] }];
  }
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function conditions({ method, opens }: Operation): Json[] {
  if (opens === 'public') return [];
  const name = method === 'GET' ? 'If-None-Match' : 'If-Match';
  return [{ name, in: 'header', required: false, schema: { type: 'string' } }];
}

function success(operation: Operation): Json {
  const { status, reply, stream, events, method, opens } = operation;
  const content = contentOf(operation);
  const tagged = method === 'GET' && opens !== 'public' && reply !== undefined;
  return {
    [status]: {
      description: successWords[status],
      ...(tagged && { headers: { ETag: { schema: { type: 'string' } } } }),
      ...(content !== undefined && { content }),
      ...(stream !== undefined &&
        events !== undefined && {
          'x-events': Object.fromEntries(
            Object.entries(events).map(([name, schema]) => [name, schemaOf(schema, 'output')]),
          ),
        }),
    },
    ...(tagged && { 304: { description: 'It is as it was when it had the tag in `If-None-Match`.' } }),
  };
}

const successWords = {
  200: 'Done.',
  201: 'Made.',
  202: 'Taken in: it is done later, or done already and not told.',
  204: 'Done; there is nothing to say.',
} as const satisfies Record<Operation['status'], string>;

function contentOf({ reply, stream }: Operation): Json | undefined {
  if (stream !== undefined) return { [stream]: { schema: { type: 'string' } } };
  return reply === undefined ? undefined : { 'application/json': { schema: schemaOf(reply, 'output') } };
}

/** Every code that an operation may refuse with. */
export function refusalsOf({ method, path, opens, query, body, refuses = [] }: Operation): RefusalCode[] {
  const isOpen = opens === 'public';
  const asked = path.includes(':') || query !== undefined || body !== undefined;
  const found: RefusalCode[] = [
    ...(asked ? (['request-invalid'] as const) : []),
    ...(isOpen ? [] : (['unauthenticated'] as const)),
    ...(isOpen || opens === 'caller' ? [] : (['second-factor-required', 'forbidden'] as const)),
    ...(method === 'GET' ? [] : (['origin-refused'] as const)),
    ...(path.includes(':') ? (['not-found'] as const) : []),
    ...(isOpen || method === 'GET' ? [] : (['precondition-failed'] as const)),
    'too-many-attempts',
    'internal',
    ...refuses,
  ];
  return [...new Set(found)];
}

function refusals(operation: Operation): Json {
  const byStatus = refusalsByStatus(operation);
  return Object.fromEntries(
    [...byStatus].map(([status, found]) => [
      status,
      { $ref: `#/components/responses/${responseName(status, found)}` },
    ]),
  );
}

function refusalsByStatus(operation: Operation): Map<number, RefusalCode[]> {
  const byStatus = new Map<number, RefusalCode[]>();
  if (operation.body !== undefined) byStatus.set(413, ['request-invalid']);
  for (const code of refusalsOf(operation)) {
    const status = statusOf[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return byStatus;
}

function responseName(status: number, found: readonly RefusalCode[]): string {
  return [status, ...found].join('-');
}

/** Every set of codes that some operation refuses with by one status. */
function refusalResponses(all: readonly Operation[]): Json {
  const responses = all.flatMap((operation) =>
    [...refusalsByStatus(operation)].map(([status, found]) => [
      responseName(status, found),
      {
        description: found.map((code) => `\`${code}\`: ${codes[code]}`).join('; '),
        content: {
          'application/problem+json': {
            schema: {
              allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: found } } }],
            },
          },
        },
      },
    ]),
  );
  return Object.fromEntries(responses);
}

/** JSON Schema (2020-12), which is OpenAPI 3.1's own, of what is sent (`input`) or answered. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' });
  return rest;
}
