// @long
import { connect } from 'node:net';
import { gatewayTopic, limits } from '@loadline/sdk/contract';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type FleetLimits, usualLimits } from '../limits/index.ts';
import { health } from '../store/test-store.ts';
import { type Doors, openDoors, ours, until, Wire } from './test-doors.ts';
import { ask, takeIn } from './test-software.ts';

/** Doors with these limits, for as long as `use` runs. */
async function withLimits(
  over: { readonly [K in keyof FleetLimits]?: Partial<FleetLimits[K]> | FleetLimits[K] },
  use: (doors: Doors) => Promise<void>,
): Promise<void> {
  const parts = Object.entries(over).map(([name, value]) => {
    const usual = usualLimits[name as keyof FleetLimits];
    return [name, typeof usual === 'object' ? { ...usual, ...(value as object) } : value];
  });
  const doors = await openDoors({ limits: { ...usualLimits, ...Object.fromEntries(parts) } });
  try {
    await use(doors);
  } finally {
    await doors.close();
  }
}

const json = 'application/json';

/** Delivers over HTTPS; status, code, and the headers that say of limits. */
async function deliver(doors: Doors, secret: string, body = '{"a":1}') {
  const {
    status,
    body: said,
    headers,
  } = await ask(doors, { 'x-auth-token': secret, 'content-type': json }, body);
  const { 'retry-after': retryAfter, ratelimit, 'ratelimit-policy': policy } = headers;
  return {
    status,
    code: (said as { code?: string }).code,
    retryAfter: Number(retryAfter),
    ratelimit,
    policy,
  };
}

test('a link that sends too much hears so, is slowed, and loses nothing; its pings are answered all the while', async () => {
  await withLimits({ burstSeconds: 1, device: { messagesPerSecond: 4 } }, async (doors) => {
    const wire = await Wire.open(doors, await doors.prove(ours), ours);
    const topic = gatewayTopic(ours, 'health');
    const sent = Array.from({ length: 14 }, (_, at) => at + 1);
    for (const id of sent) wire.publish(topic, health, id);
    wire.send({ cmd: 'pingreq' });
    const notice = await wire.heard(gatewayTopic(ours, 'notice'));
    assert.is(notice.code, 'rate-limited');
    assert.match(String(notice.detail), /device-messages.*try again in 1 s.*nothing of it is lost/);
    // While it is slowed a ping is answered that comes behind what waits.
    wire.publish(topic, health, 99);
    wire.send({ cmd: 'pingreq' });
    await wire.got('pingresp', 2);
    const before = wire.packets.filter(({ cmd }) => cmd === 'puback').length;
    assert.ok(before < sent.length, `${before} were acknowledged before the limit let them in`);
    const acknowledged = await wire.got('puback', sent.length + 1);
    assert.equal(
      acknowledged.map((one) => one.cmd === 'puback' && one.messageId),
      [...sent, 99],
    );
    assert.is(wire.on(gatewayTopic(ours, 'notice')).length, 1, 'told once');
    assert.not(wire.socket.destroyed);
    const ledger = await doors.organisation.getLedger({ device: ours });
    assert.is(ledger.deliveries.rejected, 0);
    wire.socket.destroy();
  });
});

test('a link that is slowed for longer than its keepalive stands, and so does one that fills what is read of it', async () => {
  await withLimits({ burstSeconds: 1, device: { messagesPerSecond: 0.2 } }, async (doors) => {
    const proof = await doors.prove(ours);
    const wire = new Wire({ port: doors.mqtt.port, ca: doors.authorityPem, ...proof });
    wire.send({
      ...{ cmd: 'connect', clientId: ours, clean: true, keepalive: 1 },
      ...{ protocolId: 'MQTT', protocolVersion: 4 },
    });
    await wire.got('connack');
    const topic = gatewayTopic(ours, 'health');
    wire.publish(topic, health, 1);
    const flood = Math.ceil((3 * limits.mqttSlowedBytes) / JSON.stringify(health).length);
    for (let id = 2; id < flood; id++) wire.publish(topic, health, id);
    // It may send no more than these: whatever comes behind them is not read.
    await wire.got('puback', 2);
    assert.not(wire.socket.destroyed, 'five seconds are more than a keepalive and a half of one second');
    await wire.got('pingresp');
    wire.socket.destroy();
  });
});

test('HTTPS answers 429 with when to try again, says always what is left, and keeps nothing of what it put off', async () => {
  await withLimits({ burstSeconds: 1, device: { messagesPerSecond: 2 } }, async (doors) => {
    const { token } = await takeIn(doors, 'logger');
    const first = await deliver(doors, token.secret);
    assert.is(first.status, 200);
    assert.match(String(first.policy), /^"device-messages";q=2;w=1$/);
    assert.match(String(first.ratelimit), /^"device-messages";r=[01];t=1$/);
    const answers = await Promise.all(Array.from({ length: 8 }, () => deliver(doors, token.secret)));
    const limited = answers.filter(({ status }) => status === 429);
    assert.ok(limited.length >= 4, `${limited.length} of 8`);
    for (const one of limited) {
      assert.equal([one.code, one.retryAfter], ['rate-limited', 1]);
      assert.match(String(one.ratelimit), /r=0/);
    }
    const taken = 1 + answers.length - limited.length;
    const ledger = await doors.organisation.getLedger({ device: 'logger' });
    assert.equal([ledger.deliveries.received, ledger.deliveries.rejected], [taken, 0]);
    await until(async () => (await deliver(doors, token.secret)).status === 200, 'the bucket to fill');
    await doors.accounting.flush();
    const [used] = await doors.store.read('usage', {
      ...{ organisation: 'first', by: 'device', per: 'total', from: 0, to: 1e6, limit: 9 },
    });
    assert.ok(used);
    assert.ok(
      used.limited >= limited.length && used.messagesIn >= taken && used.readings === used.messagesIn,
    );
  });
});

test('a quota that is used up is told with when it begins anew, of the device and of the organisation alike', async () => {
  await withLimits(
    { device: { readingsPerDay: 3 }, organisation: { messagesPerMonth: 5 } },
    async (doors) => {
      const logger = await takeIn(doors, 'logger');
      const other = await takeIn(doors, 'other');
      assert.is((await deliver(doors, logger.token.secret, '{"a":1,"b":2,"c":3}')).status, 200);
      const over = await deliver(doors, logger.token.secret);
      assert.equal([over.status, over.code], [429, 'quota-exceeded']);
      const now = Date.now() / 1000;
      const midnight = (Math.floor(now / 86_400) + 1) * 86_400;
      assert.ok(Math.abs(now + over.retryAfter - midnight) < 5, `${over.retryAfter} s`);
      assert.match(String(over.ratelimit), /^"device-readings-per-day";r=0;t=\d+$/);
      for (let sent = 0; sent < 4; sent++) {
        const body = sent < 3 ? '{"a":1}' : '{}';
        if (sent < 3) assert.is((await deliver(doors, other.token.secret, body)).status, 200);
      }
      doors.metering.set('device', 'other', { readingsPerDay: null });
      assert.is((await deliver(doors, other.token.secret)).status, 200, 'another limit holds at once');
      const whole = await deliver(doors, other.token.secret);
      assert.equal([whole.code, whole.ratelimit], ['quota-exceeded', whole.ratelimit]);
      assert.match(String(whole.ratelimit), 'organisation-messages-per-month');
    },
  );
});

test('who looks takes nothing from who delivers, nor the other way round', async () => {
  const slow = { messagesPerSecond: 3, requestsPerSecond: 3 };
  await withLimits({ burstSeconds: 2, organisation: slow }, async (doors) => {
    const { token } = await takeIn(doors, 'logger');
    await doors.organisation.listDevices().catch(() => undefined);
    const looks = await Promise.allSettled(
      Array.from({ length: 20 }, () => doors.organisation.listDevices()),
    );
    const refused = looks.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    assert.ok(refused.length > 8, `${refused.length} of 20 were put off`);
    assert.is(refused[0].code, 'rate-limited');
    assert.is((await deliver(doors, token.secret)).status, 200, 'the device delivers');
    await until(
      async () => (await deliver(doors, token.secret)).status === 429,
      'the organisation to deliver too much',
    );
    await until(
      () =>
        doors.organisation.listDevices().then(
          () => true,
          () => false,
        ),
      'a look',
    );
  });
});

test('a link of which a quota of time is used up is told so, and ends', async () => {
  await withLimits({ device: { connectionMinutesPerDay: 60 } }, async (doors) => {
    const proof = await doors.prove(ours);
    // Noon of the next day: an hour later it is the same day, whenever this runs.
    doors.clock.offset += 129_600_000 - (Date.now() % 86_400_000);
    const wire = await Wire.open(doors, proof, ours);
    doors.clock.offset += 3_600_000;
    doors.accounting.tick();
    doors.metering.tick();
    const notice = await wire.heard(gatewayTopic(ours, 'notice'));
    assert.equal(
      [notice.code, /device-connection-time-per-day/.test(String(notice.detail))],
      ['quota-exceeded', true],
    );
    await wire.ended();
    const again = await Wire.open(doors, proof, ours);
    assert.is((await again.heard(gatewayTopic(ours, 'notice'))).code, 'quota-exceeded');
    await again.ended();
    await doors.accounting.flush();
    const records = await doors.store.read('accountingRecords', {
      ...{ organisation: 'first', from: 0, to: Number.MAX_SAFE_INTEGER, limit: 99, subjectKind: 'device' },
    });
    assert.equal(
      records.flatMap(({ cause }) => cause ?? []),
      ['quota'],
    );
  });
});

test('connections of one address are counted for all doors together, and those that are too many closed', async () => {
  const address = { exempt: [], connections: 4, connectionsPerMinute: 1000 };
  await withLimits({ address }, async (doors) => {
    const open = (port: number) => {
      const socket = connect({ port, host: 'localhost' });
      const state = { socket, isClosed: false };
      socket.on('error', () => {});
      socket.on('close', () => {
        state.isClosed = true;
      });
      return state;
    };
    const before = doors.arrivals.counts.open;
    assert.ok(before < 4, 'the client of the tests has one');
    const taken = Array.from({ length: 4 - before }, (_, at) =>
      open(at % 2 ? doors.mqtt.port : doors.https.port),
    );
    await until(() => doors.arrivals.counts.open === 4, 'as many as may be');
    const [mqtt, https] = [open(doors.mqtt.port), open(doors.https.port)];
    await until(() => mqtt.isClosed && https.isClosed, 'two that were not taken');
    assert.is(doors.arrivals.counts.refused, 2);
    assert.not(taken.some(({ isClosed }) => isClosed));
    taken[0]?.socket.destroy();
    await until(() => doors.arrivals.counts.open === 3, 'one to have gone');
    const next = open(doors.mqtt.port);
    await until(() => doors.arrivals.counts.open === 4, 'one in its place');
    for (const { socket } of [...taken, next]) socket.destroy();
  });
});

test.run();
