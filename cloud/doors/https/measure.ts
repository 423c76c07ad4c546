import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { standingIn } from '../../access/index.ts';
import type { Account } from '../../accounting/index.ts';
import { limitedDetail, type Metering, rateLimitHeaders } from '../../limits/index.ts';
import { Problem } from './problem.ts';

/** What of a connection has been counted to somebody already. */
const carried = new WeakMap<Socket, { read: number; written: number }>();

/**
 * Counts a request of who is known to his session, its bytes and those of its answer with it, within TLS and with their
 * headers; a stream is counted while it lasts. Throws a `Problem` where a limit is reached.
 */
export function measure(request: FastifyRequest, reply: FastifyReply, metering: Metering): void {
  const { caller, params, raw, ip: source } = request;
  if (caller === null) return;
  const { organisation = '' } = params as { organisation?: string };
  const at = standingIn(caller, { id: organisation }) === undefined ? '' : organisation;
  const meter = metering.visit(caller, { door: 'https', source }, at);
  const limited = meter.ask();
  if (limited !== undefined) {
    reply.headers(rateLimitHeaders(meter.standing('ask')));
    throw new Problem(429, limited.code, limitedDetail(limited), limited.retryAfterSeconds);
  }
  follow(meter.account, raw.socket, reply);
}

function follow(account: Account, socket: Socket, reply: FastifyReply): void {
  const known = carried.get(socket) ?? { read: 0, written: 0 };
  carried.set(socket, known);
  const count = () => {
    const { bytesRead: read, bytesWritten: written } = socket;
    // Nothing of a connection that has gone can be asked any more.
    account.carried(Math.max(0, read - known.read), Math.max(0, written - known.written));
    known.read = Math.max(read, known.read);
    known.written = Math.max(written, known.written);
  };
  const leave = account.watch(count);
  reply.raw.once('close', () => {
    leave();
    count();
    account.answered();
  });
}
