// @long
// Every reading is accounted for: what came by all doors, good, twice and refused, is in the ledger, in the accounts of
// sessions, and in the store, and all three agree; while the store merges, and after a kill.
import { socketSecret, writeSignedLine } from '@loadline/sdk/socket';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from '../inhabited/caller.ts';
import { until } from '../rig/index.ts';
import { freeSocketPorts } from '../system/index.ts';
import { LineClient } from '../system/line-client.ts';
import { connectGateway, enrolIdentity } from '../system/mqtt-gateway.ts';
import { batchMaker } from './batches.ts';
import { cloudCommand } from './cloud-command.ts';
import { deviceLink, openLine } from './device-doors.ts';
import { takeInSoftware } from './software-device.ts';
import { allRows, openStateDatabase } from './state-database.ts';
import { temporaryCloud } from './temporary-cloud.ts';

const [hut, mast] = ['hut', 'mast-1'];

/** Deliveries by each door: more than are merged at once. */
const rounds = 40;

test('what came by all doors is in the ledger, the accounts and the store, and they agree', async () => {
  const temporary = await temporaryCloud({ sockets: freeSocketPorts });
  try {
    const { cloud, state } = temporary;
    const { organisation } = cloud;
    await organisation.patchOrganisation({ body: { sockets: 'all' } });
    const {
      token,
      key,
      'socket-token': socketToken,
      'socket-key': socketKey,
    } = await takeInSoftware(cloud, hut);

    const gateway = await connectGateway(cloud.mqttPort, await enrolIdentity(cloud, mast));
    const batch = batchMaker({ readings: 50, series: 3 });
    const link = await deviceLink(cloud, hut, key);
    const caller = new Caller({ cloud });
    const post = async (body: string, name: string) => {
      const headers = {
        'x-auth-token': token.secret,
        'content-type': 'application/json',
        'idempotency-key': `"${name}"`,
      };
      return (await caller.send({ method: 'POST', path: '/ingest/v1', headers, body })).status;
    };
    const lines = await LineClient.tcp(cloud.socketPorts.tcp);
    const secret = socketSecret(socketKey.secret);
    const tls = await openLine(cloud, 'tls', `LL1 ${socketToken.secret} tls=1`);

    // Of the device, readings: stored, duplicate; of it and of the gateway, deliveries that are refused.
    const sent = {
      stored: 1,
      duplicate: 0,
      refused: 0,
      gatewayStored: 0,
      gatewayDuplicate: 0,
      gatewayRefused: 0,
    };
    for (let round = 0; round < rounds; round++) {
      const bytes = Buffer.from(batch());
      await gateway.publishAsync(`v1/gw/${mast}/telemetry`, bytes, { qos: 1 });
      sent.gatewayStored += 50;
      assert.is(await post(`{"temp":${round},"hum":40}`, `post ${round}`), 200);
      await link.client.publishAsync(
        `v1/dev/${hut}/json`,
        `{"volt":{"value":${round},"timestamp":${Date.now()}}}`,
        {
          qos: 1,
        },
      );
      assert.is(await lines.ask(`LL1 ${socketToken.secret} #r${round} level=${round}`), `OK 1 #r${round}`);
      const signed = writeSignedLine({ id: socketKey.id, secret }, round, [{ name: 'flow', value: round }]);
      assert.match(await lines.ask(signed), 'OK 1');
      sent.stored += 5;
      if (round % 4 > 0) continue;
      await gateway.publishAsync(`v1/gw/${mast}/telemetry`, bytes, { qos: 1 });
      sent.gatewayDuplicate += 50;
      assert.is(await post(`{"temp":${round},"hum":40}`, `post ${round}`), 200);
      assert.match(await lines.ask(`LL1 ${socketToken.secret} #r${round} level=${round}`), 'OK dup');
      assert.match(await lines.ask(signed), 'OK dup');
      sent.duplicate += 4;
      assert.is(await post('{"temp":', 'broken'), 400);
      assert.is(await post('{"temp":-1}', `post ${round}`), 422);
      await link.client.publishAsync(`v1/dev/${hut}/json`, 'no json', { qos: 1 });
      assert.match(await lines.ask(`LL1 ${socketToken.secret} level=no-number`), 'ERR');
      sent.refused += 4;
      await gateway.publishAsync(`v1/gw/${mast}/telemetry`, 'no batch', { qos: 1 });
      sent.gatewayRefused += 1;
    }

    const merged = () => {
      const database = openStateDatabase(state);
      const count = allRows(database).get('chunk')?.length ?? 0;
      database.close();
      return count > 0;
    };
    await until(merged, { limitMs: 30_000, what: 'something merged' });

    const own = await organisation.getLedger({ device: hut });
    assert.equal([own.readings.stored, own.readings.duplicate], [sent.stored, sent.duplicate]);
    assert.is(own.deliveries.rejected, sent.refused);
    const theirs = await organisation.getLedger({ device: mast });
    assert.equal(
      [theirs.readings.stored, theirs.readings.duplicate, theirs.deliveries.rejected],
      [sent.gatewayStored, sent.gatewayDuplicate, sent.gatewayRefused],
    );
    const all = await organisation.getOrganisationLedger();
    assert.equal(all.unbalanced, []);
    assert.is(all.readings.received, all.readings.stored + all.readings.duplicate + all.readings.rejected);

    // Ends every session in order: their accounts are written.
    gateway.end(true);
    link.close();
    lines.close();
    tls.close();
    caller.close();
    await temporary.restart(() => agree(state));
    await temporary.cloud.service.stop('SIGKILL');
    await agree(state);
  } finally {
    await temporary.end();
  }
});

/** The store's ledger agrees with what is in it, the accounts with their records, and both with each other. */
async function agree(state: string): Promise<void> {
  const ledger = await cloudCommand('ledger', 'check', '--state', state);
  assert.is(ledger.code, 0, ledger.out + ledger.err);
  const accounting = await cloudCommand('accounting', 'check', '--state', state, '--json');
  assert.is(accounting.code, 0, accounting.out + accounting.err);
  const { faults, uncounted, sums } = JSON.parse(accounting.out);
  assert.equal([faults, uncounted], [[], []]);
  assert.ok(sums >= 3, accounting.out);
}

test.run();
