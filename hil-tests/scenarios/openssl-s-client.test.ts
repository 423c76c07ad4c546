// @long
// The ports as `openssl s_client` sees them: protocols by ALPN, versions, and whom a client certificate is asked of.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { needs } from '../runner/debian.ts';
import { run } from './program.ts';
import { type TemporaryCloud, temporaryCloud } from './temporary-cloud.ts';

const found = await needs('openssl');
if (found !== true) console.log(`skipped: openssl s_client: ${found}`);
const all = suite('openssl s_client');
const test = found === true ? all : all.skip;

let temporary: TemporaryCloud;
let authority: string;

/** Everything that `openssl s_client` says of one handshake, its messages by name included. */
async function handshake(port: number, ...options: string[]): Promise<string> {
  const to = ['-connect', `localhost:${port}`, '-servername', 'localhost', '-CAfile', authority, '-msg'];
  const { stdout, stderr } = await run('openssl', ['s_client', ...to, ...options]);
  return stdout + stderr;
}

const versions = ['-tls1_2', '-tls1_3'] as const;
const asked = /Handshake \[length [0-9a-f]+\], CertificateRequest/;

all.before(async () => {
  temporary = await temporaryCloud();
  authority = join(temporary.folder, 'authority.pem');
  writeFileSync(authority, temporary.cloud.authorityPem);
});
all.after(() => temporary.end());

test('the one port speaks MQTT and HTTP, by ALPN, with a certificate that verifies', async () => {
  const { httpsPort, mqttPort } = temporary.cloud;
  for (const version of versions) {
    for (const [port, protocol] of [
      [httpsPort, 'mqtt'],
      [httpsPort, 'http/1.1'],
      [mqttPort, 'mqtt'],
    ] as const) {
      const said = await handshake(port, version, '-alpn', protocol);
      assert.match(said, `ALPN protocol: ${protocol}`, version);
      assert.match(said, 'Verify return code: 0 (ok)');
    }
  }
});

test('a client certificate is asked for where MQTT is spoken or no ALPN is offered, and of no browser', async () => {
  const { httpsPort, mqttPort } = temporary.cloud;
  for (const version of versions) {
    for (const [port, ...options] of [
      [mqttPort],
      [mqttPort, '-alpn', 'mqtt'],
      [httpsPort, '-alpn', 'mqtt'],
      [httpsPort],
    ] as [number, ...string[]][]) {
      assert.match(await handshake(port, version, ...options), asked);
    }
    for (const options of [
      ['-alpn', 'http/1.1'],
      ['-alpn', 'h2,http/1.1'],
    ]) {
      const said = await handshake(httpsPort, version, ...options);
      assert.match(said, /ServerHello/);
      assert.not.match(said, asked, options.join(' '));
    }
  }
});

test('TLS 1.0 and 1.1 are refused by name, and so are suites without forward secrecy', async () => {
  const { httpsPort, mqttPort } = temporary.cloud;
  // Or openssl itself would not offer them.
  const old = ['-cipher', 'ALL:@SECLEVEL=0'];
  for (const port of [httpsPort, mqttPort]) {
    for (const version of ['-tls1', '-tls1_1']) {
      const said = await handshake(port, version, ...old);
      assert.match(said, /ClientHello/, `${version} was offered`);
      assert.match(said, /alert protocol version/, version);
      assert.not.match(said, /ServerHello/);
    }
    const said = await handshake(port, '-tls1_2', '-cipher', 'AES128-SHA:AES256-GCM-SHA384:@SECLEVEL=0');
    assert.match(said, /alert handshake failure/);
  }
});

test('a protocol that nobody here speaks is refused, and renegotiation is not to be had', async () => {
  const { mqttPort } = temporary.cloud;
  assert.match(await handshake(mqttPort, '-alpn', 'smtp'), /alert no application protocol/);
  const to = ['-connect', `localhost:${mqttPort}`, '-CAfile', authority, '-tls1_2'];
  const { stdout, stderr } = await run('openssl', ['s_client', ...to], 'R\n');
  const said = stdout + stderr;
  assert.match(said, 'RENEGOTIATING');
  assert.match(said, /no renegotiation/);
});

all.run();
