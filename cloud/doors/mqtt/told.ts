import type { AuditParty } from '@loadline/sdk/audit';
import { isGatewayId } from '@loadline/sdk/contract';
import type { Authentication } from '../../audit/index.ts';
import type { Directory } from '../../router/index.ts';

/** What the audit log is told of who wanted in at this door. */

/** What all of them are: the beginning of a session, or the refusal of one. */
const atThisDoor = { channel: 'mqtt', action: 'session.create', persons: [] } as const;

/**
 * Who came by a certificate that names a gateway, whatever becomes of it; undefined where what it names cannot be one. It
 * stands in the chain of the organisation that has such a gateway, or in the fleet's.
 *
 * @param code why it was refused; null where it was not
 */
export function byCertificate(
  name: string | undefined,
  directory: Directory,
  { code, source }: { readonly code: string | null; readonly source: string },
): Authentication | undefined {
  if (name === undefined || !isGatewayId(name)) return undefined;
  return {
    ...atThisDoor,
    organisation: directory.device(name)?.organisation.id ?? null,
    ...(code === null && { actor: { kind: 'gateway', id: name } }),
    target: { kind: 'device', id: name },
    code,
    source,
  };
}

/** Who came by an application key that is good, whatever becomes of the link. */
export function byKey(
  { id, organisation }: { readonly id: string; readonly organisation: string },
  { code, source }: { readonly code: string | null; readonly source: string },
): Authentication {
  const key: AuditParty = { kind: 'application-key', id };
  return { ...atThisDoor, organisation, ...(code === null && { actor: key }), target: key, code, source };
}

/** Who came by a device's key that is good, and yet is refused; who is let in is told of where the key is proven. */
export function byDeviceKey(
  { id, organisation }: { readonly id: string; readonly organisation: string },
  { code, source }: { readonly code: string; readonly source: string },
): Authentication {
  return { ...atThisDoor, organisation, target: { kind: 'device-credential', id }, code, source };
}

/** Who came with no certificate, and with nothing that could be a key and its secret. */
export function byNothing({
  code,
  source,
}: {
  readonly code: string;
  readonly source: string;
}): Authentication {
  return { ...atThisDoor, organisation: null, target: null, code, source };
}
