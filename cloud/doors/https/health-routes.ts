import type { FastifyInstance, FastifyReply } from 'fastify';
import { speedLimit } from './speed.ts';

/**
 * For whoever sends requests to one of several clouds, or starts one again that is stuck: `/healthz` answers while the
 * process does, `/readyz` with 503 while it takes no deliveries. Nobody logs in for that, so it is a word and no more: why
 * is told on the loopback listener (`cloud/operations`).
 */
export function healthRoutes(app: FastifyInstance, { isReady }: { isReady: () => Promise<boolean> }): void {
  const open = { config: { opens: 'public', rateLimit: speedLimit } } as const;
  app.get('/healthz', open, (_request, reply) => word(reply, 200, 'ok'));
  app.get('/readyz', open, async (_request, reply) =>
    (await isReady()) ? word(reply, 200, 'ready') : word(reply, 503, 'not-ready'),
  );
}

function word(reply: FastifyReply, status: 200 | 503, text: string): FastifyReply {
  return reply
    .status(status)
    .header('cache-control', 'no-store')
    .type('text/plain; charset=utf-8')
    .send(`${text}\n`);
}
