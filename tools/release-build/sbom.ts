import { createHash } from 'node:crypto';
import { Enums, Models, Serialize, SPDX, Spec } from '@cyclonedx/cyclonedx-library';
import { type Inside, idOf } from './contents.ts';
import { partsOfNode } from './node-parts.ts';

/** What a bill of materials is written of. */
export interface Bill {
  readonly version: string;
  readonly target: string;
  readonly commit: string;
  /** Seconds since 1970. */
  readonly committed: number;
  readonly license: string;
  readonly packages: readonly Inside[];
  /** `process.versions` of the Node inside, and the SHA-256 of its binary. */
  readonly node: { readonly versions: NodeJS.ProcessVersions; readonly sha256: string };
}

/**
 * The bill of materials of a release: CycloneDX 1.6 as JSON. The packages whose code is in the bundle, each with the
 * digest of the tarball it came in, and Node with what is linked into it. One release, one text: the time is the
 * commit's, and the serial number follows from the rest.
 */
export function writeBill(bill: Bill): string {
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  // In the order in which it is put together here: the library would sort by the locale of who builds.
  const options = { sortLists: false, space: 1 };
  const bom = bomOf(bill);
  bom.serialNumber = `urn:uuid:${uuidOf(serializer.serialize(bom, options))}`;
  return `${serializer.serialize(bom, options)}\n`;
}

function bomOf({ version, target, commit, committed, license, packages, node }: Bill): Models.Bom {
  const product = new Models.Component(Enums.ComponentType.Application, 'loadline-gateway', {
    bomRef: `loadline-gateway@${version}`,
    version,
    purl: purl('generic', 'loadline-gateway', version),
    licenses: new Models.LicenseRepository([licence(license)]),
    properties: new Models.PropertyRepository([
      new Models.Property('loadline:target', target),
      new Models.Property('loadline:commit', commit),
    ]),
  });
  const components = new Map(packages.map((each) => [idOf(each), library(each)]));
  for (const each of packages) {
    for (const id of each.dependsOn) {
      const needed = components.get(id);
      if (needed !== undefined) components.get(idOf(each))?.dependencies.add(needed.bomRef);
    }
  }
  const runtime = nodeComponent(node);
  for (const component of [...components.values(), runtime]) product.dependencies.add(component.bomRef);
  return new Models.Bom({
    metadata: new Models.Metadata({
      timestamp: new Date(committed * 1000),
      lifecycles: new Models.LifecycleRepository([Enums.LifecyclePhase.Build]),
      component: product,
    }),
    components: new Models.ComponentRepository([...components.values(), runtime]),
  });
}

function library(each: Inside): Models.Component {
  const [group, name] = each.name.startsWith('@') ? each.name.split('/') : [undefined, each.name];
  return new Models.Component(Enums.ComponentType.Library, name ?? each.name, {
    bomRef: idOf(each),
    ...(group === undefined ? {} : { group }),
    version: each.version,
    purl: purl('npm', each.name, each.version),
    licenses: new Models.LicenseRepository([licence(each.license)]),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-512'], hexOf(each.integrity)]]),
  });
}

function nodeComponent({ versions, sha256 }: Bill['node']): Models.Component {
  const version = versions.node;
  const node = new Models.Component(Enums.ComponentType.Platform, 'node', {
    bomRef: `node@${version}`,
    version,
    purl: purl('generic', 'node', version),
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: new Models.LicenseRepository([licence('MIT')]),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], sha256]]),
  });
  for (const part of partsOfNode(versions)) {
    node.components.add(
      new Models.Component(Enums.ComponentType.Library, part.name, {
        bomRef: `node@${version}/${part.name}@${part.version}`,
        version: part.version,
        purl: purl('generic', part.name, part.version),
        ...(part.cpe === undefined ? {} : { cpe: part.cpe }),
      }),
    );
  }
  return node;
}

function licence(expression: string): Models.License {
  return SPDX.isSupportedSpdxId(expression)
    ? new Models.SpdxLicense(expression)
    : new Models.LicenseExpression(expression);
}

/** A package URL: a scope's @ is escaped, and so is the + of a version (purl specification). */
function purl(type: string, name: string, version: string): string {
  return `pkg:${type}/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
}

/** A UUID out of a text (RFC 9562, version 8: by a rule of one's own, here the first bits of its SHA-256). */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
