import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc16 } from './crc.ts';

const digits = Uint8Array.from('123456789', (digit) => digit.charCodeAt(0));

test('the CRC of 123456789 is the check value of CRC-16/MODBUS', () => {
  assert.is(crc16(digits), 0x4b37);
});

test('the CRC of nothing is its initial value', () => {
  assert.is(crc16(digits, 3, 3), 0xffff);
});

test('the CRC covers the range asked for and nothing beyond it', () => {
  const padded = Uint8Array.of(0xaa, ...digits, 0xbb);
  assert.is(crc16(padded, 1, 10), 0x4b37);
});

test.run();
