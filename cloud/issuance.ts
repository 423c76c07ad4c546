import { createPublicKey } from 'node:crypto';
import type { AuditParty } from '@loadline/sdk/audit';
import type { Issuance } from './authority/index.ts';
import type { Directory } from './router/index.ts';
import { type IssuedFor, type Step, type Store, step } from './store/index.ts';

/** Who asked for a certificate, and whose it is. */
export interface AskedBy {
  /** Null where it is no organisation's. */
  readonly organisation: string | null;
  readonly actor: AuditParty;
  readonly target: AuditParty;
  readonly channel: 'https' | 'cloud';
  /** What it was given for. */
  readonly issuedFor: IssuedFor;
  /** The address it was asked for from; undefined where it was the cloud itself. */
  readonly source: string | undefined;
  /** Opaque ids of the people whose doing it is. */
  readonly persons?: readonly string[];
  /** What is changed with it, or not at all. */
  readonly besides?: readonly Step[];
}

export type IssuanceRecorder = ReturnType<typeof issuanceRecorder>;

/**
 * Keeps certificates that were issued, each in one change with its entry of the audit log. What it gives rejects where
 * one is not kept, and then nobody may get it.
 */
export function issuanceRecorder({ store, now }: { store: Pick<Store, 'change'>; now: () => number }) {
  return async (issuance: Issuance, by: AskedBy = byItself(issuance)): Promise<void> => {
    const { fingerprint, commonName: subject, serial, notAfter: expires, profile } = issuance;
    const { organisation, actor, target, channel, source, issuedFor, persons = [], besides = [] } = by;
    const key = createPublicKey(issuance.publicKeyPem);
    const at = now();
    const changed = await store.change({
      steps: [
        step('addCertificate', {
          ...{ fingerprint, subject, serial, expires, profile },
          ...{ issued: at, issuer: issuance.issuerFingerprint, issuedFor },
          publicKey: key.export({ type: 'spki', format: 'der' }),
        }),
        ...besides,
      ],
      audit: [
        {
          ...{ organisation, at, actor, channel, action: 'certificate.create', target },
          ...{ outcome: 'done', code: null, before: null },
          after: { profile, subject, serial, fingerprint, expires },
          personal: source === undefined ? null : { of: persons, data: { source } },
        },
      ],
    });
    // One of the authority itself is told of again where a start was cut short between this log and the authority's folder.
    const isKnown = !changed.done && changed.constraint && profile === 'authority';
    if (!changed.done && !isKnown)
      throw new Error(`certificate ${serial} of ${subject} could not be recorded`);
  };
}

/**
 * Ends the certificates that these issuers (fingerprints) have issued, on disk and for links that are open. What has ended
 * already stays as it is.
 */
export function issuerEnder({
  store,
  directory,
  now,
}: {
  store: Pick<Store, 'change'>;
  directory: Pick<Directory, 'reload'>;
  now: () => number;
}) {
  return async (issuers: readonly string[]): Promise<void> => {
    for (const issuer of issuers) {
      const at = now();
      await store.change({
        steps: [step('endCertificatesOfIssuer', { issuer, at }, 'some')],
        audit: [
          {
            ...{ organisation: null, at, actor: { kind: 'cloud', id: 'cloud' }, channel: 'cloud' },
            ...{ action: 'certificate.revoke', target: { kind: 'certificate', id: issuer } },
            ...{ outcome: 'done', code: null, before: null, personal: null },
            after: { issuer, reason: 'revoked' },
          },
        ],
      });
    }
    await directory.reload();
  };
}

/** What the cloud issues to itself: its authority's certificate, and its doors'. */
function byItself({ profile }: Issuance): AskedBy {
  return {
    organisation: null,
    actor: { kind: 'cloud', id: 'cloud' },
    target: { kind: 'cloud', id: profile },
    channel: 'cloud',
    issuedFor: 'cloud',
    source: undefined,
  };
}
