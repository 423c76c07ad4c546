import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { estRoutes, open, withFolder, withServer } from './test-parts.ts';

const run = promisify(execFile);

const outside = suite('EST by openssl and curl alone');
const found = await Promise.all([run('openssl', ['version']), run('curl', ['--version'])]).then(
  () => true,
  () => false,
);
// A machine without them runs everything else.
const test = found ? outside : outside.skip;
if (!found) {
  console.log('skipped: EST by openssl and curl: one is not installed (apt-get install openssl curl)');
}

test('a gateway without any of our code gets the root and a certificate that verifies', () =>
  withFolder(async (folder) => {
    const { authority } = await open(join(folder, 'authority'));
    const identity = await authority.issueServer({ names: [] });
    const at = (name: string) => join(folder, name);
    const openssl = (...args: string[]) => run('openssl', args, { cwd: folder, timeout: 20_000 });
    const base64 = async (from: string, to: string) => {
      const bytes = Buffer.from(await readFile(at(from), 'latin1'), 'base64');
      await writeFile(at(to), bytes);
    };
    await writeFile(at('trusted.pem'), authority.certificatePem);
    await openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'key.pem',
      '-subj',
      '/CN=gateway-1',
      '-outform',
      'DER',
      '-out',
      'request.der',
    );
    await openssl('base64', '-in', 'request.der', '-out', 'request.b64');

    await withServer(identity, estRoutes(authority, 'gateway-1', 'once'), async (url) => {
      const curl = (...args: string[]) =>
        run(
          'curl',
          ['--silent', '--show-error', '--fail', '--max-time', '20', '--cacert', 'trusted.pem', ...args],
          { cwd: folder },
        );
      await curl(`${url}/.well-known/est/cacerts`, '-o', 'cacerts.b64');
      await curl(
        `${url}/.well-known/est/simpleenroll`,
        '-u',
        'gateway-1:once',
        '-H',
        'Content-Type: application/pkcs10',
        '--data-binary',
        '@request.b64',
        '-o',
        'certificate.b64',
      );
    });

    // As `base64 -d` and `openssl base64 -d` do.
    await openssl('base64', '-d', '-in', 'cacerts.b64', '-out', 'cacerts.p7');
    await base64('certificate.b64', 'certificate.p7');
    await openssl('pkcs7', '-inform', 'DER', '-in', 'cacerts.p7', '-print_certs', '-out', 'cacerts.pem');
    await openssl(
      'pkcs7',
      '-inform',
      'DER',
      '-in',
      'certificate.p7',
      '-print_certs',
      '-out',
      'certificate.pem',
    );
    assert.ok((await readFile(at('cacerts.pem'), 'utf8')).includes(authority.certificatePem));
    const { stdout } = await openssl(
      'verify',
      '-x509_strict',
      '-purpose',
      'sslclient',
      '-CAfile',
      'cacerts.pem',
      'certificate.pem',
    );
    assert.match(stdout, /OK/);
    const { stdout: key } = await openssl('pkey', '-in', 'key.pem', '-pubout');
    const { stdout: certified } = await openssl(
      'x509',
      '-in',
      'certificate.pem',
      '-noout',
      '-pubkey',
      '-subject',
    );
    assert.ok(certified.includes(key.trim()));
    assert.match(certified, /CN ?= ?gateway-1/);
  }));

outside.run();
