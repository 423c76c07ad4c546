import type { X509Certificate } from 'node:crypto';
import { isGatewayId, limits } from '@loadline/sdk/contract';
import { IdentityError } from '@loadline/sdk/identity';
import type { Authentications } from '../audit/index.ts';
import { type Authority, checkGatewayRequest } from '../authority/index.ts';
import type { IssuanceRecorder } from '../issuance.ts';
import { Bucket } from '../limits/index.ts';
import type { Device, Directory } from '../router/index.ts';
import type { CertificateUses } from './certificate-uses.ts';
import { nameOf, type ProvenGateway, remedies } from './gateway-of.ts';
import { gatewayShown, type NotProven, shownFault } from './shown-certificate.ts';

const dayMs = 86_400_000;

/** Why a certificate is not renewed, in words that say what to do. */
export interface NotRenewed extends NotProven {
  /** Where waiting helps. */
  readonly retryAfterSeconds?: number;
}

interface RenewalParts {
  readonly authority: Pick<Authority, 'rootsPem' | 'caCertificates' | 'issueGateway'>;
  readonly directory: Directory;
  readonly certificateUses: Pick<CertificateUses, 'note'>;
  readonly authentications: Pick<Authentications, 'add'>;
  readonly recordIssuance: IssuanceRecorder;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

/** Certificates of gateways, renewed by the one before: EST's simplereenroll (RFC 7030, section 4.2.2). */
export class Renewals {
  readonly #parts: RenewalParts;
  /** How often each gateway may be given one: where they come to nothing, they must not fill the log. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  /**
   * Issues the next certificate to the gateway that `shown`, the certificate of its TLS connection, proves; the handshake
   * has seen that it has the key. The request may be for another key, but for no other name.
   *
   * @param readRequest gives the request's DER, and throws IdentityError `request-malformed`: only called where a gateway
   *   is proven
   * @param source the address it comes from
   */
  async renew(
    shown: X509Certificate | undefined,
    readRequest: () => Uint8Array,
    source: string,
  ): Promise<
    { readonly kind: 'issued'; readonly certificatePem: string; readonly gateway: string } | NotRenewed
  > {
    const proven = this.#judge(shown);
    if (proven.kind === 'refused') return this.#refuse(nameOf(shown), proven, source);
    const { id } = proven.device;
    const { certificateUses, authority, directory } = this.#parts;
    certificateUses.note(proven, { channel: 'https', source });
    try {
      const request = readRequest();
      checkGatewayRequest(request, id);
      const late = this.tooOften(id);
      if (late !== undefined) return this.#refuse(id, late, source);
      const { certificatePem } = await authority.issueGateway(request, id, (issuance) =>
        this.#parts.recordIssuance(issuance, {
          ...{ organisation: proven.device.organisation.id, channel: 'https', source },
          ...{ actor: { kind: 'gateway', id }, target: { kind: 'device', id }, issuedFor: 'certificate' },
        }),
      );
      await directory.reloadCertificates(id);
      return { kind: 'issued', certificatePem, gateway: id };
    } catch (error) {
      if (!(error instanceof IdentityError && error.code === 'request-malformed')) throw error;
      return this.#refuse(id, { kind: 'refused', code: 'request-malformed', detail: error.message }, source);
    }
  }

  /** Which gateway a certificate proves, for this one purpose: whose end is so long ago that not even this is opened by it. */
  #judge(shown: X509Certificate | undefined): ProvenGateway | NotRenewed {
    const { directory, now } = this.#parts;
    const wall = now();
    const gateway = gatewayShown(shown, this.#parts, {
      wall,
      purpose: 'the certificate that is to be renewed',
    });
    if (gateway.kind === 'refused' || shown === undefined || gateway.notAfter >= wall) return gateway;
    const days = directory.certificateGraceDays(gateway.device.organisation);
    const late = shownFault(shown, this.#parts, { wall, endedAfter: wall - days * dayMs });
    return late === undefined
      ? gateway
      : { kind: 'refused', code: 'certificate-expired', detail: expired(shown, days) };
  }

  /** Whether a gateway has been given too many of late, by whatever it was let in; undefined: it may have one, and it counts. */
  tooOften(gateway: string): NotRenewed | undefined {
    const now = this.#parts.monotonic();
    const perHour = limits.certificateRenewalsPerHour;
    const bucket = this.#buckets.get(gateway) ?? new Bucket(perHour / 3600, perHour, now);
    this.#buckets.set(gateway, bucket);
    const wait = bucket.wait(now);
    if (wait === 0) {
      bucket.take(1, now);
      return undefined;
    }
    const retryAfterSeconds = Math.ceil(wait / 1000);
    const detail = `a gateway is given ${perHour} certificates an hour: use the newest one`;
    return { kind: 'refused', code: 'rate-limited', detail, retryAfterSeconds };
  }

  #refuse(name: string | undefined, refusal: NotRenewed, source: string): NotRenewed {
    const { authentications, directory } = this.#parts;
    const device: Device | undefined = name === undefined ? undefined : directory.device(name);
    authentications.add({
      ...{ organisation: device?.organisation.id ?? null, channel: 'https', action: 'certificate.renew' },
      target: name !== undefined && isGatewayId(name) ? { kind: 'device', id: name } : null,
      ...{ code: refusal.code, source, persons: [] },
    });
    return refusal;
  }
}

function expired({ validToDate }: X509Certificate, graceDays: number): string {
  const lets =
    graceDays === 0
      ? 'its organisation lets no certificate be renewed after its end'
      : `its organisation lets certificates be renewed for ${graceDays} days after their end`;
  return `your certificate ended at ${validToDate.toISOString()}, and ${lets}: ${remedies['certificate-expired']}`;
}
