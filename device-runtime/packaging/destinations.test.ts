import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../config/index.ts';
import { destinations } from './index.ts';

const test = suite('destinations');

const placesOf = (uplink: string, more = '') => {
  const text = `
[gateway]
id = "mast-1"
state = "state"
[uplink]
host = "cloud.example"
authority = "authority.pem"
${uplink}
[[ports]]
name = "radio"
path = "/dev/null"
${more}`;
  return destinations(parseConfig(text, '/etc/loadline/gateway.toml').config).map(
    ({ host, port }) => `${host} ${port}`,
  );
};
const enrolment = (url: string) => `[enrolment]\nurl = "${url}"\nsecret_file = "secret"\n`;

test('the cloud on both its ports, and the enrolment server', () => {
  assert.equal(placesOf(''), ['cloud.example 8883']);
  assert.equal(placesOf('fallback_port = 443', enrolment('https://est.example:8443')), [
    'cloud.example 8883',
    'cloud.example 443',
    'est.example 8443',
  ]);
  assert.equal(placesOf('', enrolment('https://[2001:db8::1]')), ['cloud.example 8883', '2001:db8::1 443']);
});

test('with a proxy the cloud itself is not contacted', () => {
  assert.equal(placesOf('proxy = { url = "http://proxy.example:3128" }'), ['proxy.example 3128']);
  assert.equal(placesOf('proxy = { url = "http://proxy.example:80" }', enrolment('https://est.example')), [
    'proxy.example 80',
  ]);
  assert.equal(placesOf('proxy = { url = "socks5://[::1]:1080" }'), ['::1 1080']);
});

test.run();
