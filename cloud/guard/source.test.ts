import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceOf } from './source.ts';

test('an IPv4 address is a source, also where IPv6 carries it', () => {
  for (const text of ['192.0.2.33', '::ffff:192.0.2.33', '::ffff:c000:221', '64:ff9b::192.0.2.33']) {
    assert.equal(sourceOf(text), { place: '192.0.2.33' }, text);
  }
});

test('all addresses of an IPv6 /64 are one source, in one network with the rest of the /48', () => {
  const one = { place: '2001:db8:1:2::/64', network: '2001:db8:1::/48' };
  assert.equal(sourceOf('2001:db8:1:2::1'), one);
  assert.equal(sourceOf('2001:0DB8:0001:0002:ffff:ffff:ffff:ffff'), one);
  assert.equal(sourceOf('2001:db8:1:3::1'), { place: '2001:db8:1:3::/64', network: '2001:db8:1::/48' });
  assert.equal(sourceOf('fe80::1%eth0'), { place: 'fe80::/64', network: 'fe80::/48' });
});

test('what is no address is one source and not a free one', () => {
  for (const text of ['', 'localhost', '192.0.2.256', '2001:db8::1::2']) {
    assert.equal(sourceOf(text), { place: 'unknown' }, text);
  }
});

test.run();
