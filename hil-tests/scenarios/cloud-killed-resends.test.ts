// @long
// A cloud killed in the middle of deliveries, and a client that sends again in other pieces: all is there, once.
import type { OrganisationClient } from '@loadline/sdk/client';
import { tagName } from '@loadline/sdk/t24';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SeededRandom } from '../rig/random.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { CrashingCloud } from './crashing-cloud.ts';
import { NumberedClient } from './numbered-client.ts';

const seed = 20_262;
const kills = 6;
const gatewayId = 'numbered-client';
/** The most readings that the API gives without thinning them. */
const most = 10_000;

/** Every stored value between two times, as the API gives them: in slices small enough to be whole. */
async function storedValues(organisation: OrganisationClient, from: number, to: number): Promise<number[]> {
  const range = await organisation.getReadings({
    device: gatewayId,
    series: tagName(NumberedClient.tag),
    query: { from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: most },
  });
  if (range.count <= most) return range.points.map(([, value]) => value ?? Number.NaN);
  const middle = Math.floor((from + to) / 2);
  return [
    ...(await storedValues(organisation, from, middle)),
    ...(await storedValues(organisation, middle + 1, to)),
  ];
}

/** Holds what the cloud has against what the client knows, before anything is sent again. */
async function judge(organisation: OrganisationClient, sender: NumberedClient): Promise<void> {
  const { readings, deliveries, epochs } = await organisation.getLedger({ device: gatewayId });
  const received = new Set<number>();
  for (const { first, last } of epochs.flatMap((epoch) => epoch.received)) {
    for (let number = first; number <= last; number++) {
      assert.not.ok(received.has(number), `number ${number} stands in two ranges`);
      received.add(number);
    }
  }
  const missing = [...sender.acknowledged].filter((number) => !received.has(number));
  assert.is(missing.length, 0, `were acknowledged and are not in the ledger: ${missing.slice(0, 5)} …`);

  // Number 1 is the anchor: no reading, and without it no other would have a time.
  const values = await storedValues(organisation, sender.start, sender.start + sender.last);
  const wanted = [...received].filter((number) => number !== 1).sort((a, b) => a - b);
  const wrong = wanted.findIndex((number, index) => values[index] !== number);
  assert.is(wrong, -1, `the ledger has ${wanted[wrong]} where value ${values[wrong]} is stored`);
  assert.is(values.length, wanted.length, 'no value is stored that the ledger has not');

  for (const { received, stored, duplicate, rejected } of [readings, deliveries]) {
    assert.is(received, stored + duplicate + rejected);
    assert.is(rejected, 0);
  }
  assert.is(readings.stored, values.length);
  const { published, answered } = sender.batches;
  assert.ok(answered <= deliveries.received, 'every delivery that was acknowledged is in the ledger');
  assert.ok(deliveries.received <= published, 'no delivery is in the ledger that was not made');
}

test('what a client saw acknowledged outlives each kill, and resends add nothing twice', async () => {
  const random = new SeededRandom(seed);
  const sender = new NumberedClient(gatewayId, random);
  const cloud = await CrashingCloud.start();
  try {
    const identity = await enrolIdentity(cloud.current, gatewayId);
    for (let kill = 0; kill < kills; kill++) {
      const client = await connectGateway(cloud.current.mqttPort, identity);
      const sending = sender.send(client, new AbortController().signal);
      await new Promise((resolve) => setTimeout(resolve, random.integer(20, 200)));
      await cloud.kill();
      assert.is(await sending, 'lost');
      const { organisation } = await cloud.restart();
      await judge(organisation, sender);
    }
    const { published, answered } = sender.batches;
    assert.ok(answered > 0 && answered < published, 'kills found batches on their way');

    const client = await connectGateway(cloud.current.mqttPort, identity);
    assert.is(await sender.send(client, AbortSignal.abort()), 'acknowledged');
    client.end(true);
    await judge(cloud.current.organisation, sender);
    const { epochs, readings } = await cloud.current.organisation.getLedger({ device: gatewayId });
    assert.equal(
      epochs.map(({ received }) => received),
      [[{ first: 1, last: sender.last }]],
    );
    assert.ok(readings.duplicate > 0, 'old batches came again');
  } finally {
    await cloud.end();
  }
});

test.run();
