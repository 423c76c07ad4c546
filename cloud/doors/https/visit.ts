import type { Log } from '@loadline/sdk/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Visit } from './call.ts';

/** Cookies are sent to this host only, over TLS only, from its own pages only, and never readable by a script. */
const cookieOptions = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const;

/** Characters of what a program says it is that are kept. */
const agentCharacters = 200;

/** The request as it came, for the few handlers that must know. */
export function visitOf(request: FastifyRequest, answer: FastifyReply, log: Log): Visit {
  return {
    source: request.ip,
    agent: (request.headers['user-agent'] ?? '').slice(0, agentCharacters),
    cookie: (name) => request.cookies[name],
    setCookie(name, value, seconds) {
      answer.setCookie(name, value, { ...cookieOptions, ...(seconds !== undefined && { maxAge: seconds }) });
    },
    clearCookie(name) {
      answer.clearCookie(name, cookieOptions);
    },
    stream() {
      answer.hijack();
      return answer.raw;
    },
    failed(reason) {
      log.error('answer-broken-off', { route: request.routeOptions.url, reason });
    },
  };
}
