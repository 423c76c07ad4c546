import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { OrganisationClient } from '@loadline/sdk/client';
import type { News, Reply } from '@loadline/sdk/provisioning';
import type { Reading } from '@loadline/sdk/telemetry';
import type { ByteSink, FaultProxy } from '../rig/index.ts';
import type { LogLine, Sections } from '../system/index.ts';
import type { Ability } from './ability.ts';

/** What scenarios stand on: a radio, a gateway, a cloud and the network between them, simulated or real. */
export interface Bench {
  /** Which bench this is, in words, and what of it is simulated. */
  readonly label: string;
  /** Why this bench cannot do it; undefined where it can. */
  lacks(ability: Ability): string | undefined;
  /**
   * Sets a site up, with a cloud of its own that knows nothing yet, and starts it. It is closed with the bench. A bench of real hardware has one
   * site at a time: there, asking for a second one rejects.
   */
  site(options?: SiteOptions): Promise<Site>;
  /** The gateway elsewhere. Needs the ability `console`. */
  console(): Promise<Console>;
  /** Ends everything of every site. */
  close(): Promise<void>;
}

/** One port of a gateway, spelt as in its configuration file, but for `path`. */
export interface PortOptions {
  readonly name: string;
  /**
   * Name of an adapter of the bench, or a pattern of such names (`ttyUSB*`), which needs the ability `adapters`. Default: an
   * adapter of the port's own, which the bench chooses.
   */
  readonly path?: string;
  readonly [key: string]: unknown;
}

/** What a site is to be like. */
export interface SiteOptions {
  /** Ports of the gateway. Default: one, `radio`. More than one needs the ability `adapters`. */
  readonly ports?: readonly PortOptions[];
  /** Adapters that are plugged in from the beginning. Default: one for each port whose path is no pattern. */
  readonly adapters?: readonly string[];
  /** The other sections of the gateway's configuration. Default: every tag counts from its first frame on. */
  readonly sections?: Sections;
  /**
   * `proxied`: the gateway reaches the cloud's MQTT door through a proxy that can spoil the way; needs the ability
   * `network-faults`. Default: `straight`.
   */
  readonly link?: 'straight' | 'proxied';
  /** `prepared`: the gateway is left to `gateway.start()`. Default: `started`, with its ports open and its link up. */
  readonly gateway?: 'started' | 'prepared';
}

/** A gateway with its radios, its cloud, and what lies between. */
export interface Site {
  /** The first adapter that was plugged in. */
  readonly radio: Radio;
  /** The others: what needs the ability `adapters`. Throws where the bench lacks it. */
  readonly adapters: Adapters;
  readonly gateway: Gateway;
  readonly cloud: Cloud;
  /** What lies between gateway and cloud. Throws where the link is straight. */
  readonly network: FaultProxy;
}

/** The bench's end of a line to the gateway: what is written comes in at the gateway's port. */
export interface Radio extends ByteSink {
  /** What it is, in words; simulated ones say so. */
  readonly label: string;
  /** The gateway's end, as the gateway's configuration may name it. */
  readonly path: string;
  /** Resolves when the gateway has read everything that was written, as far as that can be known from this end. */
  drained(): Promise<void>;
  /** Calls `listener` with what the gateway sends, as it comes. Returns a function that ends it. */
  onData(listener: (bytes: Uint8Array) => void): () => void;
  /** Needs the ability `unplug`. Resolves when the gateway's device is gone. */
  unplug(): Promise<void>;
  /** Needs the ability `unplug`. Resolves when the gateway's device is there again. */
  replug(): Promise<void>;
}

/** A folder of adapters, as /dev/serial/by-id is. */
export interface Adapters {
  /** Path or pattern in this folder. */
  path(name: string): string;
  /** Plugs another adapter in, under this name. */
  plugIn(name: string): Promise<Radio>;
  /** Gives an adapter another name, at one blow. */
  rename(name: string, to: string): Promise<void>;
  /** Makes the link `name` lead to the device of `to`, as when an adapter is changed for its twin. */
  lead(name: string, to: Radio): Promise<void>;
  /** Takes the name away and leaves the device, as udev does a moment before the device goes. */
  unlink(name: string): Promise<void>;
}

/** A gateway elsewhere, as far as it lets itself be seen: by what it says on its own serial console. */
export interface Console {
  /** The line to its serial port. */
  readonly radio: Radio;
  /** What it says of itself to whoever has its cable. */
  describe(): Promise<Reply<'describe'>>;
  /** Has it listen, and count from nothing. Needs the ability `console-owner`, as does what it heard. */
  listen(): Promise<void>;
  /** Waits until what it has heard since then is as `wanted`; it tells once a second. */
  heardWhere(
    what: string,
    wanted: (heard: readonly HeardTag[]) => boolean,
    limitMs?: number,
  ): Promise<readonly HeardTag[]>;
}

/** A sensor as a gateway elsewhere hears it. */
export type HeardTag = News<'heard'>['tags'][number];

/** The gateway under test: the shipped program. */
export interface Gateway {
  /** What it is called at the cloud. */
  readonly id: string;
  /** What its present run has logged, so far. */
  readonly log: readonly LogLine[];
  /** Waits until its present run has logged this event so often (default 1), of one subject where one is named; that line. */
  said(event: string, options?: { times?: number; subject?: string; limitMs?: number }): Promise<LogLine>;
  /** Hears every line of its log from now on, progress lines too. Returns a function that ends it. */
  onLine(listener: (line: LogLine) => void): () => void;
  /** Name of what its present run numbers its readings in. */
  epoch(): Promise<string>;
  /** Starts it, for the first time or again. `under`: words before its command line, a program that starts it. */
  start(under?: readonly string[]): Promise<void>;
  /** Ends it in order. Needs the ability `kill-gateway`. */
  stop(): Promise<void>;
  /** Ends it at once, as kill -9 does. Needs the ability `kill-gateway`. */
  kill(): Promise<void>;
  /** What its own doctor finds. */
  doctor(): Promise<Diagnosis>;
  /** Seconds of processor time it has used. Needs the ability `gateway-process`. */
  processorSeconds(): number;
}

/** What the doctor finds, and the code it ends with. */
export interface Diagnosis {
  readonly code: number;
  readonly findings: readonly {
    readonly severity: string;
    readonly about: string;
    readonly says: string;
    readonly act: string;
  }[];
}

/** What the cloud has of one run of a gateway. */
export type Run = ReplyOf<Operations['getRun']>;
/** The gateway's own account of that run, as its last health message told it. */
export type Health = NonNullable<Run['health']>;
/** What a run brought, and how many deliveries of its gateway were ever rejected. */
export type Account = Run & { readonly rejected: number };

/** A reading as it stands in the store. */
export interface StoredReading extends Reading {
  readonly epoch: string;
  readonly number: number;
  /** When the delivery that brought it was written, ms since 1970. */
  readonly written: number;
}

/** The cloud: the shipped program, on a database of the site's own. */
export interface Cloud {
  /** A client, logged in, within the organisation that the gateway belongs to. */
  readonly organisation: OrganisationClient;
  /** What it has of the gateway's present run; undefined while it has nothing. */
  run(): Promise<Run | undefined>;
  /**
   * Waits until the present run's account is as `wanted`. Each time it is looked at, every byte and every frame of the
   * gateway must be somewhere and nowhere twice, or it rejects.
   */
  accountWhere(
    what: string,
    wanted: (run: Run, health: Health) => boolean,
    limitMs?: number,
  ): Promise<Account>;
  /** Waits until `count` readings of the present run are stored, and the gateway knows it and has said so. */
  stored(count: number, limitMs?: number): Promise<Account>;
  /** The stored readings, epoch after epoch in the order of their numbers: read from the database's files. */
  readings(): StoredReading[];
  /** What it was told of the gateway's events, the oldest first: `code subject`. */
  events(): Promise<string[]>;
  /** Ends it in order. Needs the ability `kill-cloud`, as do those below. */
  stop(): Promise<void>;
  /** Ends it at once, as kill -9 does. */
  kill(): Promise<void>;
  /** Starts it again, on the same state and the same ports. */
  start(): Promise<void>;
}
