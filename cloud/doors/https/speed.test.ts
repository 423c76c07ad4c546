import rateLimit from '@fastify/rate-limit';
import fastify from 'fastify';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { speedLimit } from './speed.ts';

const test = suite('the limit of requests');

test('counts an IPv4 address, and a /64 of IPv6 as one, however the address is written', async () => {
  const app = fastify();
  await app.register(rateLimit, { ...speedLimit, max: 2 });
  app.get('/', () => 'done');
  const status = async (remoteAddress: string) => (await app.inject({ url: '/', remoteAddress })).statusCode;
  const asked = [
    ['2001:db8:0:1::1', 200],
    ['2001:db8:0:1:ffff:ffff:ffff:ffff', 200],
    ['2001:db8:0:1::2', 429],
    ['2001:db8:0:2::1', 200],
    ['192.0.2.7', 200],
    ['::ffff:192.0.2.7', 200],
    ['192.0.2.7', 429],
    ['192.0.2.8', 200],
  ] as const;
  for (const [address, expected] of asked) assert.is(await status(address), expected, address);
  await app.close();
});

test.run();
