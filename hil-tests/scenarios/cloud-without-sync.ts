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
    'socket-port': { type: 'string' },
    'socket-tls-port': { type: 'string' },
    'socket-udp-port': { type: 'string' },
  },
});
const portIfAny = (port: string | undefined) => (port === undefined ? undefined : Number(port));
const quiet = () => undefined;
const cloud = await startCloud({
  folder: values.state,
  host: '127.0.0.1',
  httpsPort: Number(values['https-port']),
  mqttPort: Number(values['mqtt-port']),
  socketPorts: {
    tcp: portIfAny(values['socket-port']),
    tls: portIfAny(values['socket-tls-port']),
    udp: portIfAny(values['socket-udp-port']),
  },
  names: [],
  log: { info: quiet, warn: quiet, error: quiet },
  durability: 'off',
});
const { httpsPort, mqttPort, socketPorts, setupLink } = cloud;
const { tcp: socketPort, tls: socketTlsPort, udp: socketUdpPort } = socketPorts ?? {};
const ports = { httpsPort, mqttPort, socketPort, socketTlsPort, socketUdpPort };
if (setupLink !== undefined) writeFileSync(values['setup-file'], setupLink, { mode: 0o600 });
process.stdout.write(`${JSON.stringify({ event: 'listening', ...ports })}\n`);
process.once('SIGTERM', () => void cloud.close().then(() => process.exit(0)));
