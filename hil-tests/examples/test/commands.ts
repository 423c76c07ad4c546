// Commands to modules, and what comes back by the base station: an acknowledgement, a refusal, or that nobody answered.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  loadTransmitter,
  type ModuleAnswer,
  Program,
  SimulatedClock,
  until,
  VirtualBaseStation,
  VirtualModules,
  VirtualPort,
  VirtualRadio,
} from '@loadline/hil-tests';

test('my program wakes a module that sleeps', async () => {
  const clock = new SimulatedClock();
  await using port = await VirtualPort.open();
  const station = new VirtualBaseStation(port, { clock });
  const load = loadTransmitter({ tag: 0x1a2b, id: 0xf01a2b });
  using radio = new VirtualRadio(station, [load], { clock });
  using modules = new VirtualModules(station, port, { radio });
  radio.start();
  load.setMode('asleep');
  await using program = new Program('node', ['wake.ts', port.path, 'F01A2B']);
  await until(() => modules.received.length === 1, { what: 'the command' });
  assert.equal(load.mode, 'asleep', 'it has not looked yet whether it is to wake');
  await clock.advance(3100);
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.equal(load.mode, 'running');
});

/** What comes back of each command in turn, what my program says in the end, and of how many commands. */
const stories: readonly (readonly [ModuleAnswer[], string, number])[] = [
  [['timeout', 'timeout', 'ack'], 'F01A2B is awake', 3],
  [['timeout', 'timeout', 'timeout'], 'F01A2B did not answer', 3],
  [['nak'], 'F01A2B refuses: nak', 1],
  [[{ kind: 'ack', from: 0xbadbad }, 'ack'], 'F01A2B is awake', 2],
];

for (const [answers, words, commands] of stories) {
  const what = answers.map((answer) => (typeof answer === 'string' ? answer : 'the ack of another'));
  test(`my program says that ${words}: ${what.join(', ')}`, async () => {
    await using port = await VirtualPort.open();
    using modules = new VirtualModules(new VirtualBaseStation(port), port, {
      answer: () => answers.shift(),
    });
    await using program = new Program('node', ['wake.ts', port.path, 'F01A2B']);
    await program.said(new RegExp(`^${words}$`));
    assert.equal(modules.received.length, commands);
  });
}
