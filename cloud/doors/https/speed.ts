import type { FastifyRequest } from 'fastify';
import { sourceOf } from '../../guard/index.ts';

/** Requests a minute that one source may send, where nothing else is said. */
const requestsPerMinute = 1200;

/** How quickly one source may ask: of IPv6 a /64 is one, or whoever has one could ask from 2^64 addresses. */
export const speedLimit = {
  max: requestsPerMinute,
  timeWindow: '1 minute',
  keyGenerator: ({ ip }: Pick<FastifyRequest, 'ip'>) => sourceOf(ip).place,
};
