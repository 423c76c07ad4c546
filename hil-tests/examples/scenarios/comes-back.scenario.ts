import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  LineRecorder,
  loadTransmitter,
  Program,
  VirtualBaseStation,
  VirtualPort,
  VirtualRadio,
} from '@loadline/hil-tests';
import { scenario } from '@loadline/hil-tests/scenario';

export default scenario({
  about: 'My gateway is led by the link of its adapter, and not by the number that the kernel gave it.',
  async play({ given, when, then, artefacts }) {
    await using port = await given('an adapter with a base station', () => VirtualPort.open());
    using radio = await given('a load cell that sends ten times a second, all of it recorded', () => {
      const write = (line: string) => appendFileSync(join(artefacts, 'radio.hex'), line);
      const station = new VirtualBaseStation(new LineRecorder({ write }).tap(port));
      return new VirtualRadio(station, [loadTransmitter({ tag: 0x1a2b, intervalMs: 100 })]);
    });
    await using gateway = await given('my gateway, which has heard it', async () => {
      radio.start();
      const program = new Program(process.execPath, ['gateway.ts', port.path]);
      await program.said(/^1A2B /, { times: 3 });
      return program;
    });
    const before = port.device;
    await when('the adapter is pulled out and comes back under another number', () => port.renumber());
    await then('my gateway hears it again, at its new number', async () => {
      await gateway.says(/^1A2B /, { times: 3 });
      assert.notEqual(port.device, before);
      assert.ok(gateway.lines.includes(`radio found: ${port.device}`));
    });
  },
});
