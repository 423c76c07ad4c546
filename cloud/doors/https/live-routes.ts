import { sessionCookie } from '@loadline/sdk/contract';
import type { FastifyInstance } from 'fastify';
import type { Sessions } from '../../people/index.ts';
import type { Live } from '../../router/index.ts';
import { userOf } from './access.ts';
import { tagName } from './gateway-routes.ts';

/** Bytes a follower may leave unread before events are left out for it: it reads the store once it is back. */
const unreadBytes = 256 * 1024;

/** Milliseconds between two looks at whether the session still stands: revoking it ends the stream. */
const recheckMilliseconds = 1000;

/**
 * `/api/v1/live`: server-sent events of what is committed. `readings`: `[{gateway, tag, points: [[ms, value]]}]`;
 * `end`: the session is over.
 */
export function liveRoutes(app: FastifyInstance, parts: { live: Live; sessions: Sessions }): void {
  const { live, sessions } = parts;
  const streams = new Set<() => void>();
  app.addHook('preClose', () => {
    for (const end of streams) end();
    return Promise.resolve();
  });

  // No HEAD: there is no end to a stream that has no body.
  const options = { config: { opens: 'live.get', rateLimit: false }, exposeHeadRoute: false } as const;
  app.get('/api/v1/live', options, (request, reply) => {
    const { organisation } = userOf(request);
    const token = request.cookies[sessionCookie] ?? '';
    reply.hijack();
    const stream = reply.raw;
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    stream.write('retry: 2000\n\n');
    const unfollow = live.follow(organisation, (series) => {
      if (stream.writableLength > unreadBytes) return;
      const data = series.map((one) => ({ ...one, tag: tagName(one.tag) }));
      stream.write(`event: readings\ndata: ${JSON.stringify(data)}\n\n`);
    });
    const end = () => {
      stream.end('event: end\ndata: {}\n\n');
    };
    streams.add(end);
    const recheck = setInterval(() => {
      sessions.principal(token).then(
        (user) => (user === undefined ? end() : stream.write(': still here\n\n')),
        // A store that cannot answer cannot say that the session stands.
        end,
      );
    }, recheckMilliseconds);
    stream.once('close', () => {
      clearInterval(recheck);
      unfollow();
      streams.delete(end);
    });
  });
}
