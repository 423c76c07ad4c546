import type { CredentialDesk } from '../devices/index.ts';
import { type Entry, type Result, refused } from '../people/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type AuditDraft, type EndOfCertificate, type Step, type Store, step } from '../store/index.ts';

/** Why a device ends: it is taken out of service, or its board was released to whoever has it next. */
export type EndOfDevice = Extract<EndOfCertificate, 'retired' | 'moved'>;

/** What a command is told that never reached its gateway. */
const commandDetail = {
  retired: 'the gateway was retired',
  moved: 'the gateway was released by its organisation',
} as const satisfies Record<EndOfDevice, string>;

/**
 * Ends devices for good. In one change: the device is switched off and stays so, its certificates, tokens and keys end,
 * and so do its one-time secret and the commands that wait for it. Doors ask the directory at each delivery and once a
 * second of each link, so that what is open is over within two seconds. The device's row stays, with its readings and its
 * id, which nobody else gets.
 */
export class Retirement {
  readonly #store: Pick<Store, 'change'>;
  readonly #directory: Directory;
  readonly #credentials: Pick<CredentialDesk, 'ending'>;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: {
    store: Pick<Store, 'change'>;
    directory: Directory;
    credentials: Pick<CredentialDesk, 'ending'>;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#credentials = parts.credentials;
    this.#now = parts.now;
  }

  /** Takes a device out of service. */
  async retire({ entry }: { readonly entry: Entry }, device: Device): Promise<Result<undefined>> {
    const { done } = await this.end(device, 'retired', { audit: [this.entryOf(entry, device, 'retired')] });
    return done ? { kind: 'done', value: undefined } : refused('conflict', 'it is retired already');
  }

  /** What the audit log of its organisation says of a device that ends. */
  entryOf(entry: Entry, { id, name, enabled }: Device, reason: EndOfDevice): AuditDraft {
    return entry({
      ...{ action: 'device.retire', target: { kind: 'device', id } },
      ...{ before: { name, enabled }, after: { enabled: false, reason } },
    });
  }

  /** Ends a device together with what else is changed, or neither: not done where it has ended, or a step is refused. */
  async end(
    device: Device,
    reason: EndOfDevice,
    { steps = [], audit }: { readonly steps?: readonly Step[]; readonly audit: readonly AuditDraft[] },
  ): Promise<{ done: boolean }> {
    const { id, number } = device;
    const at = this.#now();
    const credentials = this.#credentials.ending(device);
    const { done } = await this.#store.change({
      steps: [
        step('retireDevice', { id, at }, 'some'),
        step('endCertificates', { subject: id, at, reason }),
        credentials.step,
        step('endEnrolment', { device: id }),
        step('endCommands', { device: number, at, detail: commandDetail[reason] }),
        ...steps,
      ],
      audit,
    });
    if (!done) return { done };
    credentials.taken();
    await this.#directory.reload();
    return { done };
  }
}
