import type { KeyObject } from 'node:crypto';
import { admits, type Code, type SocketTransport } from '@loadline/sdk/contract';
import {
  isSigned,
  type ReplyTo,
  readLine,
  type SignedLine,
  type SocketReply,
  type TokenLine,
} from '@loadline/sdk/socket';
import type { CredentialHolders, HeldCredential } from '../../devices/index.ts';
import type { Limited, Meter, Metering } from '../../limits/index.ts';
import type { Delivery, Directory, Receipt, Router } from '../../router/index.ts';

export interface TakerParts {
  readonly router: Pick<Router, 'deliver'>;
  /** Counts and limits sessions. */
  readonly metering?: Metering | undefined;
  readonly directory: Pick<Directory, 'socketPolicy' | 'device'>;
  readonly credentialHolders: Pick<CredentialHolders, 'show' | 'isGood'>;
}

/** How a line came. */
export interface Origin {
  readonly transport: SocketTransport;
  /** The address it came from, as the socket says. */
  readonly source: string;
}

/** A line of somebody who is known. */
export interface KnownLine {
  readonly kind: 'known';
  readonly held: HeldCredential;
  readonly form: 'token' | 'signed';
  /** What replies to it name it by, and are signed with. */
  readonly to: ReplyTo | undefined;
  /**
   * Begins the session of a connection on which it is the first. What is in the way of it is said instead. `onOver` is told
   * when the time it may have is used up.
   */
  begin(onOver: (limited: Limited) => void): Meter | Limited | undefined;
  /**
   * Delivers it; `settle` is called once, with what to say of it, and what counts that. Without a `meter` it is a session of
   * its own.
   */
  deliver(
    meter: Meter | undefined,
    settle: (reply: SocketReply, meter: Pick<Meter, 'account'> | undefined) => void,
  ): void;
}

/** Who sent it is not known. The same for a token that is wrong, has ended, or is not let in here. */
export interface UnknownLine {
  readonly kind: 'unknown';
  readonly reply: SocketReply;
}

/** Whoever a connection was known as, and by what. */
export interface Known {
  readonly held: HeldCredential;
  readonly form: 'token' | 'signed';
}

/** From a line to a delivery, by whatever transport it came. */
export class LineTaker {
  readonly #parts: TakerParts;

  constructor(parts: TakerParts) {
    this.#parts = parts;
  }

  /** Finds out who sent a line, without its end. Nothing of it is logged. */
  take(line: Uint8Array, { transport, source }: Origin): KnownLine | UnknownLine {
    const read = readLine(line);
    if (read.kind === 'malformed') return unknown(errorReply('line-malformed', read.reason));
    let secret: KeyObject | undefined;
    const shown = this.#parts.credentialHolders.show(
      read.kind === 'token'
        ? { kind: 'socket-token', token: read.token }
        : {
            kind: 'socket-key',
            id: read.key,
            isSigned: (key) => {
              secret = key;
              return isSigned(read, key);
            },
          },
      { channel: 'socket', source, isClaimed: transport === 'udp' },
      ({ device }) => admits(this.#parts.directory.socketPolicy(device.organisation), transport, read.kind),
    );
    if (shown.kind !== 'held') return unknown(nobody);
    const { held } = shown;
    return {
      kind: 'known',
      held,
      form: read.kind,
      to: nameOf(read, secret),
      begin: (onOver) => this.#parts.metering?.begin(held.principal, { door: transport, source }, onOver),
      deliver: (ofConnection, settle) => {
        const meter =
          ofConnection ?? this.#parts.metering?.visit(held.principal, { door: transport, source });
        this.#parts.router.deliver({ ...deliveryOf(read, held), meter }, (receipt) =>
          settle(replyOf(receipt), meter),
        );
      },
    };
  }

  /** Whether whoever was known is so still: credential, device, and what the organisation lets in. */
  isKnownStill({ held, form }: Known, transport: SocketTransport): boolean {
    const { credentialHolders, directory } = this.#parts;
    const { kind, principal, device } = held;
    if (!credentialHolders.isGood(principal.credential, kind)) return false;
    return admits(directory.socketPolicy(device.organisation), transport, form);
  }
}

const nobody = errorReply(
  'unauthenticated',
  'the token is wrong, or the signature, or it opens nothing here',
);

export function errorReply(code: Code, reason: string): SocketReply {
  return { kind: 'error', code, reason };
}

function unknown(reply: SocketReply): UnknownLine {
  return { kind: 'unknown', reply };
}

function nameOf(line: TokenLine | SignedLine, secret: KeyObject | undefined): ReplyTo | undefined {
  if (line.kind === 'signed') return secret && { id: String(line.counter), secret };
  return line.id === undefined ? undefined : { id: line.id };
}

/** Only the readings go on: neither token nor signature is in what is stored, or kept where it is refused. */
function deliveryOf(line: TokenLine | SignedLine, { principal, device }: HeldCredential): Delivery {
  // A copy: what it is a part of is as large as whatever came with it, and commits take their time.
  const body = Uint8Array.from(line.readings);
  const what = {
    principal,
    device: device.id,
    channel: 'readings',
    form: 'line',
    door: 'socket',
    body,
  } as const;
  if (line.kind === 'token') return { ...what, key: line.id };
  return { ...what, key: undefined, counter: { credential: principal.credential, counter: line.counter } };
}

function replyOf(receipt: Receipt): SocketReply {
  switch (receipt.kind) {
    case 'committed':
      if (receipt.stored === 0 && receipt.duplicate > 0) return { kind: 'duplicate' };
      return { kind: 'stored', readings: receipt.stored };
    case 'rejected':
      return errorReply(receipt.code, receipt.detail);
    case 'limited':
      return { kind: 'limited', seconds: receipt.retryAfterSeconds };
    case 'forbidden':
      return nobody;
    case 'failed':
    case 'answered':
      return errorReply('internal', 'it was not committed: send it again');
  }
}
