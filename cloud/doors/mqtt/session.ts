import type { Code } from '@loadline/sdk/contract';
import type { Client } from 'aedes';
import type { ApplicationSession } from './application-session.ts';
import type { DeviceSession } from './device-session.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import type { Link } from './link.ts';

/** The link of a gateway, of another device, or of an application, from its CONNECT to its end. */
export type Session = GatewaySession | DeviceSession | ApplicationSession;

/** What somebody may do on his link, and what he hears of it. */
export interface SessionKind {
  readonly kind: 'gateway' | 'device' | 'application';
  /** A publish has come; `done` is called once it is settled, unless the link is ending. */
  publish(packet: Published, done: () => void): void;
  /** Whether it may subscribe to that. */
  subscribe(topic: string): boolean;
  /** The subscription has been granted, and that is on its way. */
  subscribed(topic: string): void;
  unsubscribed(topic: string): void;
}

/** A publish as it comes from the broker. */
export interface Published {
  readonly topic: string;
  readonly qos: number;
  /** Of QoS 1: what it is acknowledged by, used again once it is (MQTT 3.1.1, section 2.3.1). */
  readonly packetId: number;
  /** Its sender has sent it before (section 3.3.1.1). */
  readonly dup: boolean;
  readonly body: Uint8Array;
}

/** A CONNECT, and what it comes on. */
export interface Arrival {
  readonly client: Client;
  readonly connection: GuardedConnection;
  /** The address it comes from. */
  readonly source: string;
  /** When it was accepted, monotonic ms. */
  readonly began: number;
}

/** What becomes of a CONNECT. */
export type Admission =
  | { readonly kind: 'admitted'; readonly session: Session }
  | {
      readonly kind: 'refused';
      readonly code: Code;
      /** 2: identifier rejected, 4: bad user name or password, 5: not authorised (MQTT 3.1.1, table 3.1). */
      readonly returnCode: 2 | 4 | 5;
    }
  /** It proved who it is, and is closed all the same, with a notice, once it has its CONNACK: nothing can be said before. */
  | { readonly kind: 'turned-away'; readonly code: Code; readonly detail: string; readonly link: Link }
  /** It has gone meanwhile. */
  | { readonly kind: 'gone' };
