import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../test-doors.ts';
import { LineClient, openSite, type Site } from './test-site.ts';

const test = suite<{ site: Site }>('lines over TLS');

test.before(async (context) => {
  context.site = await openSite('tls');
});
test.after(({ site }) => site.close());

test('TLS 1.2 and 1.3 are spoken, and nothing older', async ({ site }) => {
  const { secret } = await site.make('socket-token');
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = LineClient.tls(site, { minVersion: version, maxVersion: version });
    assert.equal(await client.ask(`LL1 ${secret} temp=1`), ['OK 1']);
    client.close();
  }
  const old = connect({
    ...{ port: site.ports.tls, host: '127.0.0.1', ca: site.authorityPem, servername: 'localhost' },
    ...{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
  });
  const [error] = await once(old, 'error');
  assert.match(String(error), /protocol|version|handshake|socket/i);
});

test('what is no TLS at the one port, and TLS at the other, ends soon and disturbs nobody', async ({
  site,
}) => {
  const plain = connectTcp({ port: site.ports.tls, host: '127.0.0.1' });
  plain.on('error', () => {});
  plain.write('LL1 something in clear\n');
  const wrong = LineClient.tcp(site);
  const tls = connect({ socket: wrong.socket, rejectUnauthorized: false });
  tls.on('error', () => {});
  await until(() => plain.closed, 'the end of plain text');
  plain.destroy();
  tls.destroy();
  const hello = LineClient.tcp(site);
  hello.socket.write(Buffer.from('16030102000100\n\n\n', 'latin1'));
  assert.ok((await hello.ended()).every((line) => line.startsWith('ERR line-malformed')));
  const { secret } = await site.make('socket-token', 'other');
  const client = LineClient.tls(site);
  assert.equal(await client.ask(`LL1 ${secret} temp=1`), ['OK 1']);
  client.close();
});

test('a certificate that is renewed is shown to those who come from then on', async ({ site }) => {
  const serial = async () => {
    const client = connect({ port: site.ports.tls, host: 'localhost', ca: site.authorityPem });
    await once(client, 'secureConnect');
    const { serialNumber } = client.getPeerCertificate();
    client.destroy();
    return serialNumber;
  };
  const before = await serial();
  site.door.renew(site.renewed);
  assert.is.not(await serial(), before);
});

test.run();
