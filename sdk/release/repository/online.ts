import { Metadata, Snapshot, Timestamp } from '@tufjs/models';
import { ReleaseError } from '../errors.ts';
import {
  addSignature,
  isSignedBy,
  metaOf,
  mustBeSigned,
  mustNotBeExpired,
  readMetadata,
  specVersion,
  writeMetadata,
} from './documents.ts';
import { keyIdOf, type RoleName, type RoleSigner } from './keys.ts';
import { expiryAt, lifetimes } from './lifetimes.ts';

/**
 * Milliseconds by which an end may be later than one that would be signed now, before it is signed anew: what a clock signed
 * that ran far ahead would let a freeze last for as long.
 */
const mostAhead = 3_600_000;

/** The newest of each role that a repository has; undefined where it has none yet. */
export interface CurrentMetadata {
  readonly root: string;
  readonly targets: string;
  readonly snapshot?: string | undefined;
  readonly timestamp?: string | undefined;
}

/** A file for `metadata/` of a repository. */
export interface NamedMetadata {
  readonly name: string;
  readonly content: string;
}

/**
 * What `snapshot` and `timestamp` have to sign now: where there are newer targets, where the root names other keys for them,
 * where less than half of the time is left that they hold, or a clock that ran ahead gave them far more. To be asked for after each change, and every hour.
 *
 * @returns files, to be written in this order, each whole: a gateway that reads in between finds the old repository
 *   until the last of them is there. Empty where nothing is due.
 * @throws ReleaseError `metadata-refused` where the signers are not those that the root names, where targets are not signed
 *   or older than those that were in force; `metadata-expired` where root or targets have ended: they are for people to renew
 */
export function resign(
  current: CurrentMetadata,
  {
    signers,
    now,
  }: {
    readonly signers: { readonly snapshot: RoleSigner; readonly timestamp: RoleSigner };
    readonly now: number;
  },
): NamedMetadata[] {
  const root = readMetadata('root', current.root);
  const targets = readMetadata('targets', current.targets);
  mustBeSigned(root, 'targets', targets);
  for (const each of [root, targets]) mustNotBeExpired(each, now);

  const oldSnapshot = current.snapshot === undefined ? undefined : readMetadata('snapshot', current.snapshot);
  const oldTimestamp =
    current.timestamp === undefined ? undefined : readMetadata('timestamp', current.timestamp);
  const told = oldSnapshot?.signed.meta['targets.json'];
  const { version } = targets.signed;
  if (told !== undefined && version < told.version) {
    throw new ReleaseError(
      'metadata-refused',
      `targets ${version} are older than targets ${told.version}, which were in force: gateways would refuse them`,
    );
  }

  const files: NamedMetadata[] = [];
  let snapshot = oldSnapshot;
  let content = current.snapshot ?? '';
  const meta = metaOf(current.targets, version);
  if (snapshot === undefined || told === undefined || !told.equals(meta) || isDue('snapshot', snapshot)) {
    snapshot = new Metadata(
      new Snapshot({
        specVersion,
        version: versionAfter(oldSnapshot?.signed.version, now),
        expires: expiryAt(now + lifetimes.snapshot),
        meta: { 'targets.json': meta },
      }),
    );
    content = signedBy('snapshot', snapshot);
    files.push({ name: `${snapshot.signed.version}.snapshot.json`, content });
  }
  const snapshotMeta = metaOf(content, snapshot.signed.version);
  if (
    oldTimestamp === undefined ||
    !oldTimestamp.signed.snapshotMeta.equals(snapshotMeta) ||
    isDue('timestamp', oldTimestamp)
  ) {
    const timestamp = new Metadata(
      new Timestamp({
        specVersion,
        version: versionAfter(oldTimestamp?.signed.version, now),
        expires: expiryAt(now + lifetimes.timestamp),
        snapshotMeta,
      }),
    );
    files.push({ name: 'timestamp.json', content: signedBy('timestamp', timestamp) });
  }
  return files;

  function isDue(
    role: 'snapshot' | 'timestamp',
    document: Metadata<Snapshot> | Metadata<Timestamp>,
  ): boolean {
    const { signed } = document;
    const isOfAClockAhead = Date.parse(signed.expires) > now + lifetimes[role] + mostAhead;
    return (
      !isSignedBy(root, role, document) ||
      signed.isExpired(new Date(now + lifetimes[role] / 2)) ||
      isOfAClockAhead
    );
  }

  function signedBy(
    role: 'snapshot' | 'timestamp',
    document: Metadata<Snapshot> | Metadata<Timestamp>,
  ): string {
    addSignature(document, signers[role]);
    if (isSignedBy(root, role, document)) return writeMetadata(document);
    throw new ReleaseError('metadata-refused', notNamed(role));
  }

  function notNamed(role: RoleName): string {
    const { threshold, keyIDs = [] } = root.signed.roles[role] ?? {};
    return `root ${root.signed.version} wants ${threshold} of ${keyIDs.join(', ')} for ${role}, and the key here is ${keyIdOf(signers[role as 'snapshot'].key)}: sign a root that names it ('loadline release rotate --role ${role}')`;
  }
}

/**
 * By the time, in seconds since 1970: a repository that was lost and is filled again from what people have signed goes on above
 * what gateways have seen of it, instead of beginning at 1, which they would refuse as a rollback.
 */
function versionAfter(version: number | undefined, now: number): number {
  return Math.max((version ?? 0) + 1, Math.floor(now / 1000));
}
