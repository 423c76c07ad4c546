import { createHash } from 'node:crypto';
import {
  Metadata,
  MetadataKind,
  MetaFile,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { ReleaseError } from '../errors.ts';
import { keyIdOf, type RoleName, type RoleSigner } from './keys.ts';

/** What each role signs. */
interface Signed {
  root: Root;
  targets: Targets;
  snapshot: Snapshot;
  timestamp: Timestamp;
}

/** The version of the specification that metadata is written by. */
export const specVersion = '1.0.31';

/** Bytes that gateways take of each at the most: what tuf-js has for them. */
const mostBytes = { root: 512_000, targets: 5_000_000, snapshot: 2_000_000, timestamp: 16_384 } as const;

/**
 * Reads metadata; its signatures are another question.
 *
 * @throws ReleaseError `metadata-refused`
 */
export function readMetadata<R extends RoleName>(role: R, content: string): Metadata<Signed[R]> {
  try {
    if (Buffer.byteLength(content) > mostBytes[role])
      throw new Error(`it has more than ${mostBytes[role]} bytes`);
    const read = parsed(role, JSON.parse(content)) as Metadata<Signed[R]>;
    const { version } = read.signed;
    if (!Number.isSafeInteger(version) || version < 1) throw new Error('its version is no number from 1');
    return read;
  } catch (error) {
    // What a parser says quotes what it read, and that may be a file of secrets whose name was mistyped.
    const reason = error instanceof SyntaxError ? 'it is no JSON' : (error as Error).message.slice(0, 200);
    throw new ReleaseError('metadata-refused', `the ${role} metadata cannot be read: ${reason}`);
  }
}

function parsed(role: RoleName, value: Parameters<typeof Metadata.fromJSON>[1]): unknown {
  switch (role) {
    case 'root':
      return Metadata.fromJSON(MetadataKind.Root, value);
    case 'targets':
      return Metadata.fromJSON(MetadataKind.Targets, value);
    case 'snapshot':
      return Metadata.fromJSON(MetadataKind.Snapshot, value);
    case 'timestamp':
      return Metadata.fromJSON(MetadataKind.Timestamp, value);
  }
}

/** Metadata as a file says it. */
export function writeMetadata(metadata: Metadata<Signed[RoleName]>): string {
  return `${JSON.stringify(metadata.toJSON(), null, 1)}\n`;
}

/** Puts a signature on metadata, beside those that are there; one of the same key is replaced. */
export function addSignature(metadata: Metadata<Signed[RoleName]>, signer: RoleSigner): void {
  metadata.sign(
    (bytes) =>
      new Signature({ keyID: keyIdOf(signer.key), sig: Buffer.from(signer.sign(bytes)).toString('hex') }),
  );
}

/** What one file of the metadata says of another: version, length, digest. */
export function metaOf(content: string, version: number): MetaFile {
  const bytes = Buffer.from(content);
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
}

/** In hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether enough of the keys that `root` names for the role signed it. */
export function isSignedBy(
  root: Metadata<Root>,
  role: RoleName,
  metadata: Metadata<Signed[RoleName]>,
): boolean {
  try {
    root.verifyDelegate(role, metadata);
    return true;
  } catch {
    return false;
  }
}

/** @throws ReleaseError `metadata-refused` where fewer signed than must */
export function mustBeSigned(
  root: Metadata<Root>,
  role: RoleName,
  metadata: Metadata<Signed[RoleName]>,
): void {
  if (isSignedBy(root, role, metadata)) return;
  const { threshold } = root.signed.roles[role] ?? {};
  throw new ReleaseError(
    'metadata-refused',
    `${metadata.signed.type} ${metadata.signed.version} does not have the signatures of ${threshold} of the keys that root ${root.signed.version} names for ${role}`,
  );
}

/** @throws ReleaseError `metadata-expired` */
export function mustNotBeExpired(metadata: Metadata<Signed[RoleName]>, now: number): void {
  const { type, version, expires } = metadata.signed;
  if (!metadata.signed.isExpired(new Date(now))) return;
  throw new ReleaseError('metadata-expired', `${type} ${version} ended at ${expires}: sign a newer one`);
}
