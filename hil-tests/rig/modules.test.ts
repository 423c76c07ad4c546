// Modules that answer commands: tried by a host that frames and reads with the codec.
import { decodePacket, encodeFrame, encodePacket, Framer, powerPacket } from '@loadline/sdk/t24';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VirtualBaseStation } from './base-station.ts';
import { type ModuleAnswer, VirtualModules } from './modules.ts';
import { until } from './until.ts';

const test = suite('virtual modules');

/** A host, its base station and modules, without a port between them. */
function plant(answer?: (to: number) => ModuleAnswer) {
  const framer = new Framer();
  const answers: string[] = [];
  const station = new VirtualBaseStation(
    {
      async write(bytes) {
        for (const framed of framer.push(bytes)) {
          if (framed.kind !== 'frame') throw new Error('noise');
          const packet = decodePacket(framed.packet);
          answers.push(`${framed.base} ${packet.kind} ${'from' in packet ? packet.from : ''}`);
        }
      },
    },
    { address: 2, speed: { kind: 'as-fast-as-it-goes' } },
  );
  let toStation: (bytes: Uint8Array) => void = () => {};
  const onData = (listener: (bytes: Uint8Array) => void) => {
    toStation = listener;
    return () => {
      toStation = () => {};
    };
  };
  const modules = new VirtualModules(station, { onData }, answer ? { answer } : {});
  return { modules, answers, say: (bytes: Uint8Array) => toStation(bytes) };
}

const wake = (to: number, base = 2) => encodeFrame(base, encodePacket(powerPacket('wake', to)));

test('answer as they are told, each to its own command', async () => {
  const kinds = ['ack', 'nak', 'timeout', 'dataInvalid'] as const;
  const { modules, answers, say } = plant((to) => kinds[to] ?? 'silence');
  for (const to of [0, 1, 2, 3, 4]) say(wake(to));
  await until(() => answers.length === 4);
  assert.equal(answers, ['2 ack 0', '2 nak 1', '2 timeout 2', '2 dataInvalid 3']);
  assert.equal(modules.received[4], {
    base: 2,
    packet: powerPacket('wake', 4),
    hex: '060000043200',
  });
});

test('take a frame in pieces; note what is none, and what is for another base or for all, and do not answer it', async () => {
  const { modules, answers, say } = plant();
  const all = { ...powerPacket('wake', 1), to: 0xffffff };
  const bytes = Buffer.concat([
    wake(7, 3),
    Uint8Array.of(1, 2, 3),
    encodeFrame(2, encodePacket(all)),
    wake(8),
  ]);
  for (const byte of bytes) say(Uint8Array.of(byte));
  await until(() => answers.length === 1);
  assert.equal(answers, ['2 ack 8']);
  assert.equal(
    modules.received.map(({ base, packet }) => [base, 'to' in packet ? packet.to : undefined]),
    [
      [3, 7],
      [2, 0xffffff],
      [2, 8],
    ],
  );
  assert.is(modules.noiseBytes, 3);
  {
    using ended = modules;
    assert.is(ended.received.length, 3);
  }
  say(wake(9));
  assert.is(modules.received.length, 3);
});

test.run();
