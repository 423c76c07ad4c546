// The ten lines of the README.
import { test } from 'node:test';
import { loadTransmitter, Program, VirtualBaseStation, VirtualPort, VirtualRadio } from '@loadline/hil-tests';

test('my gateway finds its radio again when it was pulled out and put back', async () => {
  await using port = await VirtualPort.open();
  const station = new VirtualBaseStation(port);
  using radio = new VirtualRadio(station, [loadTransmitter({ tag: 0x1a2b, intervalMs: 50 })]);
  await using gateway = new Program('node', ['gateway.ts', port.path]);
  radio.start();
  await gateway.said(/^1A2B /, { times: 10 });
  await port.unplug();
  await gateway.said(/^radio lost/);
  await port.replug();
  await gateway.says(/^1A2B /, { times: 10 });
});
