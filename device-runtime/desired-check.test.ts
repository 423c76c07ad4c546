import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from './config/index.ts';
import { checkDesired } from './desired-check.ts';

const file = `
[gateway]
id = "mast-1"
state = "state"
[uplink]
host = "cloud.example"
authority = "authority.pem"
[[ports]]
name = "radio"
path = "/dev/ttyUSB0"
`;
const check = checkDesired(parseConfig(file, '/etc/loadline/gateway.toml'), []);
const radio = { name: 'radio', path: '/dev/ttyUSB0' };
const lines = { name: 'lines', path: '/dev/ttyUSB1', driver: 'so' };

test('options that a driver refuses are a fault of the configuration, of each port that has one', () => {
  const refused = check({
    ports: [
      { ...radio, options: { speed: 1 } },
      { ...lines, options: { template: '{tag},{value}', nonsense: 1 } },
    ],
  });
  assert.ok('problems' in refused);
  assert.equal(
    refused.problems.map(({ key }) => key),
    ['ports[1]', 'ports[2]'],
  );
  assert.match(refused.problems[0]?.message ?? '', 'speed');
  assert.match(refused.problems[1]?.message ?? '', 'nonsense');
});

test('those it takes are none, and faults of the rules are told as before', () => {
  const taken = check({ ports: [radio, { ...lines, options: { template: '{tag},{value}' } }] });
  assert.ok('config' in taken && taken.config.ports.length === 2);
  const foreign = check({ gateway: { id: 'mast-2' } });
  assert.ok('problems' in foreign && foreign.problems[0]?.key === 'gateway');
});

test.run();
