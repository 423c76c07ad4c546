import { createHash, createPublicKey, randomUUID, verify, X509Certificate } from 'node:crypto';
import { type ProvisioningRecord, provisioningRecord, recordToSign } from '@loadline/sdk/provisioning';
import { type Entry, type Result, refused } from '../people/index.ts';
import type { Device } from '../router/index.ts';
import { type CertificateKeyRow, type ProvisioningRow, type Store, step } from '../store/index.ts';

/** Who brings a record. */
export interface Bringer {
  readonly entry: Entry;
  /** Kind and id of the principal. */
  readonly party: { readonly kind: string; readonly id: string };
}

/** Certificates whose key speaks for their gateway on paper: one that was superseded has signed what it signed. */
const endsOfGood: ReadonlySet<CertificateKeyRow['reason']> = new Set([null, 'superseded']);

/** Records of how gateways were provisioned, each signed by its gateway's key, kept byte for byte. */
export class Provisionings {
  readonly #store: Pick<Store, 'read' | 'change'>;
  readonly #rootsPem: () => string;
  readonly #now: () => number;

  /** `rootsPem`: the roots that are trusted now. `now`: ms since 1970. */
  constructor(parts: {
    store: Pick<Store, 'read' | 'change'>;
    rootsPem: () => string;
    now: () => number;
  }) {
    this.#store = parts.store;
    this.#rootsPem = parts.rootsPem;
    this.#now = parts.now;
  }

  /** Those of a gateway, the newest first. */
  list({ number }: Device): Promise<ProvisioningRow[]> {
    return this.#store.read('provisionings', { device: number });
  }

  /**
   * Keeps a record, and that its board is this gateway now. It must be the gateway's own, signed by a key that it has a
   * certificate for, and say nothing that the cloud knows otherwise. The same record again is kept once.
   */
  async add(
    { entry, party }: Bringer,
    device: Device,
    { record, signature }: { readonly record: string; readonly signature: string },
  ): Promise<Result<string>> {
    const read = readRecord(record);
    if (typeof read === 'string') return refused('request-invalid', `body/record: ${read}`);
    const signed = Buffer.from(signature, 'base64');
    const contradiction = this.#contradiction(read, device) ?? (await this.#unknownReading(read, device));
    if (contradiction !== undefined) return refused('request-invalid', `body/record: ${contradiction}`);

    const key = await this.#keyOf(read, device);
    if (key === undefined) {
      return refused(
        'conflict',
        `${device.id} has no certificate for the key of this record: let it enrol first`,
      );
    }
    if (!isSignedBy(key.publicKey, record, signed)) {
      return refused('request-invalid', 'body/signature: it is not of the key that the record names');
    }
    const { serialNumber: serial, ownershipCounter, result } = read;
    const unit = await this.#store.read('unit', { serial });
    const organisation = device.organisation.id;
    if (unit?.organisation !== organisation || ownershipCounter > unit.counter) {
      return refused(
        'conflict',
        `no voucher gave the board ${serial} to this organisation with that counter`,
      );
    }
    const same = (await this.list(device)).find((one) => one.record === record);
    if (same !== undefined) return { kind: 'done', value: same.id };
    const id = randomUUID();
    const { done } = await this.#store.change({
      steps: [
        step('placeUnit', { serial, organisation, device: device.number }, 'some'),
        step('addProvisioning', {
          ...{ id, device: device.number, organisation, at: this.#now(), serial, record },
          ...{ actor: JSON.stringify(party), signature: signed, fingerprint: key.fingerprint },
        }),
      ],
      audit: [
        entry({
          target: { kind: 'device', id: device.id },
          after: {
            provisioning: id,
            serial,
            result,
            counter: ownershipCounter,
            certificate: key.fingerprint,
          },
        }),
      ],
    });
    if (!done) return refused('conflict', `the board ${serial} was released meanwhile`);
    return { kind: 'done', value: id };
  }

  /** What a record says that the cloud knows otherwise. */
  #contradiction(record: ProvisioningRecord, device: Device): string | undefined {
    if (record.gatewayId !== device.id)
      return `gatewayId: it is of ${record.gatewayId}, and not of ${device.id}`;
    if (record.organisation !== device.organisation.id) {
      return `organisation: the gateway is not one of ${record.organisation}`;
    }
    const roots = fingerprintsOf(this.#rootsPem());
    const foreign = record.authority.find((one) => !roots.has(one));
    if (foreign !== undefined) return `authority: ${foreign} is no root of this cloud`;
    const isWhole = record.certificate !== null && record.reading !== null;
    if (record.result === 'provisioned' && !isWhole)
      return 'result: provisioned is with a certificate and a reading';
    return undefined;
  }

  async #unknownReading(
    { reading }: ProvisioningRecord,
    { number: device }: Device,
  ): Promise<string | undefined> {
    if (reading === null) return undefined;
    const { epoch, number } = reading;
    const isReceived = await this.#store.read('isReceived', { device, epoch, number });
    return isReceived ? undefined : `reading: ${epoch}:${number} has not been received`;
  }

  /** The certificate that the record names, or, where it names none, the newest of that key. */
  async #keyOf(
    { certificate, publicKey }: ProvisioningRecord,
    { id }: Device,
  ): Promise<{ fingerprint: string; publicKey: Uint8Array } | undefined> {
    const all = await this.#store.read('certificateKeysOf', { gateway: id });
    for (const { fingerprint, publicKey: key, reason } of all) {
      if (key === null || !endsOfGood.has(reason) || sha256(key) !== publicKey) continue;
      if (certificate === null || certificate === fingerprint) return { fingerprint, publicKey: key };
    }
    return undefined;
  }
}

/** A record as it was signed, or what is wrong with it. */
function readRecord(text: string): ProvisioningRecord | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const { data, error } = provisioningRecord.safeParse(json);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'it'}: ${issue?.message}`;
}

function isSignedBy(publicKey: Uint8Array, record: string, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify('sha256', recordToSign(record), key, signature);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function fingerprintsOf(pems: string): Set<string> {
  const blocks = pems.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return new Set(blocks.map((pem) => sha256(new X509Certificate(pem).raw)));
}
