import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Doors } from './doors.ts';
import type { Link } from './link.ts';

const never = new AbortController().signal;

/** Ports that answer; what was tried. */
function site(answering: Set<number>) {
  const tried: number[] = [];
  const attempt = async (port: number): Promise<Link> => {
    tried.push(port);
    if (!answering.has(port)) throw new Error(`nothing listens on ${port}`);
    return { port } as never;
  };
  return { tried, attempt };
}

test('the other port is tried in turn, and the one that answered comes first from then on', async () => {
  const answering = new Set([443]);
  const { tried, attempt } = site(answering);
  const doors = new Doors(8883, 443);
  await doors.connect(attempt, never);
  assert.equal(tried, [8883, 443]);
  await doors.connect(attempt, never);
  assert.equal(tried, [8883, 443, 443]);
  answering.delete(443);
  answering.add(8883);
  await doors.connect(attempt, never);
  assert.equal(tried.slice(3), [443, 8883]);
});

test('without an answer the reasons of all are told, and said once where they are one', async () => {
  const { attempt } = site(new Set());
  const told = await new Doors(8883, 443).connect(attempt, never).catch((error: Error) => error.message);
  assert.is(told, 'nothing listens on 8883; nothing listens on 443');
  const same = () => Promise.reject(new Error('no DNS'));
  assert.is(await new Doors(8883, 443).connect(same, never).catch((error: Error) => error.message), 'no DNS');
});

test('one port is tried once, and an attempt that was ended goes no further', async () => {
  const { tried, attempt } = site(new Set());
  await new Doors(8883, undefined).connect(attempt, never).catch(() => {});
  await new Doors(8883, 8883).connect(attempt, never).catch(() => {});
  await new Doors(8883, 443).connect(attempt, AbortSignal.abort()).catch(() => {});
  assert.equal(tried, [8883, 8883, 8883]);
});

test.run();
