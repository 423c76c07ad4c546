import { type ProvisioningRecord, provisioningRecord } from '@loadline/sdk/provisioning';
import type { Facts } from './board.ts';
import { type Present, publicKeyDigest } from './in-force.ts';
import type { SiteRecord } from './records.ts';
import { Refused } from './refused.ts';
import { fingerprintOf } from './voucher.ts';

/** What a gateway knows of itself. */
export interface Known {
  readonly site: SiteRecord;
  readonly present: Present;
  readonly facts: Facts;
  /** Whether a trial ended with this reading. */
  readonly hasDelivered: (reading: NonNullable<ProvisioningRecord['reading']>) => boolean;
}

/**
 * A record may say nothing of this gateway that it does not know itself. Where and by whom it was done, it cannot know. Pure.
 *
 * @param text as it is to be signed
 * @throws Refused `record-refused`
 */
export function checkRecord(text: string, { site, present, facts, hasDelivered }: Known): void {
  const refuse = (what: string): Refused => new Refused('record-refused', `the record is refused: ${what}`);
  let record: ProvisioningRecord;
  try {
    record = provisioningRecord.parse(JSON.parse(text));
  } catch {
    throw refuse('it is not of the form that records have');
  }
  const { certificate, inForce } = present;
  const known = {
    gatewayId: site.gatewayId,
    organisation: site.organisation,
    serialNumber: facts.serialNumber,
    model: facts.model,
    runtime: facts.runtime,
    certificate: certificate === undefined ? null : fingerprintOf(certificate),
    publicKey: publicKeyDigest(inForce.publicKey),
    ownershipCounter: site.ownershipCounter,
    voucher: site.voucher,
    site: site.digest,
  };
  for (const [name, value] of Object.entries(known)) {
    const told = record[name as keyof typeof known];
    if (told !== value) throw refuse(`its ${name} is ${String(told)}, and here it is ${String(value)}`);
  }
  if (record.authority.toSorted().join() !== inForce.authority.toSorted().join()) {
    throw refuse('its authority is not what this gateway trusts');
  }
  const { reading } = record;
  if ((record.result === 'provisioned') !== (reading !== null)) {
    throw refuse('provisioned is who has delivered a reading, staged who has not');
  }
  if (reading !== null && !hasDelivered(reading)) {
    throw refuse('its reading is none that was acknowledged in a trial here');
  }
}
