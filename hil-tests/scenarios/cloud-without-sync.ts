/** A cloud whose commits are handed to the system and not synced: the control that must fail where the cloud passes. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startCloud } from '@loadline/cloud';

const { values } = parseArgs({
  options: {
    state: { type: 'string', default: '' },
    'setup-file': { type: 'string', default: '' },
    'https-port': { type: 'string', default: '0' },
    'mqtt-port': { type: 'string', default: '0' },
  },
});
const quiet = () => undefined;
const cloud = await startCloud({
  folder: values.state,
  host: '127.0.0.1',
  httpsPort: Number(values['https-port']),
  mqttPort: Number(values['mqtt-port']),
  names: [],
  log: { info: quiet, warn: quiet, error: quiet },
  durability: 'off',
});
const { httpsPort, mqttPort, setupLink } = cloud;
if (setupLink !== undefined) writeFileSync(values['setup-file'], setupLink, { mode: 0o600 });
process.stdout.write(`${JSON.stringify({ event: 'listening', httpsPort, mqttPort })}\n`);
process.once('SIGTERM', () => void cloud.close().then(() => process.exit(0)));
