import { IdentityError } from '@loadline/sdk/identity';
import { type Authority, checkGatewayRequest, type Issuance } from '../authority/index.ts';
import type { IssuanceRecorder } from '../issuance.ts';
import { type Entry, type Result, refused } from '../people/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type Store, step } from '../store/index.ts';

/** Who asks for a certificate on site. */
export interface Technician {
  readonly entry: Entry;
  /** Kind and id of the principal. */
  readonly party: { readonly kind: string; readonly id: string };
  /** Opaque id of the person: of a program, who made its token. */
  readonly person: string;
  /** The address that it is asked from. */
  readonly source: string;
}

/** What is issued, or why it is not. */
export type Issued = Result<Issuance> | { readonly kind: 'malformed'; readonly detail: string };

/** Certificates that somebody asks for who stands beside the gateway, in place of a one-time secret. */
export class TechnicianCertificates {
  readonly #store: Pick<Store, 'change'>;
  readonly #directory: Directory;
  readonly #authority: Pick<Authority, 'issueGateway'>;
  readonly #recordIssuance: IssuanceRecorder;

  constructor(parts: {
    store: Pick<Store, 'change'>;
    directory: Directory;
    authority: Pick<Authority, 'issueGateway'>;
    recordIssuance: IssuanceRecorder;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#authority = parts.authority;
    this.#recordIssuance = parts.recordIssuance;
  }

  /** Issues for a gateway in service, and for exactly its id. Its one-time secret ends: it has been let in. */
  async issue(technician: Technician, device: Device, request: string): Promise<Issued> {
    const { id, organisation } = device;
    if (device.kind !== 'gateway') {
      return refused('conflict', `${id} is no gateway: it proves itself by a token or a key`);
    }
    if (!device.enabled) return refused('conflict', `${id} is switched off, or retired`);
    try {
      checkGatewayRequest(request, id);
    } catch (error) {
      if (!(error instanceof IdentityError)) throw error;
      await this.#refuse(technician, device);
      return { kind: 'malformed', detail: error.message };
    }
    const issuance = await this.#authority.issueGateway(request, id, (issued) =>
      this.#recordIssuance(issued, {
        ...{ organisation: organisation.id, actor: technician.party, target: { kind: 'device', id } },
        ...{ channel: 'https', source: technician.source, persons: [technician.person] },
        ...{ issuedFor: 'technician', besides: [step('endEnrolment', { device: id })] },
      }),
    );
    await this.#directory.reloadCertificates(id);
    return { kind: 'done', value: issuance };
  }

  async #refuse({ entry }: Technician, { id }: Device): Promise<void> {
    const target = { kind: 'device', id };
    const audit = [entry({ target, outcome: 'refused', code: 'request-malformed' })];
    await this.#store.change({ steps: [], audit });
  }
}
