import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, parseConfig } from './index.ts';

const config = suite('configuration');

const good = `
[gateway]
id = "mast-1"
state = "state"

[uplink]
host = "cloud.example"
authority = "authority.pem"

[[ports]]
name = "radio"
path = "/dev/ttyUSB0"

[[sensors]]
tag = "25df"
name = "Mast top"
unit = "m/s"
`;

function problemsIn(text: string): string[] {
  try {
    parseConfig(text, '/etc/loadline/gateway.toml');
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as Error).message.split('\n');
  }
  return [];
}

config('fills in every default and takes relative paths from the folder of the file', () => {
  const parsed = parseConfig(good, '/etc/loadline/gateway.toml');
  assert.is(parsed.gateway.state, '/etc/loadline/state');
  assert.is(parsed.uplink.authority, '/etc/loadline/authority.pem');
  assert.is(parsed.uplink.port, 8883);
  assert.is(parsed.uplink.window_bytes, 262_144);
  assert.is(parsed.journal.max_bytes, 67_108_864);
  assert.equal(parsed.unconfigured, { sightings: 3, max_series: 64 });
  assert.equal(parsed.copies, { window_ms: 0 });
  assert.is(parsed.enrolment, undefined);
  assert.equal(parsed.ports, [{ name: 'radio', path: '/dev/ttyUSB0', baud: 115_200, protocol: 't24' }]);
  assert.equal(parsed.sensors, [{ tag: 0x25df, name: 'Mast top', unit: 'm/s', simulated: false }]);
});

config('names the key, its line and what is allowed, for several errors at once', () => {
  const text = good
    .replace('host = "cloud.example"', 'host = "cloud.example"\nport = 70000')
    .replace('path = "/dev/ttyUSB0"', 'path = "/dev/ttyUSB0"\nbaud = 115201')
    .replace('"25df"', '"25dg"');
  assert.equal(problemsIn(text), [
    '/etc/loadline/gateway.toml:8: uplink.port must be a whole number from 1 to 65535',
    '/etc/loadline/gateway.toml:14: ports[1].baud must be 9600, 19200, 38400, 57600, 115200 or 230400',
    '/etc/loadline/gateway.toml:17: sensors[1].tag must be four hex digits in quotes, such as "25DF"',
  ]);
});

config('finds the second of several tables of one kind, past long strings and nested arrays', () => {
  const text = `${good}
[[sensors]]
tag = "25E0"
name = """Mast
[[sensors]]
top""" # a comment with ] and "
unit = 'm/s'

[[sensors]]
tag = "25E1"
name = "Mast foot"
unit = "m/s"
interval_seconds = 0
`;
  assert.equal(problemsIn(text), [
    '/etc/loadline/gateway.toml:30: sensors[3].interval_seconds must be a number of seconds above 0 and up to 86400',
  ]);
});

config('refuses keys and tables it does not know, at their lines', () => {
  const text = `${good.replace('id = "mast-1"', 'id = "mast-1"\nidd = 1')}\n[journel]\nmax_bytes = 1\n`;
  assert.equal(problemsIn(text), [
    '/etc/loadline/gateway.toml:4: gateway.idd is not a key of the configuration',
    '/etc/loadline/gateway.toml:20: journel is not a key of the configuration',
  ]);
});

config('names a missing key at the line of its table, and a missing table', () => {
  assert.equal(problemsIn(good.replace('host = "cloud.example"\n', '')), [
    '/etc/loadline/gateway.toml:6: uplink.host is missing: it must be text of 1 to 253 characters, in quotes',
  ]);
  assert.match(problemsIn('')[0] ?? '', 'gateway is missing: it must be a table');
});

config('finds keys in inline tables and dotted keys', () => {
  const text = good
    .replace('[gateway]\nid = "mast-1"\n', 'copies = { window_ms = -1 }\ngateway.id = "Mast 1"\ngateway.')
    .replace('[uplink]', '[uplink]\nmax_delay_ms = 0.5');
  assert.equal(problemsIn(text), [
    '/etc/loadline/gateway.toml:2: copies.window_ms must be a whole number from 0 to 10000',
    '/etc/loadline/gateway.toml:3: gateway.id must be 1 to 64 of a-z, 0-9 and inner hyphens',
    '/etc/loadline/gateway.toml:7: uplink.max_delay_ms must be a whole number from 0 to 600000',
  ]);
});

config('refuses two ports of one name, two ports on one device, and two sensors of one tag', () => {
  const twin = `${good}
[[ports]]
name = "radio"
path = "/dev/ttyUSB0"

[[sensors]]
tag = "25DF"
name = "Other"
unit = "N"
`;
  assert.equal(problemsIn(twin), [
    '/etc/loadline/gateway.toml:20: ports[2].name must be different from every other name in this list',
    '/etc/loadline/gateway.toml:21: ports[2].path must be different from every other path in this list',
    '/etc/loadline/gateway.toml:24: sensors[2].tag must be different from every other tag in this list',
  ]);
});

config('refuses more sensors than one message to the cloud can name', () => {
  const sensors = Array.from(
    { length: 500 },
    (_, tag) =>
      `[[sensors]]\ntag = "${(tag + 0x4000).toString(16)}"\nname = "${'x'.repeat(100)}"\nunit = "N"\n`,
  );
  const [problem] = problemsIn(good + sensors.join(''));
  assert.match(problem ?? '', /gateway\.toml:14: sensors take \d+ bytes in one message to the cloud/);
});

config('never accepts a secret in the address of the enrolment server', () => {
  const text = `${good}\n[enrolment]\nurl = "https://user:secret@cloud.example"\nsecret_file = "secret"\n`;
  const [problem] = problemsIn(text);
  assert.match(problem ?? '', 'enrolment.url must not carry a user, password or query');
  assert.not.match(problem ?? '', 'user:secret');
});

config('says where text is not TOML at all', () => {
  assert.match(problemsIn(`${good}\nname = \n`)[0] ?? '', /gateway\.toml:\d+: not valid TOML: /);
});

config.run();
