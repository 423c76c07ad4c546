import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '@loadline/sdk/platform';
import type { DevicePrincipal } from '../access/index.ts';
import type { Authentication, Authentications } from '../audit/index.ts';
import type { Guard, SubjectKind } from '../guard/index.ts';
import { type DerivedSecret, isSecret, type Keyring, secretOf } from '../keys/index.ts';
import type { Device, Directory } from '../router/index.ts';
import { type CredentialKind, type Store, step } from '../store/index.ts';
import { Sightings, type Uses } from '../tokens/index.ts';
import type { Credential, CredentialBook } from './credential-book.ts';

/** Why it opens nothing. For the audit log only. */
type Fault =
  | 'unknown'
  | 'secret'
  | 'inactive'
  | 'revoked'
  | 'expired'
  | 'key'
  | 'device-disabled'
  | 'sockets-off';

/** What somebody shows at a door. */
export type Proof =
  | { readonly kind: 'token' | 'socket-token'; readonly token: Secret }
  | { readonly kind: 'key'; readonly id: string; readonly secret: Secret }
  /** What a socket key has signed; `isSigned` is asked whether that was done with this secret. */
  | { readonly kind: 'socket-key'; readonly id: string; readonly isSigned: (secret: KeyObject) => boolean };

/** Where it is shown. */
export interface Place {
  readonly channel: Authentication['channel'];
  /** The address it comes from. */
  readonly source: string;
  /**
   * The address is only what a datagram says: failures are then not counted against it, or anybody could have any other
   * address shut out.
   */
  readonly isClaimed?: boolean;
}

/** A credential that is good, and the device it proves. */
export interface HeldCredential {
  readonly principal: DevicePrincipal;
  readonly device: Device;
  readonly kind: CredentialKind;
}

/** What comes of showing one. Who showed it learns nothing of why it is not good. */
export type ShownCredential =
  | { readonly kind: 'held'; readonly held: HeldCredential }
  | { readonly kind: 'refused' }
  /** And so often that it is to stay away: `retryAfterSeconds` is whole, at least 1. */
  | { readonly kind: 'held-back'; readonly retryAfterSeconds: number };

const subjects = {
  token: 'token',
  'socket-token': 'socket',
  key: 'application-key',
  'socket-key': 'socket',
} as const satisfies Record<CredentialKind, SubjectKind>;

interface CredentialHoldersParts {
  readonly store: Pick<Store, 'change'>;
  readonly keys: Keyring;
  readonly book: CredentialBook;
  readonly directory: Directory;
  readonly guard: Guard;
  readonly uses: Uses;
  readonly authentications: Authentications;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Who shows what a device was given, and which device that is now. */
export class CredentialHolders {
  readonly #parts: CredentialHoldersParts;
  readonly #sightings = new Sightings();
  /** Secrets of socket keys, each made again once: lines are many. */
  readonly #secrets = new WeakMap<Credential, KeyObject>();

  constructor(parts: CredentialHoldersParts) {
    this.#parts = parts;
  }

  /**
   * Which device a token or a key with its secret proves. One that is good is held up by nothing; another is counted as
   * a failure of the address it comes from. So is a good one that its organisation does not let in here: `isLetIn`.
   */
  show(proof: Proof, place: Place, isLetIn: (held: HeldCredential) => boolean = () => true): ShownCredential {
    const found =
      'token' in proof
        ? this.#parts.book.withToken(proof.kind, proof.token.reveal())
        : this.#parts.book.withId(proof.kind, proof.id);
    const proven = this.#isProven(proof, found);
    const judged = found === undefined ? 'unknown' : proven ? this.#judge(found) : 'secret';
    if (typeof judged === 'string') return this.#refuse(proof.kind, judged, found, proven, place);
    if (!isLetIn(judged)) return this.#refuse(proof.kind, 'sockets-off', found, proven, place);
    this.#take(found as Credential, judged, place);
    return { kind: 'held', held: judged };
  }

  /** Counts what was shown as a failure: of nobody known, or with `proven`, of who has the right secret. */
  #refuse(
    kind: CredentialKind,
    fault: Fault,
    found: Credential | undefined,
    proven: boolean,
    { channel, source, isClaimed }: Place,
  ): ShownCredential {
    const known = proven ? found : undefined;
    const subject = { kind: subjects[kind], name: known?.id ?? '' };
    const answer = isClaimed
      ? undefined
      : this.#parts.guard.ask({ subject, source, ...(known && { seal: 'holds' as const }) });
    if (answer?.go) this.#parts.guard.failed(answer.permit);
    this.#parts.authentications.add({
      organisation: (known && this.#parts.directory.numbered(known.device)?.organisation.id) ?? null,
      channel,
      action: 'device-credential.use',
      target: known === undefined ? null : { kind: 'device-credential', id: known.id },
      code: answer?.go === false ? 'too-many-attempts' : fault,
      source,
      persons: [],
    });
    if (answer?.go !== false) return { kind: 'refused' };
    return { kind: 'held-back', retryAfterSeconds: answer.retryAfterSeconds };
  }

  /** Whether a credential that was good is so still: links ask at least once a second. */
  isGood(id: string, kind: CredentialKind): boolean {
    const found = this.#parts.book.withId(kind, id);
    return found !== undefined && typeof this.#judge(found) !== 'string';
  }

  #isProven(proof: Proof, found: Credential | undefined): boolean {
    if ('token' in proof) return true;
    const key = found?.version == null ? undefined : { id: found.id, version: found.version };
    if (proof.kind === 'key') return isSecret(this.#parts.keys, 'device-secret', key, proof.secret.reveal());
    const secret = found && key && this.#secretOf(found, key);
    return secret !== undefined && proof.isSigned(secret);
  }

  #secretOf(found: Credential, key: DerivedSecret): KeyObject | undefined {
    const known = this.#secrets.get(found);
    if (known !== undefined) return known;
    const bytes = secretOf(this.#parts.keys, 'socket-secret', key);
    if (bytes === undefined) return undefined;
    const secret = createSecretKey(bytes);
    this.#secrets.set(found, secret);
    return secret;
  }

  #judge({ id, device: number, kind, status, expires, version }: Credential): HeldCredential | Fault {
    if (status !== 'active') return status;
    if (expires !== null && expires <= this.#parts.now()) return 'expired';
    // Who forgets a version after a leak ends the keys that were made with it.
    if (version !== null && this.#parts.keys.version('device-secret', version) === undefined) return 'key';
    const device = this.#parts.directory.numbered(number);
    if (device === undefined) return 'unknown';
    if (!device.enabled) return 'device-disabled';
    const { organisation } = device;
    return { principal: { kind: 'device', id: device.id, organisation, credential: id }, device, kind };
  }

  #take(credential: Credential, { principal, device }: HeldCredential, { channel, source }: Place): void {
    const { id } = credential;
    const at = this.#parts.now();
    credential.used = at;
    this.#parts.uses.note({ kind: 'device-credential', id });
    if (credential.replaces !== null) {
      this.#endReplaced(credential, credential.replaces, principal, channel);
    }
    if (!this.#sightings.isNews(id, source, at)) return;
    this.#parts.authentications.add({
      organisation: device.organisation.id,
      channel,
      action: 'device-credential.use',
      actor: { kind: 'device', id: device.id },
      target: { kind: 'device-credential', id },
      code: null,
      source,
      persons: [],
    });
  }

  /** The new one is at work: the old one has done its part. Where that cannot be written, the next use says it again. */
  #endReplaced(
    credential: Credential,
    replaces: string,
    { id, organisation }: DevicePrincipal,
    channel: Place['channel'],
  ): void {
    const old = this.#parts.book.ofDeviceWithId(credential.device, replaces);
    credential.replaces = null;
    if (old === undefined || old.status === 'revoked') return;
    const before = { name: old.name, status: old.status };
    old.status = 'revoked';
    const entry = {
      organisation: organisation.id,
      at: this.#parts.now(),
      actor: { kind: 'device', id },
      channel,
      action: 'device-credential.delete',
      target: { kind: 'device-credential', id: old.id },
      outcome: 'done',
      code: null,
      before,
      after: { status: 'revoked', replacedBy: credential.id },
      personal: null,
    } as const;
    this.#parts.store
      .change({ steps: [step('revokeDeviceCredential', { id: old.id })], audit: [entry] })
      .catch(() => {
        // As the store has it, and a restart would.
        old.status = before.status;
        credential.replaces = replaces;
      });
  }
}
