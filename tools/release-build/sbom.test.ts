import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Inside } from './contents.ts';
import { type Bill, writeBill } from './sbom.ts';

const test = suite('the bill of materials of a release');

const integrity = `sha512-${Buffer.alloc(64, 0xab).toString('base64')}`;
const inside = (name: string, version: string, license: string, dependsOn: string[] = []): Inside => ({
  name,
  version,
  license,
  integrity,
  dependsOn,
  folder: `node_modules/${name}`,
});
const bill: Bill = {
  version: '1.4.0-rc.1',
  target: 'linux-arm64',
  commit: 'c'.repeat(40),
  committed: 1_790_000_000,
  license: 'Apache-2.0',
  packages: [
    inside('@serialport/stream', '13.0.0', 'MIT', ['zod@4.6.7']),
    inside('node-forge', '1.4.3', '(BSD-3-Clause OR GPL-2.0)'),
    inside('zod', '4.6.7', 'MIT'),
  ],
  node: {
    sha256: 'd'.repeat(64),
    versions: {
      ...process.versions,
      node: '24.21.0',
      openssl: '3.5.8',
      uv: '1.52.1',
      zlib: '1.3.2.1-motley-8002e91',
      ngtcp2: '',
    },
  },
};

interface Component {
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly purl: string;
  readonly cpe?: string;
  readonly hashes?: readonly { alg: string; content: string }[];
  readonly licenses?: unknown;
  readonly components?: readonly Component[];
}
interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string };
  readonly components: readonly Component[];
  readonly dependencies: readonly { ref: string; dependsOn?: string[] }[];
}
const read = (text: string) => JSON.parse(text) as Bom;
const written = read(writeBill(bill));
const found = (name: string) => written.components.find((each) => each.name === name);

test('holds to the schema of CycloneDX 1.6, and a broken one does not', async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assert.is(await validator.validate(writeBill(bill)), null);
  const broken = writeBill(bill).replace('"bomFormat": "CycloneDX"', '"bomFormat": "Cyclone"');
  assert.is.not(await validator.validate(broken), null);
});

test('names each package with its version, licence, and the digest of what npm brought', () => {
  const stream = found('stream');
  assert.is(stream?.group, '@serialport');
  assert.is(stream?.purl, 'pkg:npm/%40serialport/stream@13.0.0');
  assert.equal(stream?.hashes, [{ alg: 'SHA-512', content: 'ab'.repeat(64) }]);
  assert.equal(found('node-forge')?.licenses, [{ expression: '(BSD-3-Clause OR GPL-2.0)' }]);
  assert.equal(found('zod')?.licenses, [{ license: { id: 'MIT' } }]);
});

test('names Node, and what is linked into it, as scanners know it', () => {
  const node = found('node');
  assert.is(node?.version, '24.21.0');
  assert.is(node?.cpe, 'cpe:2.3:a:nodejs:node.js:24.21.0:*:*:*:*:*:*:*');
  assert.equal(node?.hashes, [{ alg: 'SHA-256', content: 'd'.repeat(64) }]);
  const parts = new Map(node?.components?.map((part) => [part.name, part]));
  assert.is(parts.get('openssl')?.cpe, 'cpe:2.3:a:openssl:openssl:3.5.8:*:*:*:*:*:*:*');
  assert.is(parts.get('libuv')?.version, '1.52.1');
  assert.is(parts.get('zlib')?.cpe, 'cpe:2.3:a:zlib:zlib:1.3.2.1:*:*:*:*:*:*:*');
  assert.not(parts.has('ngtcp2'), 'what it was built without');
  assert.not(parts.has('node'));
});

test('says what needs what', () => {
  const needs = new Map(written.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
  assert.equal(needs.get('@serialport/stream@13.0.0'), ['zod@4.6.7']);
  assert.ok(needs.get('loadline-gateway@1.4.0-rc.1')?.includes('node@24.21.0'));
});

test('is one text for one release: time of the commit, serial number by the rest', () => {
  assert.is(writeBill(bill), writeBill(structuredClone(bill)));
  assert.is(written.metadata.timestamp, '2026-09-21T14:13:20.000Z');
  assert.match(
    written.serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const other = read(writeBill({ ...bill, version: '1.4.0' }));
  assert.is.not(other.serialNumber, written.serialNumber);
});

test.run();
