import { execFileSync } from 'node:child_process';
import { isSigned, readLine } from '@loadline/sdk/socket';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CredentialKind, credentialKinds, credentialLines } from './credential-lines.ts';

const test = suite('what a new credential is');

// 32 bytes, with both of the characters by which base64url differs from base64.
const secret = Buffer.from(`${'fbfffe'.repeat(10)}0011`, 'hex').toString('base64url');
const id = 'sock_abcdefghijklmnopqrstuvwx';

function linesOf(kind: CredentialKind, origin = 'https://cloud.example.org:8443'): Record<string, string> {
  const secrets = credentialLines({ kind, id, secret }, { device: 'logger-1', origin });
  return Object.fromEntries(secrets.map(({ label, value }) => [label, value]));
}

/** What a line prints before it reaches the program that would send it. */
function printed(line: string): string {
  const programs = ['curl', 'nc', 'openssl s_client'].find((one) => line.includes(`| ${one}`));
  return execFileSync('sh', ['-c', line.slice(0, line.lastIndexOf(`| ${programs}`))], { encoding: 'utf8' });
}

test('of each kind the secret is shown by itself', () => {
  for (const kind of Object.keys(credentialKinds) as CredentialKind[]) {
    assert.ok(Object.values(linesOf(kind)).includes(secret), kind);
  }
});

test('a token goes in its header, by what is read from the standard input, and in no argument of curl', () => {
  const { 'A first reading': line = '' } = linesOf('token');
  assert.is(printed(line), `X-Auth-Token: ${secret}`);
  assert.not.match(line.slice(line.indexOf('curl')), secret);
  assert.match(line, / https:\/\/cloud\.example\.org:8443\/ingest\/v1$/);
});

test('a key is the user name of MQTT, on the port of the page, which is 443 where its address has none', () => {
  const lines = linesOf('key');
  assert.is(lines['User name'], id);
  assert.is(lines.Topic, 'v1/dev/logger-1/json');
  assert.match(lines['A first reading'] ?? '', /-h cloud\.example\.org -p 8443 --tls-alpn mqtt /);
  assert.match(linesOf('key', 'https://cloud.example.org')['A first reading'] ?? '', / -p 443 /);
});

test('a line with a socket token is one that sockets take', () => {
  const lines = linesOf('socket-token');
  const read = readLine(Buffer.from(lines.Line ?? ''));
  assert.is(read.kind, 'token');
  assert.is(printed(lines['A first reading, over TLS'] ?? ''), `${lines.Line}\n`);
});

test('a line with a socket key is signed as sockets want it', () => {
  const script = linesOf('socket-key')['A first reading, over TCP'] ?? '';
  const line = readLine(Buffer.from(printed(script).trimEnd()));
  if (line.kind !== 'signed') throw new Error(`the line is ${line.kind}`);
  assert.is(line.key, id);
  assert.ok(isSigned(line, Buffer.from(secret, 'base64url')));
  assert.is(Buffer.from(line.readings).toString(), 'temp=21.5');
});

test.run();
