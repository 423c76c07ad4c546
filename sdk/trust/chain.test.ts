// Chains as an openssl command makes them: what our own issuing never does.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openssl, opensslFound } from '../identity/test-fleet.ts';
import { chainFault } from './index.ts';

const chains = suite('chains');
// A machine without openssl runs everything else.
const test = opensslFound ? chains : chains.skip;
if (!opensslFound) console.log('skipped: chains: openssl is not installed (apt-get install openssl)');

let folder = '';
chains.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loadline-trust-'));
});
chains.after(() => rm(folder, { recursive: true }));

interface Made {
  readonly name: string;
  readonly pem: string;
}

const ca = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
const server = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=serverAuth',
  'subjectAltName=DNS:cloud.example',
];
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

let made = 0;
async function make(
  issuer: Made | undefined,
  extensions: readonly string[],
  { key = ec, more = [] as readonly string[], subject = '' } = {},
): Promise<Made> {
  const name = join(folder, `c${made++}`);
  const cn = subject || `c${made}`;
  const pem = await openssl([
    'req',
    '-x509',
    '-new',
    '-nodes',
    ...key,
    '-keyout',
    `${name}.key`,
    '-subj',
    `/CN=${cn}`,
    '-days',
    '30',
    ...(issuer ? ['-CA', `${issuer.name}.pem`, '-CAkey', `${issuer.name}.key`] : []),
    ...extensions.flatMap((each) => ['-addext', each]),
    ...more,
    '-out',
    `${name}.pem`,
  ]).then(() => readFile(`${name}.pem`, 'utf8'));
  return { name, pem };
}

function fault(trusted: Made, ...presented: Made[]): string {
  return (
    chainFault({
      presented: presented.map(({ pem }) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')),
      authorityPem: trusted.pem,
      claim: { kind: 'server', host: 'cloud.example' },
      time: { kind: 'known', wall: Date.now() + 60_000 },
    }) ?? 'trusted'
  );
}

test('a chain over intermediates is followed, in whatever order it comes, and with elliptic curves', async () => {
  const root = await make(undefined, ca);
  const first = await make(root, ca);
  const second = await make(first, ca);
  const leaf = await make(second, server);
  assert.is(fault(root, leaf, first, second), 'trusted');
  assert.is(fault(root, leaf, second, first, root), 'trusted');
  assert.match(fault(root, leaf, second), /^was not issued under/);
});

test('a path longer than an authority allows is refused', async () => {
  const root = await make(undefined, ['basicConstraints=critical,CA:TRUE,pathlen:1', ca[1] as string]);
  const first = await make(root, ca);
  const second = await make(first, ca);
  assert.is(fault(root, await make(first, server), first), 'trusted');
  const wrong = fault(root, await make(second, server), first, second);
  assert.match(wrong, /may not have so many authorities under it/);
});

test('an issuer that is no authority, or may not sign certificates, or not for servers, is refused', async () => {
  const root = await make(undefined, ca);
  const plain = await make(root, ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,keyCertSign']);
  assert.match(fault(root, await make(plain, server), plain), /is no authority|was not issued under/);
  const mute = await make(root, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign']);
  assert.match(fault(root, await make(mute, server), mute), /may not issue|was not issued under/);
  const clients = await make(root, [...ca, 'extendedKeyUsage=clientAuth']);
  assert.match(fault(root, await make(clients, server), clients), /may not issue for a TLS server/);
});

test('restrictions that are not understood are not passed over', async () => {
  const root = await make(undefined, ca);
  const narrow = await make(root, [...ca, 'nameConstraints=permitted;DNS:elsewhere.example']);
  assert.match(fault(root, await make(narrow, server), narrow), /is restricted .*2\.5\.29\.30/);
  const odd = await make(root, [...server, '1.2.3.4=critical,DER:0500']);
  assert.match(fault(root, odd), /is restricted .*1\.2\.3\.4/);
  assert.is(fault(root, await make(root, [...server, '1.2.3.4=DER:0500'])), 'trusted');
});

test('a weak key and a hash that can be forged are refused', async () => {
  const root = await make(undefined, ca);
  const short = await make(root, server, { key: ['-newkey', 'rsa:1024'] });
  assert.match(fault(root, short), /RSA key of 1024 bits/);
  assert.match(
    fault(root, await make(root, server, { more: ['-sha1'] })),
    /signed in a way that can be forged/,
  );
  const koblitz = await make(root, server, {
    key: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  });
  assert.match(fault(root, koblitz), /has a key on secp256k1/);
});

test('a usage that is missing is none', async () => {
  const root = await make(undefined, ca);
  const [constraints = '', , , name = ''] = server;
  assert.match(fault(root, await make(root, [constraints, name])), /is not for a TLS server/);
  const cipher = [constraints, 'keyUsage=critical,keyEncipherment', 'extendedKeyUsage=serverAuth', name];
  assert.match(fault(root, await make(root, cipher)), /is not for signing a handshake/);
});

test('certificates that fit in ever so many ways end the search', async () => {
  const root = await make(undefined, ca);
  const key = await make(undefined, ca, { subject: 'same' });
  // One name and one key, nine times: each seems to have issued each.
  const others: Made[] = [];
  for (let index = 0; index < 9; index++) {
    others.push(await make(undefined, ca, { subject: 'same', key: ['-key', `${key.name}.key`] }));
  }
  const leaf = await make(key, server);
  const started = process.cpuUsage().user;
  assert.match(fault(root, leaf, ...others), /^was not issued under/);
  assert.ok(process.cpuUsage().user - started < 1_000_000, 'a second of the processor for one search');
  assert.match(fault(root, leaf, ...others, ...others), /too many/);
});

test('bytes that are no certificate are refused, wherever they are cut or changed', async () => {
  const root = await make(undefined, ca);
  const leaf = await make(root, server);
  const der = Buffer.from(leaf.pem.replace(/-----[^-]+-----/g, ''), 'base64');
  const judge = (bytes: Uint8Array) =>
    chainFault({
      presented: [bytes],
      authorityPem: root.pem,
      claim: { kind: 'server', host: 'cloud.example' },
      time: { kind: 'known', wall: Date.now() + 60_000 },
    }) ?? 'trusted';
  assert.is(judge(der), 'trusted');
  for (let at = 0; at < der.length; at++) {
    assert.is.not(judge(der.subarray(0, at)), 'trusted', `cut at ${at}`);
    const changed = Buffer.from(der);
    changed[at] = (changed[at] as number) ^ 0x01;
    assert.is.not(judge(changed), 'trusted', `changed at ${at}`);
  }
  await writeFile(join(folder, 'nothing.pem'), '');
  assert.throws(() => fault({ name: 'nothing', pem: '' }, leaf), /holds no certificate/);
});

chains.run();
