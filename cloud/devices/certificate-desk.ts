import { type Editor, type Result, refused } from '../people/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type IssuedCertificateRow, type Store, step } from '../store/index.ts';

/** The certificates of gateways, for the people in charge of them: listed, revoked. */
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

  /** Ends it for good, and what is open by it; one that has ended stays as it is. */
  async revoke(
    { entry }: Pick<Editor, 'entry'>,
    device: Device,
    fingerprint: string,
  ): Promise<Result<undefined>> {
    const known = (await this.list(device)).find((one) => one.fingerprint === fingerprint);
    if (known === undefined) return refused('not-found', 'the gateway has no such certificate');
    const { serial } = known;
    const { done } = await this.#store.change({
      steps: [
        step('endCertificate', { fingerprint, at: this.#now(), reason: 'revoked' }, 'some'),
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
    if (done) this.#directory.certificates.end(fingerprint, 'revoked');
    return { kind: 'done', value: undefined };
  }
}
