import { dirname, join } from 'node:path';
import { type SlotName, slotName } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { type ReleaseTarget, releaseTarget } from '@loadline/sdk/release';
import type { EventWords } from '@loadline/sdk/telemetry';
import type { Time } from '../clock/index.ts';
import type { Config } from '../config/index.ts';
import type { Identity } from '../identity/index.ts';
import { type Layout, layoutOf } from '../slots/index.ts';

/** What updates need of the gateway that they are of. */
export interface UpdatesOptions {
  /** `LOADLINE_SLOT`, by the launcher; and where an installation has what, where that is moved. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of the release that runs, and when it was made, ms since 1970. */
  readonly running: string;
  readonly built: number;
  /** The configuration in force. */
  readonly config: () => Pick<Config, 'update' | 'uplink'>;
  /** `enrolment.url`; undefined where there is none. */
  readonly url: string | undefined;
  readonly identity: () => Identity | undefined;
  readonly authorityPem: () => string;
  readonly time: () => Time;
  readonly monotonic: () => number;
  readonly random: () => number;
  /** Frames that this run has heard. */
  readonly frames: () => number;
  /** Entries of the journal that wait to be sent. */
  readonly unsent: () => number;
  /** Bytes of the disk that the journal may still take. */
  readonly journalRoom: () => number;
  /** Resolves once what was told is on disk. */
  readonly flush: () => Promise<void>;
  readonly publish: (json: string) => Promise<boolean>;
  readonly onEvent: (event: EventWords) => void;
  /** Another release is to be tried: this run is to end, in order, with code 0. */
  readonly onSwitch: () => void;
  readonly log: Log;
  /** Milliseconds between two looks around; a second where it is left out. */
  readonly lookMilliseconds?: number;
}

/** What follows from that once and for all. */
export interface Surroundings {
  readonly options: UpdatesOptions;
  readonly layout: Layout;
  /** The slot that this run was started from; null where no launcher started it. */
  readonly slot: SlotName | null;
  /** What releases for this computer are called; undefined where there are none. */
  readonly target: ReleaseTarget | undefined;
  /** The gateway's own folder of updates, beside `boot` and `staging`: parts, memory, what metadata it believes. */
  readonly folder: string;
}

/** Where these updates take place. */
export function surroundingsOf(options: UpdatesOptions): Surroundings {
  const { environment } = options;
  const layout = layoutOf(environment);
  return {
    options,
    layout,
    slot: slotName.safeParse(environment.LOADLINE_SLOT).data ?? null,
    target: releaseTarget.safeParse(`linux-${process.arch}`).data,
    folder: join(dirname(layout.boot.folder), 'updates'),
  };
}

/**
 * Why this gateway cannot be updated over the air at all, by name and in words; undefined where it can.
 *
 * @param root what says whose releases are believed; undefined where it cannot be read
 */
export function incapacity(
  { options, layout, slot, target }: Surroundings,
  root: string | undefined,
): { readonly code: string; readonly detail: string } | undefined {
  if (slot === null) {
    const detail = 'no launcher started this gateway, so nobody could go back: update it by hand';
    return { code: 'no-launcher', detail };
  }
  if (options.url === undefined) {
    const detail = 'its configuration has no `enrolment.url`: releases are fetched from that host';
    return { code: 'no-source', detail };
  }
  if (target === undefined) {
    return { code: 'no-target', detail: `there are no releases for linux-${process.arch}` };
  }
  if (root !== undefined) return undefined;
  const detail = `${layout.trustedRoot} cannot be read: it says whose releases are believed`;
  return { code: 'no-trusted-root', detail };
}
