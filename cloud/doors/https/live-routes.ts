import { sessionCookie } from '@loadline/sdk/contract';
import { tagName } from '@loadline/sdk/t24';
import type { FastifyInstance } from 'fastify';
import type { Sessions } from '../../people/index.ts';
import type { Live } from '../../router/index.ts';
import { userOf } from './access.ts';
import { Problem } from './problem.ts';

/** Bytes a follower may leave unread before its stream is cut: it connects again and reads the store. */
const unreadBytes = 256 * 1024;

/** Milliseconds between two looks at whether the session still stands: revoking it ends the stream. */
const recheckMilliseconds = 1000;

/** Live streams that one user may have open. */
const streamsPerUser = 20;

/** Looks between two `ping` events, by which a follower knows that the stream is alive. */
const looksPerPing = 10;

/** Milliseconds that the last word may take to leave. */
const farewellMilliseconds = 500;

/**
 * `/api/v1/live`: server-sent events of what is committed. `readings`: `[{gateway, tag, aspect, points: [[ms, physical value]]}]`;
 * `ping`: nothing, every ten seconds; `end`: the stream is over, and so may be the session.
 */
export function liveRoutes(app: FastifyInstance, parts: { live: Live; sessions: Sessions }): void {
  const { live, sessions } = parts;
  const streams = new Set<() => void>();
  const streamsOf = new Map<string, number>();
  app.addHook('preClose', () => {
    for (const end of streams) end();
    return Promise.resolve();
  });

  // No HEAD: there is no end to a stream that has no body.
  const options = { config: { opens: 'live.get' }, exposeHeadRoute: false } as const;
  app.get('/api/v1/live', options, (request, reply) => {
    const { organisation, name } = userOf(request);
    const open = streamsOf.get(name) ?? 0;
    if (open >= streamsPerUser) {
      throw new Problem(429, 'too-many-attempts', `${open} live streams are open: close one first`);
    }
    streamsOf.set(name, open + 1);
    const token = request.cookies[sessionCookie] ?? '';
    reply.hijack();
    const stream = reply.raw;
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    stream.write('retry: 2000\n\n');
    const tell = (event: string, data: unknown) => {
      stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const unfollow = live.follow(organisation, (series) => {
      if (stream.writableLength > unreadBytes) stream.destroy();
      else
        tell(
          'readings',
          series.map((one) => ({ ...one, tag: tagName(one.tag) })),
        );
    });
    let looks = 0;
    const recheck = setInterval(() => {
      sessions.principal(token).then(
        (user) => {
          if (user === undefined) end();
          else if (streams.has(end) && ++looks % looksPerPing === 0) tell('ping', {});
        },
        // A store that cannot answer cannot say that the session stands.
        () => end(),
      );
    }, recheckMilliseconds);
    const leave = () => {
      clearInterval(recheck);
      unfollow();
      return streams.delete(end);
    };
    const end = () => {
      if (!leave()) return;
      tell('end', {});
      stream.end();
      // A follower that does not read does not hear the end either: it is cut off.
      setTimeout(() => stream.destroy(), farewellMilliseconds).unref();
    };
    streams.add(end);
    stream.once('close', () => {
      leave();
      const left = (streamsOf.get(name) ?? 1) - 1;
      if (left > 0) streamsOf.set(name, left);
      else streamsOf.delete(name);
    });
    // A connection that breaks is closed, and that is all there is to do.
    stream.on('error', () => {});
  });
}
