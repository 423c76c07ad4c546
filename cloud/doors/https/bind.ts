import { createHash } from 'node:crypto';
import {
  apiPrefix,
  type Operation,
  type OperationId,
  operations,
  parametersOf,
  pathParameters,
  problemReply,
} from '@loadline/sdk/api';
import type { Log } from '@loadline/sdk/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import type { Metering } from '../../limits/index.ts';
import type { Handlers } from './call.ts';
import type { Gate } from './gate.ts';
import { measure } from './measure.ts';
import { Problem } from './problem.ts';
import { speedLimit } from './speed.ts';
import { Turns } from './turns.ts';
import { visitOf } from './visit.ts';

/** Requests a minute that one address may send to what anybody may call, where guessing could pay. */
const publicPerMinute = 60;

type AnyHandler = (call: unknown) => unknown;

/** Makes a route of every operation of the table. */
export function bindOperations(
  app: FastifyInstance,
  parts: { handlers: Handlers; gate: Gate; metering?: Metering | undefined; log: Log },
): void {
  const turns = new Turns();
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    bind(app, { id: id as OperationId, operation, turns, ...parts });
  }
}

interface Route {
  readonly id: OperationId;
  readonly operation: Operation;
  readonly handlers: Handlers;
  readonly gate: Gate;
  readonly metering?: Metering | undefined;
  readonly turns: Turns;
  readonly log: Log;
}

function bind(app: FastifyInstance, route: Route): void {
  const { id, operation, gate, metering } = route;
  const { method, path, opens, status, query, body, reply, stream, bodyBytes, perMinute } = operation;
  const names = parametersOf(path);
  const params = z.object(Object.fromEntries(names.map((name) => [name, pathParameters[name]])));
  app.route({
    method,
    url: `${apiPrefix}${path}`,
    // A stream has no end to ask a HEAD of; everything else answers one like its GET.
    exposeHeadRoute: stream === undefined,
    ...(bodyBytes !== undefined && { bodyLimit: bodyBytes }),
    config: {
      opens,
      rateLimit: {
        ...speedLimit,
        ...(opens === 'public' && { max: publicPerMinute }),
        ...(perMinute !== undefined && { max: perMinute }),
      },
    },
    schema: {
      ...(names.length > 0 && { params }),
      ...(query !== undefined && { querystring: query }),
      ...(body !== undefined && { body }),
      response: {
        ...(stream === undefined && { [status]: reply ?? z.undefined() }),
        '4xx': problemReply,
        '5xx': problemReply,
      },
    },
    // After `onRequest`, where the limit of requests is: who is over it costs no look into the store.
    preParsing: async (request, reply) => {
      await gate.admit(request, operation);
      if (metering !== undefined) measure(request, reply, metering);
    },
    handler: (request, answer) => handle(route, request, answer),
  });
  void id;
}

async function handle(route: Route, request: FastifyRequest, answer: FastifyReply): Promise<unknown> {
  const condition = request.headers['if-match'];
  const turn = turnOf(route.operation, request);
  if (turn === undefined) return await run(route, request, answer);
  // Nothing can change between the look and the act: neither what If-Match was held against, nor what a handler has read.
  return await route.turns.take(turn, async () => {
    if (condition !== undefined) await demandUnchanged(route, request, answer, condition);
    return await run(route, request, answer);
  });
}

/**
 * Whose turn a request waits for: of two that change one thing, the second sees what the first made of it. Undefined for
 * what reads, and for what makes something new, unless it says what it read. An address can be written in many ways (a
 * query, escapes): what it comes to counts. What is one's own is under the same address for everybody.
 */
function turnOf({ method, path, opens }: Operation, { params, caller, headers }: FastifyRequest) {
  if (method === 'GET') return undefined;
  const isConditional = headers['if-match'] !== undefined;
  if (!isConditional && (method === 'POST' || opens === 'public')) return undefined;
  return JSON.stringify([path, params, opens === 'self' ? caller?.id : null]);
}

async function run(
  { id, operation, handlers, gate, log }: Route,
  request: FastifyRequest,
  answer: FastifyReply,
) {
  const call = await gate.call(id, operation, request, visitOf(request, answer, log));
  const reply = await (handlers[id] as AnyHandler)(call);
  if (operation.stream !== undefined) return answer;
  if (operation.status === 204) return await answer.status(204).send();
  answer.status(operation.status).header('cache-control', 'no-store');
  if (operation.method !== 'GET' || operation.opens === 'public') return reply;
  const tag = entityTag(reply);
  answer.header('etag', tag);
  if (matches(request.headers['if-none-match'], tag)) return await answer.status(304).send();
  return reply;
}

/** Throws where what stands at this address is not what the caller last read of it (RFC 9110, section 13.1.1). */
async function demandUnchanged(
  { handlers, gate, log }: Route,
  request: FastifyRequest,
  answer: FastifyReply,
  condition: string,
): Promise<void> {
  const path = request.routeOptions.url?.slice(apiPrefix.length);
  const reading = Object.entries<Operation>(operations).find(
    // A list is no one thing, and what it is asked for is not in this request.
    ([, one]) =>
      one.method === 'GET' && one.path === path && one.reply !== undefined && one.query === undefined,
  );
  if (reading === undefined) {
    throw new Problem(
      412,
      'precondition-failed',
      'there is nothing to read at this address: leave If-Match out',
    );
  }
  const [id, operation] = reading as [OperationId, Operation];
  // To be told whether it is the same is to be told something of it: that is for who may read it.
  await gate.admit(request, operation);
  const call = await gate.call(id, operation, request, visitOf(request, answer, log));
  if (matches(condition, entityTag(await (handlers[id] as AnyHandler)(call)))) return;
  throw new Problem(412, 'precondition-failed', 'it has changed since it was read: read it again');
}

/** What a representation is known by: it changes exactly when that does. */
function entityTag(reply: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(reply)).digest('base64url').slice(0, 22)}"`;
}

function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag);
}
