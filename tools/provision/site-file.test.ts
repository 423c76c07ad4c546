import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { siteOf, tagsOf } from './order.ts';
import { parseSiteFile } from './site-file.ts';

const test = suite('site file');

const good = `
organisation = "harbour"
where = "Quay 7"

[gateway]
id = "quay-7"
serial_number = "100000abc"

[network]
addresses = { by = "static", address = "192.0.2.10/24", gateway = "192.0.2.1", dns = ["192.0.2.1"] }
wifi = { ssid = "quay", country = "DE", passphrase_file = "wifi.secret" }

[uplink]
fallback_port = 443
proxy = { url = "http://proxy:3128", user = "quay", password_file = "proxy.secret" }

[[sensors]]
tag = "25df"
name = "Wind"
unit = "m/s"
`;

function problemsIn(text: string): string[] {
  try {
    parseSiteFile(text, 'site.toml');
  } catch (error) {
    return (error as Error).message.split('\n');
  }
  return [];
}

const secrets = { wifiPassphrase: 'correct horse', proxyPassword: 'battery' };

test('what is not said is the default, and secrets are only named', () => {
  const { order, wifiPassphraseFile, proxyPasswordFile } = parseSiteFile(good, 'site.toml');
  assert.equal(
    [order.name, order.replace, order.discardUndelivered, order.cloudUrl, order.ports],
    ['quay-7', false, false, undefined, undefined],
  );
  assert.equal([wifiPassphraseFile, proxyPasswordFile], ['wifi.secret', 'proxy.secret']);
  assert.not.match(JSON.stringify(order), 'secret');
  assert.equal(tagsOf(order), ['25DF']);
});

test('a site is the order and what the cloud adds, with secrets where the contract has them', () => {
  const order = { ...parseSiteFile(good, 'site.toml').order, secrets };
  const site = siteOf(order, [{ name: 'radio', path: '/dev/ttyUSB0' }], {
    organisation: 'harbour',
    authority: 'PEM',
    chain: null,
    enrolment: { url: 'https://cloud.example:8443', secret: 'one-time' },
    uplink: { host: 'cloud.example', port: 8884 },
  });
  assert.is(site.network.wifi?.passphrase, 'correct horse');
  assert.is(site.proxyPassword, 'battery');
  assert.equal(site.configuration, {
    uplink: {
      host: 'cloud.example',
      port: 8884,
      fallback_port: 443,
      proxy: { url: 'http://proxy:3128', user: 'quay' },
    },
    ports: [{ name: 'radio', path: '/dev/ttyUSB0' }],
    sensors: [{ tag: '25df', name: 'Wind', unit: 'm/s' }],
  });
});

test('what the file says of the uplink goes over what the cloud is reached by', () => {
  const text = good
    .replace('[uplink]', '[uplink]\nhost = "gateways.example"\nport = 443')
    .replace('fallback_port = 443\n', '');
  const order = { ...parseSiteFile(text, 'site.toml').order, secrets };
  const from = {
    ...{ organisation: 'harbour', authority: '', chain: null, enrolment: { url: 'https://c', secret: null } },
    uplink: { host: 'cloud.example', port: 8884 },
  };
  const { uplink } = siteOf(order, [], from).configuration as { uplink: Record<string, unknown> };
  assert.equal([uplink.host, uplink.port], ['gateways.example', 443]);
});

test('every wrong key is named with its line and what is allowed, several at once', () => {
  const text = good
    .replace('"quay-7"', '"Quay 7"')
    .replace('192.0.2.10/24', '192.0.2.10')
    .replace('"DE"', '"de"')
    .replace('"25df"', '"25dg"');
  assert.equal(problemsIn(text), [
    'site.toml:6: gateway.id must be 1 to 64 of a-z, 0-9 and inner hyphens',
    'site.toml:10: network.addresses.address must be an address with the length of its prefix: "192.0.2.10/24"',
    'site.toml:11: network.wifi.country must be two capital letters, such as "DE"',
    'site.toml:18: sensors[1].tag must be four hex digits in quotes, such as "25DF"',
  ]);
});

test('the tables of the configuration are checked as the gateway checks them, and no others are taken', () => {
  const twin = `${good}\n[[sensors]]\ntag = "25DF"\nname = "Other"\nunit = ""\n`;
  assert.match(problemsIn(twin).join(), 'sensors[2].tag must be different from every other tag');
  const derived = `${good}\n[[derived]]\ntag = "D001"\nname = "Peak"\nunit = ""\nkind = "peak"\nof = "Gust"\n`;
  assert.match(problemsIn(derived).join(), 'derived[1].of names "Gust", which is no sensor');
  assert.match(problemsIn(`${good}\n[journal]\nmax_bytes = 1\n`).join(), 'journal is not a key');
  assert.match(
    problemsIn(good.replace('[uplink]', '[uplink]\nauthority = "x"')).join(),
    'uplink.authority is not a key',
  );
});

test('a passphrase in the file itself is refused by its key, and not repeated', () => {
  const [problem = ''] = problemsIn(
    good.replace('passphrase_file = "wifi.secret"', 'passphrase = "correct horse"'),
  );
  assert.match(problem, 'network.wifi.passphrase is not a key');
  assert.not.match(problem, 'correct horse');
});

test.run();
