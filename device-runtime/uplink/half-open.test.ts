// @long
// Real links whose far end falls silent. What `watch.ts` decides is tested there; here is that it is asked, and obeyed.
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FarEnd } from './far-end.ts';
import { linkTo, openFarEnd, until } from './test-links.ts';

const test = suite('half-open');

const farEnds: FarEnd[] = [];
test.after(() => {
  for (const farEnd of farEnds) farEnd.close();
});

async function open(options?: Parameters<typeof openFarEnd>[0]): Promise<FarEnd> {
  const farEnd = await openFarEnd(options);
  farEnds.push(farEnd);
  return farEnd;
}

const second = 1000;

/** Why a link ended. One that never does is told as that, and not as a file that takes too long. */
async function ending({ closed }: { readonly closed: Promise<string> }): Promise<string> {
  return await Promise.race([closed, delay(20 * second, 'it is still open', { ref: false })]);
}

/** An idle link with a keepalive of one second is asked after that, and given up five seconds later. */
async function idle(): Promise<void> {
  const farEnd = await open();
  const link = await linkTo(farEnd, { keepaliveSeconds: 1 });
  await until(() => (farEnd.connections[0]?.pings ?? 0) >= 2, 'two questions');
  const [connection] = farEnd.connections;
  if (connection) connection.deaf = true;
  const since = performance.now();
  assert.match(await ending(link), /^the link is half-open: nothing has come from the cloud for [67] s$/);
  assert.ok(performance.now() - since < 7 * second);
}

/** A publish after a silence takes a question with it, which even a cloud that commits slowly answers. */
async function busyAfterSilence(): Promise<void> {
  const farEnd = await open({ onPublish: () => {} });
  const link = await linkTo(farEnd, { keepaliveSeconds: 30 });
  await until(() => farEnd.connections[0]?.subscribed.length === 5);
  const [connection] = farEnd.connections;
  if (connection) connection.deaf = true;
  await delay(2.1 * second);
  const since = performance.now();
  const lost = link.publish('telemetry', 'abc').then(
    () => 'acknowledged',
    (error: Error) => error.message,
  );
  assert.match(await ending(link), /half-open/);
  assert.match(await lost, /half-open/);
  assert.ok(performance.now() - since < 6 * second);
}

/** A publish right behind what came is left the time a commit may take, whatever the keepalive, and no more. */
async function busy(): Promise<void> {
  const farEnd = await open({ onPublish: () => {} });
  const link = await linkTo(farEnd, { keepaliveSeconds: 60 });
  await until(() => farEnd.connections[0]?.subscribed.length === 5);
  const since = performance.now();
  link.publish('telemetry', 'abc').catch(() => {});
  assert.match(await ending(link), /half-open/);
  assert.ok(performance.now() - since < 14 * second);
}

/** A commit that takes longer than 1.5 keepalives ends nothing. */
async function slowCommit(): Promise<void> {
  const farEnd = await open({ onPublish: (_, acknowledge) => setTimeout(acknowledge, 4 * second) });
  const link = await linkTo(farEnd, { keepaliveSeconds: 1 });
  // Nor do questions the cloud does not come to: it is busy with the commit.
  await until(() => farEnd.connections[0]?.subscribed.length === 5);
  await link.publish('telemetry', 'abc');
  await link.close();
}

test('is found idle and busy, and is no slow commit', async () => {
  await Promise.all([idle(), busy(), busyAfterSilence(), slowCommit()]);
});

test.run();
