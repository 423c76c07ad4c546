import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Config, ConfigError, parseConfig, withDesired } from './index.ts';

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
  const parsed = parseConfig(good, '/etc/loadline/gateway.toml').config;
  assert.is(parsed.gateway.state, '/etc/loadline/state');
  assert.is(parsed.uplink.authority, '/etc/loadline/authority.pem');
  assert.is(parsed.uplink.port, 8883);
  assert.is(parsed.uplink.window_bytes, 2_097_152);
  assert.equal(parsed.journal, { max_bytes: 268_435_456, flush_seconds: 1 });
  assert.is(parsed.control.socket, '/etc/loadline/state/control.sock');
  assert.is(parsed.clock.saved_file, '/var/lib/systemd/timesync/clock');
  assert.equal(parsed.unconfigured, { sightings: 3, max_series: 64 });
  assert.equal(parsed.copies, { window_ms: 0 });
  assert.is(parsed.enrolment, undefined);
  assert.equal(parsed.ports, [
    { name: 'radio', path: '/dev/ttyUSB0', baud: 115_200, driver: 't24', options: {}, transmit: false },
  ]);
  assert.equal(parsed.sensors, [
    {
      tag: 0x25df,
      name: 'Mast top',
      unit: 'm/s',
      profile: 'plain',
      gain: 1,
      offset: 0,
      send: { policy: 'every' },
      simulated: false,
    },
  ]);
  assert.equal(parsed.derived, []);
});

config('names the key, its line and what is allowed, for several errors at once', () => {
  const text = good
    .replace('host = "cloud.example"', 'host = "cloud.example"\nport = 70000')
    .replace('path = "/dev/ttyUSB0"', 'path = "/dev/ttyUSB0"\nbaud = 115201')
    .replace('"25df"', '"25dg"');
  assert.equal(problemsIn(text), [
    '/etc/loadline/gateway.toml:8: uplink.port must be a whole number from 1 to 65535',
    '/etc/loadline/gateway.toml:14: ports[1].baud must be 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400 or 460800',
    '/etc/loadline/gateway.toml:17: sensors[1].tag must be four hex digits in quotes, such as "25DF"',
  ]);
});

config('says when and how fast updates may come, and takes no other form of it', () => {
  const parsed = parseConfig(good, '/etc/loadline/gateway.toml').config;
  assert.equal(parsed.update, { enabled: true });
  const text = `${good}\n[update]\nwindow = "23:00-01:00"\nbytes_per_second = 20_000\n`;
  const { update } = parseConfig(text, '/etc/loadline/gateway.toml').config;
  assert.equal(update, { enabled: true, window: '23:00-01:00', bytes_per_second: 20_000 });
  assert.equal(problemsIn(`${good}\n[update]\nenabled = "no"\nwindow = "2-4"\nbytes_per_second = 10\n`), [
    '/etc/loadline/gateway.toml:20: update.enabled must be true or false',
    '/etc/loadline/gateway.toml:21: update.window must be like "02:00-04:00", in UTC, and may go over midnight',
    '/etc/loadline/gateway.toml:22: update.bytes_per_second must be a whole number from 1024 to 1000000000',
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
  // What does not go together is looked at once each key is good.
  const paths = problemsIn(`${good}[[ports]]\nname = "other"\npath = "/dev/ttyUSB0"\n`);
  assert.equal(paths, [
    '/etc/loadline/gateway.toml:20: ports[2].path must be different from every other path in this list, unless it is a pattern with *',
  ]);
  assert.equal(problemsIn(twin), [
    '/etc/loadline/gateway.toml:20: ports[2].name must be different from every other name in this list',
    '/etc/loadline/gateway.toml:21: ports[2].path must be different from every other path in this list, unless it is a pattern with *',
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
  assert.match(
    problem ?? '',
    /gateway\.toml:14: sensors and derived series take \d+ bytes in one message to the cloud/,
  );
});

const sensorNamed = (name: string, tag: number) =>
  `[[sensors]]\ntag = "${tag.toString(16)}"\nname = "${name} ${tag}"\nunit = "N"\n`;

config(
  'counts what is said of derived series too, and not what is said of sensors to the gateway alone',
  () => {
    const sensors = Array.from({ length: 350 }, (_, index) => sensorNamed('é'.repeat(45), 0x4000 + index));
    assert.equal(problemsIn(good + sensors.join('')), []);
    const derived = Array.from(
      { length: 256 },
      (_, index) =>
        `[[derived]]\ntag = "${(0xd000 + index).toString(16)}"\nname = "sum ${index} ${'é'.repeat(45)}"\nunit = "N"\nkind = "tare"\nof = "Wind"\n`,
    );
    const text = good.replace(/name = "[^"]*"(?=\n(unit|interval))/, 'name = "Wind"');
    const [problem] = problemsIn(text + sensors.join('') + derived.join(''));
    assert.match(problem ?? '', /sensors and derived series take \d+ bytes in one message/);
  },
);

config('never accepts a secret in the address of the enrolment server', () => {
  const text = `${good}\n[enrolment]\nurl = "https://user:secret@cloud.example"\nsecret_file = "secret"\n`;
  const [problem] = problemsIn(text);
  assert.match(problem ?? '', 'enrolment.url must not carry a user, password or query');
  assert.not.match(problem ?? '', 'user:secret');
});

config('says where text is not TOML at all', () => {
  assert.match(problemsIn(`${good}\nname = \n`)[0] ?? '', /gateway\.toml:\d+: not valid TOML: /);
});

const sensorsAndMore = `${good}
[[sensors]]
tag = "3A10"
name = "Leg A"
unit = "t"
gain = 0.5
[sensors.overload]
high = 12
[sensors.send]
policy = "change"
band = 0.1
max_seconds = 60
[[derived]]
tag = "D001"
name = "Both"
unit = "t"
kind = "sum"
of = ["Leg A", "Mast top"]
`;

config('takes calibration, policies, limits and derived series', () => {
  const { sensors, derived } = parseConfig(sensorsAndMore, '/etc/loadline/gateway.toml').config;
  assert.equal(sensors[1]?.send, { policy: 'change', band: 0.1, max_seconds: 60 });
  assert.equal(sensors[1]?.overload, { high: 12, hysteresis: 0 });
  assert.equal(derived[0], { tag: 0xd001, name: 'Both', unit: 't', kind: 'sum', of: ['Leg A', 'Mast top'] });
});

config('refuses derived series of what does not exist or comes further down, and under a tag in use', () => {
  const text = sensorsAndMore.replace('"Mast top"]', '"Both"]').replace('"D001"', '"3a10"');
  assert.equal(problemsIn(text), [
    '/etc/loadline/gateway.toml:31: derived[1].tag must be different from every sensor',
    '/etc/loadline/gateway.toml:35: derived[1].of names "Both", which is no sensor and not derived further up',
  ]);
});

config('refuses a policy or a kind there is not, and says which there are', () => {
  const text = sensorsAndMore
    .replace('policy = "change"', 'policy = "sometimes"')
    .replace('"sum"', '"product"');
  const problems = problemsIn(text).join();
  assert.match(problems, 'sensors[2].send.policy must be one of "every", "change", "window"');
  assert.match(problems, 'derived[1].kind must be one of "sum", "difference", "tare", "peak"');
});

config('twins on one pattern need something to be told apart by', () => {
  const twins = (each: string) =>
    `${good.replace('/dev/ttyUSB0"', `/dev/serial/by-id/*"${each}`)}[[ports]]\nname = "b"\npath = "/dev/serial/by-id/*"${each}\n`;
  assert.match(problemsIn(twins('')).join(), 'each needs base_addresses or expect_tags');
  assert.equal(problemsIn(twins('\nbase_addresses = [1]')), []);
});

const desired = (document: Record<string, unknown>): Config | readonly string[] => {
  const checked = withDesired(parseConfig(good, '/etc/loadline/gateway.toml'), document);
  return 'config' in checked
    ? checked.config
    : checked.problems.map(({ key, message }) => `${key} ${message}`);
};

config('a section from the cloud replaces the section of the file, and the others stay', () => {
  const found = desired({ uplink: { host: 'other.example' }, sensors: [] }) as Config;
  assert.is(found.uplink.host, 'other.example');
  assert.is(found.uplink.authority, '/etc/loadline/authority.pem');
  assert.equal(found.sensors, []);
  assert.is(found.ports[0]?.path, '/dev/ttyUSB0');
  assert.is(found.gateway.id, 'mast-1');
});

config('transmission is switched on by the file, and by nobody else', () => {
  const port = { name: 'radio', path: '/dev/ttyUSB0' };
  assert.equal(desired({ ports: [{ ...port, transmit: true }] }), [
    "ports[1].transmit is only for the gateway's own file to say",
  ]);
  assert.is((desired({ ports: [{ ...port, transmit: false }] }) as Config).ports[0]?.transmit, false);
  const on = good.replace('"/dev/ttyUSB0"', '"/dev/ttyUSB0"\ntransmit = true');
  const checked = withDesired(parseConfig(on, '/etc/loadline/gateway.toml'), {
    ports: [{ ...port, transmit: true }],
  });
  assert.ok('config' in checked && checked.config.ports[0]?.transmit);
});

config("the password of the file's proxy goes to that proxy only", () => {
  const withProxy = good.replace(
    '[[ports]]',
    '[uplink.proxy]\nurl = "http://proxy:3128"\npassword_file = "password"\n[[ports]]',
  );
  const proxyFor = (url: string) => {
    const checked = withDesired(parseConfig(withProxy, '/etc/loadline/gateway.toml'), {
      uplink: { host: 'cloud.example', proxy: { url } },
    });
    return 'config' in checked ? checked.config.uplink.proxy : checked.problems;
  };
  assert.equal(proxyFor('http://proxy:3128'), {
    url: 'http://proxy:3128',
    password_file: '/etc/loadline/password',
  });
  assert.equal(proxyFor('http://elsewhere:3128'), { url: 'http://elsewhere:3128' });
});

config('what only the file may say is refused from the cloud, and so is what the file could not say', () => {
  const own = "is only for the gateway's own file to say";
  assert.equal(desired({ gateway: { id: 'x' }, drivers: [], uplink: { host: 'a', authority: '/x' } }), [
    `gateway ${own}`,
    `drivers ${own}`,
    `uplink.authority ${own}`,
  ]);
  assert.equal(
    desired({ uplink: { host: 'a', proxy: { url: 'http://p:1', password_file: '/etc/shadow' } } }),
    [`uplink.proxy.password_file ${own}`],
  );
  assert.equal(desired({ ports: 7, more: 1 }), [
    'ports at least one [[ports]] table is needed, at most 63 are allowed',
    'more is not a key of the configuration',
  ]);
});

config.run();
