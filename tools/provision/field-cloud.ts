import type { provisioningScopes } from '@loadline/sdk/api';
import { type CloudClient, CloudError } from '@loadline/sdk/client';
import { CalledWrongly } from '../cloud/outcome.ts';

/** What each of the scopes of provisioning is for. */
export const scopesNeeded: Readonly<Record<(typeof provisioningScopes)[number], string>> = {
  'vouchers.create': 'to show the gateway that its owner may have it',
  'device.get': 'to see whether the gateway is known already',
  'devices.create': 'to take a new gateway in; not needed for one that was taken in before',
  'device.enrol': 'to make a kit for a gateway that was taken in before; for nothing else',
  'certificates.create': 'to have its key certified',
  'provisionings.create': 'to keep the signed record',
  'ledger.get': 'to see at the cloud too that a reading came; without it that is not looked at',
};

/** The table of these, Markdown. */
export function scopesNeededTable(): string {
  const rows = Object.entries(scopesNeeded).map(([scope, why]) => `| \`${scope}\` | ${why} |`);
  return ['| scope | what for |', '| --- | --- |', ...rows].join('\n');
}

/** One that a gateway may be provisioned for. */
export interface Organisation {
  readonly id: string;
  readonly name: string;
}

/** What provisioning asks of a cloud. Every function throws CloudError and UnreachableError. */
export interface FieldCloud {
  /** `https://host:port`. */
  readonly origin: string;
  /** Who asks: for the record. */
  readonly technician: string;
  readonly organisations: readonly Organisation[];
  voucher(
    organisation: string,
    of: { readonly serialNumber: string; readonly nonce?: string; readonly counter: number },
  ): Promise<{ readonly voucher: string; readonly counter: number; readonly expires: string | null }>;
  /** Whether the organisation has the gateway, and whether a program ever reported itself as it; undefined: it has not. */
  known(organisation: string, id: string): Promise<{ readonly reported: boolean } | undefined>;
  /** Takes a new gateway in; its one-time enrolment secret. */
  takeIn(organisation: string, gateway: { readonly id: string; readonly name: string }): Promise<string>;
  /** A new one-time enrolment secret of a gateway that was taken in. */
  enrolmentSecret(organisation: string, id: string): Promise<string>;
  certificate(
    organisation: string,
    id: string,
    request: string,
  ): Promise<{ readonly chain: string; readonly authority: string; readonly fingerprint: string }>;
  /** How many readings of an epoch it has committed; null where that cannot be asked. */
  stored(organisation: string, id: string, epoch: string): Promise<number | null>;
  keep(
    organisation: string,
    id: string,
    signed: { readonly record: string; readonly signature: string },
  ): Promise<void>;
}

/** The cloud that somebody is logged in to, or has a token of. */
export async function fieldCloud(client: CloudClient): Promise<FieldCloud> {
  const caller = await client.getCaller();
  const standings = caller.kind === 'token' ? [caller.standing] : caller.standings;
  const within = (organisation: string) => client.organisation(organisation);
  return {
    origin: client.origin,
    technician: caller.kind === 'token' ? `token ${caller.name}` : caller.email,
    organisations: standings.map(({ organisation }) => organisation),
    voucher: async (organisation, body) => await within(organisation).createVoucher({ body }),
    known: async (organisation, device) => {
      try {
        const { runtime } = await within(organisation).getDevice({ device });
        return { reported: runtime !== null };
      } catch (error) {
        if (error instanceof CloudError && error.code === 'not-found') return undefined;
        throw error;
      }
    },
    takeIn: async (organisation, { id, name }) =>
      (await within(organisation).createDevice({ body: { id, name, kind: 'gateway' } })).enrolmentSecret,
    enrolmentSecret: async (organisation, device) =>
      (await within(organisation).enrolDevice({ device })).enrolmentSecret,
    certificate: async (organisation, device, request) =>
      await within(organisation).issueCertificate({ device, body: { request } }),
    stored: async (organisation, device, epoch) => {
      try {
        return (await within(organisation).getRun({ device, epoch })).stored;
      } catch (error) {
        // Who may not ask, or has no network here himself, has the gateway's word for it.
        return error instanceof CloudError && error.code === 'not-found' ? 0 : null;
      }
    },
    keep: async (organisation, device, body) => {
      await within(organisation).addProvisioning({ device, body });
    },
  };
}

/** The organisation that is meant; undefined where there are several and none is said. @throws CalledWrongly */
export function organisationIn(
  { organisations }: Pick<FieldCloud, 'organisations'>,
  said: string | undefined,
): Organisation | undefined {
  if (said === undefined) {
    if (organisations.length === 0) throw new CalledWrongly('you are in no organisation');
    return organisations.length === 1 ? organisations[0] : undefined;
  }
  // One that this person is not in is asked for all the same: the cloud says so, and its log too.
  return organisations.find(({ id }) => id === said) ?? { id: said, name: said };
}
