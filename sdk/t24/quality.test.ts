import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { correlation, linkQuality, linkQualityPercent, rssiDecibels } from './index.ts';

test('the RSSI byte is a signed offset from -45 dB', () => {
  assert.is(rssiDecibels(0xfb), -50);
  assert.is(rssiDecibels(0), -45);
  assert.is(rssiDecibels(0x7f), 82);
  assert.is(rssiDecibels(0x80), -173);
});

test('the correlation leaves out the top bit of its byte', () => {
  assert.is(correlation(0xe8), 104);
  assert.is(correlation(0x68), 104);
});

test('LQI weighs signal and correlation alike', () => {
  assert.is(linkQuality(0xfb, 0xe8), ((94 - 50 + (104 - 55)) / 2) * 3.9);
});

test('percent is the usable range of LQI, clamped', () => {
  // -45 dB - 49 = -94 dB and a correlation of 55: LQI 0.
  assert.is(linkQuality(0xcf, 55), 0);
  assert.is(linkQualityPercent(0xcf, 55), 0);
  assert.is(linkQualityPercent(0xfb, 0xe8), 100);
  // LQI 89.7 is in the middle of 50..128, almost.
  assert.is(Math.round(linkQualityPercent(0xcf, 101)), 51);
});

test.run();
