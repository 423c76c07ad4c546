import {
  certificateDetails,
  createVoucher,
  type Issuer,
  identityLimits,
  type Voucher,
} from '@loadline/sdk/identity';
import { type Reach, reachesDevice, type Standing } from '../access/index.ts';
import { type Editor, type FleetEditor, type Result, refused } from '../people/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type Store, step, type UnitRow } from '../store/index.ts';
import type { Retirement } from './retirement.ts';

/** Milliseconds that a voucher without a nonce is good for: it is carried to a place without a network, and used there. */
const preparedMilliseconds = 30 * 86_400_000;

/**
 * How far a gateway's counter may be ahead of what this cloud has signed. After a restore it is, by what was signed since
 * the backup; further, somebody only says so, and would use the counter up.
 */
export const counterAhead = 1000;

/** Attempts at a change that others were quicker with. */
const mostAttempts = 5;

/** What signs vouchers, and what they pin. */
export interface VoucherAuthority {
  /** The newest root, PEM: what a gateway is to trust. */
  readonly certificatePem: string;
  /** A certificate that signs vouchers, and the chain from it to a root, PEM. */
  voucherSigner(): Promise<Issuer & { readonly chainPem: string }>;
}

/** A board of an organisation, with the gateway that it is. */
export interface Unit {
  readonly serial: string;
  readonly counter: number;
  readonly device: Device | undefined;
  /** Milliseconds since 1970. */
  readonly claimed: number;
}

/** A voucher for a board. */
export interface SignedVoucher {
  /** CMS, base64. */
  readonly voucher: string;
  readonly counter: number;
  /** Milliseconds since 1970; null with a nonce. */
  readonly expires: number | null;
}

/** Not told apart: another organisation's, and one of one's own that is out of reach. */
const notYours = (serial: string) =>
  refused(
    'conflict',
    `the board ${serial} is somebody else's: who owns it, or the operator of the fleet, must release it first`,
  );
const noSuchUnit = () => refused('not-found', 'there is no such board');

/** Boards that gateways run on: who first has a voucher for one owns it, until it is released. */
export class Units {
  readonly #store: Pick<Store, 'read' | 'change'>;
  readonly #directory: Directory;
  readonly #retirement: Retirement;
  readonly #authority: VoucherAuthority;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: {
    store: Pick<Store, 'read' | 'change'>;
    directory: Directory;
    retirement: Retirement;
    authority: VoucherAuthority;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#retirement = parts.retirement;
    this.#authority = parts.authority;
    this.#now = parts.now;
  }

  /**
   * A voucher for a board, above every one that was signed for it before and above `counter`, what its gateway says. The
   * board is the organisation's from then on; where it is another's, or its gateway is out of reach, this is refused.
   */
  async voucher(
    editor: Pick<Editor, 'standing' | 'entry'>,
    wanted: { readonly serial: string; readonly nonce: string | undefined; readonly counter: number },
  ): Promise<Result<SignedVoucher>> {
    const { serial, nonce } = wanted;
    const { organisation, reach } = editor.standing;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const known = await this.#store.read('unit', { serial });
      const isMine = known?.organisation === organisation.id;
      const isKept = known !== undefined && known.organisation !== null && !isMine;
      if (isKept || (isMine && this.#isInServiceElsewhere(reach, known))) {
        await this.#noteRefused(editor, serial);
        return notYours(serial);
      }
      const last = known?.counter ?? 0;
      const counter = Math.max(last, wanted.counter) + 1;
      if (wanted.counter > last + counterAhead || counter > identityLimits.ownershipCounter) {
        return refused('request-invalid', `body/counter: no voucher for ${serial} can have come so far`);
      }
      const at = this.#now();
      const signer = await this.#authority.voucherSigner();
      const expires =
        nonce === undefined
          ? Math.min(at + preparedMilliseconds, certificateDetails(signer.certificatePem).notAfter)
          : null;
      const { done } = await this.#store.change({
        steps: [step('claimUnit', { serial, organisation: organisation.id, counter, at }, 'some')],
        audit: [
          editor.entry({
            target: { kind: 'unit', id: serial },
            before: { owned: isMine, counter: last },
            after: { owned: true, counter, expires: expires && new Date(expires).toISOString() },
          }),
        ],
      });
      // Somebody else has had one for it meanwhile.
      if (!done) continue;
      const voucher: Voucher = {
        ...{ serialNumber: serial, createdOn: at, assertion: 'logged', ownershipCounter: counter },
        ...{ organisation: organisation.id, pinnedAuthorityPem: this.#authority.certificatePem },
        ...(expires !== null && { expiresOn: expires }),
        ...(nonce !== undefined && { nonce }),
      };
      const value = createVoucher({ voucher, signer, chainPem: signer.chainPem });
      return { kind: 'done', value: { voucher: value, counter, expires } };
    }
    return refused('conflict', `vouchers for ${serial} are being asked for all the time: try again`);
  }

  /** The boards of an organisation that lie within a reach, by serial number. */
  async list({ organisation, reach }: Standing): Promise<Unit[]> {
    const rows = await this.#store.read('units', { organisation: organisation.id });
    return rows.filter((row) => this.#reaches(reach, row)).map((row) => this.#unitOf(row));
  }

  /** Makes a board nobody's; its gateway ends. Who has it next provisions it anew, under another id. */
  async release(editor: Pick<Editor, 'standing' | 'entry'>, serial: string): Promise<Result<undefined>> {
    const { organisation, reach } = editor.standing;
    return this.#release(
      serial,
      editor,
      (row) => row.organisation === organisation.id && this.#reaches(reach, row),
    );
  }

  /** The same by the operator of the fleet, whoever owns it: it stands in that organisation's audit log as well. */
  async releaseByOperator(editor: FleetEditor, serial: string): Promise<Result<undefined>> {
    return this.#release(serial, editor, () => true);
  }

  async #release(
    serial: string,
    { entry }: Pick<Editor, 'entry'>,
    mayRelease: (row: UnitRow) => boolean,
  ): Promise<Result<undefined>> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const row = await this.#store.read('unit', { serial });
      if (row === undefined || row.organisation === null || !mayRelease(row)) return noSuchUnit();
      const { organisation, counter } = row;
      const device = this.#deviceOf(row);
      const released = step('releaseUnit', { serial, organisation }, 'some');
      const said = entry({
        target: { kind: 'unit', id: serial },
        before: { organisation, device: device?.id ?? null, counter },
        after: { organisation: null },
      });
      // In the fleet's own log where it is an operator's doing, and always where it was owned.
      const inBoth = { ...said, action: 'unit.release', organisation };
      const audit = said.organisation === organisation ? [said] : [said, inBoth];
      const isLive = device !== undefined && device.retired === null;
      const { done } = isLive
        ? await this.#retirement.end(device, 'moved', {
            steps: [released],
            audit: [...audit, { ...this.#retirement.entryOf(entry, device, 'moved'), organisation }],
          })
        : await this.#store.change({ steps: [released], audit });
      if (done) return { kind: 'done', value: undefined };
    }
    return refused('conflict', `the board ${serial} is being changed all the time: try again`);
  }

  async #noteRefused({ entry }: Pick<Editor, 'entry'>, serial: string): Promise<void> {
    const target = { kind: 'unit', id: serial };
    await this.#store.change({
      steps: [],
      audit: [entry({ target, outcome: 'refused', code: 'conflict' })],
    });
  }

  /** Whether it is a gateway at work that is out of reach: what nobody works with is free to anybody of its organisation. */
  #isInServiceElsewhere(reach: Reach, row: UnitRow): boolean {
    const device = this.#deviceOf(row);
    return device !== undefined && device.retired === null && !reachesDevice(reach, device);
  }

  #deviceOf({ device }: UnitRow): Device | undefined {
    return device === null ? undefined : this.#directory.numbered(device);
  }

  /** A board is where its gateway is; before it is one, it is the organisation's, and no customer's. */
  #reaches(reach: Reach, row: UnitRow): boolean {
    const device = this.#deviceOf(row);
    if (device !== undefined) return reachesDevice(reach, device);
    return reach.customer === null && reach.devices === null;
  }

  #unitOf(row: UnitRow): Unit {
    const { serial, counter, claimed } = row;
    return { serial, counter, device: this.#deviceOf(row), claimed: claimed ?? 0 };
  }
}
