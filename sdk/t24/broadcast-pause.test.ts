import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { commands, decodePacket, encodeFrame, encodePacket, everyModule, type Packet } from './index.ts';

const none = { dataType: 0, value: { type: 'none' } } as const;
const refusal = (error: Error): boolean => 'code' in error && error.code === 'broadcast-pause';

test('no packet that pauses every module can be made, whatever its flags and data', () => {
  for (const flags of [0, 0x20, 0xe0]) {
    const pause: Packet = { kind: 'write', flags, to: everyModule, command: commands.pause, ...none };
    assert.throws(() => encodePacket(pause), refusal);
    assert.throws(
      () => encodePacket({ ...pause, dataType: 1, value: { type: 'uint8', value: 1 } } as Packet),
      refusal,
    );
    assert.throws(
      () => encodePacket({ kind: 'read', flags, to: everyModule, command: commands.pause }),
      refusal,
    );
  }
});

test('no frame can carry one that was made elsewhere', () => {
  const bytes = Uint8Array.of(0x06, 0xff, 0xff, 0xff, 57, 0);
  assert.throws(() => encodeFrame(1, bytes), refusal);
  const padded = Uint8Array.of(...bytes, 0);
  assert.is(decodePacket(padded).kind, 'malformed');
  assert.throws(() => encodePacket(decodePacket(padded)), refusal);
});

test('one that was overheard is named for what it is', () => {
  const heard = decodePacket(Uint8Array.of(0x06, 0xff, 0xff, 0xff, 57, 0));
  assert.equal(heard, { kind: 'write', flags: 0, to: everyModule, command: commands.pause, ...none });
});

test('pausing one module, and every other command to all of them, can be made', () => {
  encodePacket({ kind: 'write', flags: 0, to: 0xabcdef, command: commands.pause, ...none });
  for (const command of Object.values(commands)) {
    if (command === commands.pause) continue;
    encodePacket({ kind: 'write', flags: 0, to: everyModule, command, ...none });
  }
});

test.run();
