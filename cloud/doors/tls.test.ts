import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Doors, openDoors } from './test-doors.ts';

const test = suite<{ doors: Doors }>('TLS of both doors');
test.before(async (context) => {
  context.doors = await openDoors();
});
test.after(({ doors }) => doors.close());

/** The suite that was agreed on, or why none was. */
function agreed(
  port: number,
  offer: { ciphers: string; maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'; minVersion?: 'TLSv1.1' },
  ca: string,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: 'localhost', port, ca, ...offer }, () => {
      resolve(socket.getCipher().name);
      socket.destroy();
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const refused = 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE';

test('take no suite without forward secrecy or with CBC, and no TLS before 1.2', async ({ doors }) => {
  const { authorityPem, https, mqtt } = doors;
  for (const { port } of [https, mqtt]) {
    const two = { maxVersion: 'TLSv1.2' } as const;
    assert.is(await agreed(port, { ...two, ciphers: 'AES256-GCM-SHA384' }, authorityPem), refused);
    assert.is(await agreed(port, { ...two, ciphers: 'ECDHE-RSA-AES256-SHA384' }, authorityPem), refused);
    assert.is(await agreed(port, { ...two, ciphers: 'ECDHE-RSA-AES128-SHA' }, authorityPem), refused);
    const one = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    assert.is(await agreed(port, one, authorityPem), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  }
});

test('prefer the strongest suite, whatever order is offered', async ({ doors }) => {
  const { authorityPem, https, mqtt } = doors;
  const weakestFirst = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384';
  for (const { port } of [https, mqtt]) {
    const two = { maxVersion: 'TLSv1.2', ciphers: weakestFirst } as const;
    assert.is(await agreed(port, two, authorityPem), 'ECDHE-RSA-AES256-GCM-SHA384');
    const three = {
      maxVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
    } as const;
    assert.is(await agreed(port, three, authorityPem), 'TLS_AES_256_GCM_SHA384');
  }
});

test.run();
