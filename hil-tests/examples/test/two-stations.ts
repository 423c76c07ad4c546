// Two base stations hear one transmitter, by adapters that name themselves alike: the near one all of it, the far one what
// gets through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  loadTransmitter,
  Program,
  SimulatedClock,
  until,
  VirtualAir,
  VirtualBaseStation,
  VirtualDevices,
  VirtualRadio,
} from '@loadline/hil-tests';

test('my gateways hear one crane from two places, each by the socket of its adapter', async () => {
  const clock = new SimulatedClock();
  await using devices = await VirtualDevices.open();
  // One link by id for both, since neither has a serial number; what tells them apart is the socket.
  const ports = [await devices.plugIn(), await devices.plugIn()] as const;
  const near = new VirtualBaseStation(ports[0], { clock, address: 1 });
  const far = new VirtualBaseStation(ports[1], { clock, address: 2 });
  const crane = loadTransmitter({ tag: 0x1a2b, intervalMs: 200, seed: 7 });
  const air = new VirtualAir({ seed: 7 });
  air.place(crane, { x: 0, y: 0 });
  air.place(near, { x: 5, y: 0 });
  air.place(far, { x: 0, y: 110 });
  using radio = new VirtualRadio([near, far], [crane], { clock, air });

  await using nearGateway = new Program('node', ['gateway.ts', devices.socketed(ports[0])]);
  await using farGateway = new Program('node', ['gateway.ts', devices.socketed(ports[1])]);
  for (const gateway of [nearGateway, farGateway]) await gateway.said(/^radio found/);
  const told = (gateway: Program) => gateway.lines.filter((line) => line.startsWith('1A2B '));
  const listen = async (minutes: number) => {
    radio.start();
    await clock.advance(minutes * 60_000);
    radio.stop();
    // What was sent last is still on the air or on the line.
    await clock.advance(100);
    await until(() => told(nearGateway).length === near.framesSent, {
      what: 'all that is heard near is told',
    });
    await until(() => told(farGateway).length === far.framesSent, { what: 'all that is heard far is told' });
  };

  await listen(1);
  assert.equal(told(nearGateway).length, 300);
  const atFar = air.countsAt(far);
  assert.ok(atFar.heard > 50 && atFar.faded > 50, 'far away some of it is too weak');
  assert.equal(atFar.heard + atFar.faded, 300);
  assert.ok(told(farGateway).every((line) => told(nearGateway).includes(line)));

  const driveAway = air.obstruct({ decibels: 20, to: far });
  await listen(1);
  assert.equal(told(farGateway).length, atFar.heard, 'behind a lorry nothing is heard');
  driveAway();
  await listen(1);
  assert.ok(told(farGateway).length > atFar.heard);
});
