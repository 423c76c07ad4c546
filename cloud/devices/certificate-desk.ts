import { type Editor, type Result, refused } from '../people/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type IssuedCertificateRow, type Store, step } from '../store/index.ts';

/** The certificates of gateways, for the people in charge of them: listed, revoked, readmitted. */
export class CertificateDesk {
  readonly #store: Pick<Store, 'read' | 'change'>;
  readonly #directory: Directory;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: { store: Pick<Store, 'read' | 'change'>; directory: Directory; now: () => number }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#now = parts.now;
  }

  /** Those of a gateway, in the order they were issued. */
  list({ id }: Device): Promise<IssuedCertificateRow[]> {
    return this.#store.read('certificatesOf', { gateway: id });
  }

  /**
   * Ends it for good, what is open by it, and what was renewed by it and not used yet: whoever has the key may have renewed it
   * in time. One that has ended stays as it is.
   */
  async revoke(
    { entry }: Pick<Editor, 'entry'>,
    device: Device,
    fingerprint: string,
  ): Promise<Result<undefined>> {
    const known = (await this.list(device)).find((one) => one.fingerprint === fingerprint);
    if (known === undefined) return refused('not-found', 'the gateway has no such certificate');
    const { serial, issued } = known;
    const at = this.#now();
    const renewals = step('endUnusedRenewals', { subject: device.id, since: issued ?? 0, at });
    const { done } = await this.#store.change({
      steps: [
        step('endCertificate', { fingerprint, at, reason: 'revoked' }, 'some'),
        renewals,
        // By the secret that was spent on it, its key would be given another one.
        step('endSpentEnrolment', { device: device.id }),
      ],
      audit: [
        entry({
          target: { kind: 'certificate', id: fingerprint },
          before: { device: device.id, serial, reason: known.reason },
          after: { device: device.id, serial, reason: 'revoked' },
        }),
      ],
    });
    if (done) {
      this.#directory.certificates.end(fingerprint, 'revoked');
      // From here on it renews nothing; what it was just being given stands before this in the store's line.
      await this.#store.change({ steps: [renewals], audit: [] });
      await this.#directory.reloadCertificates(device.id);
    }
    return { kind: 'done', value: undefined };
  }

  /**
   * Has one open again that is held back since a backup was restored: who is in charge says that it was not revoked after
   * that backup, which the cloud does not know. Once a newer one of the gateway is in use there is nothing to readmit.
   */
  async readmit(
    { entry }: Pick<Editor, 'entry'>,
    device: Device,
    fingerprint: string,
  ): Promise<Result<IssuedCertificateRow>> {
    const known = (await this.list(device)).find((one) => one.fingerprint === fingerprint);
    if (known === undefined) return refused('not-found', 'the gateway has no such certificate');
    const { serial } = known;
    const at = this.#now();
    const fault = this.#notReadmitted(device, known, at);
    if (fault !== undefined) return refused('conflict', fault);
    const { done } = await this.#store.change({
      steps: [step('readmitCertificate', { fingerprint, at }, 'some')],
      audit: [
        entry({
          target: { kind: 'certificate', id: fingerprint },
          before: { device: device.id, serial, reason: 'restored' },
          after: { device: device.id, serial, reason: null },
        }),
      ],
    });
    if (!done) return refused('conflict', 'it is not held back any more: look at the list');
    this.#directory.certificates.readmit(fingerprint);
    return { kind: 'done', value: { ...known, revoked: null, reason: null } };
  }

  #notReadmitted({ id, enabled }: Device, row: IssuedCertificateRow, at: number): string | undefined {
    const standing = this.#directory.certificates.standing(row.fingerprint, id);
    if (standing === 'good') return 'it opens already: there is nothing to readmit';
    if (standing !== 'restored') {
      return `it ended for good (${standing}): only what is held back after a restore can be readmitted`;
    }
    if (row.expires <= at) {
      return 'it has expired meanwhile: have a new enrolment secret made for the gateway (enrolDevice)';
    }
    if (!enabled) return `the device ${id} is switched off: switch it on first (patchDevice, enabled)`;
    return undefined;
  }
}
