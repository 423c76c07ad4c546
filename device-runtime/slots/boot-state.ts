import { mkdir } from 'node:fs/promises';
import type { SlotName } from '@loadline/sdk/contract';
import { readRegular, removeWhole, writeWhole } from '@loadline/sdk/platform';
import type { Layout } from './layout.ts';

/** A slot that is written: `factory` never is. */
export type WrittenSlot = 'a' | 'b';

/** A release that has to report health, or the launcher goes back. */
export interface Trial {
  readonly slot: WrittenSlot;
  /** How often the launcher has begun with it. */
  readonly starts: number;
  /** What it has for it, from each start on. */
  readonly seconds: number;
  /** The offer it came by. */
  readonly id: string;
}

/** What is to run: all of the state that slots have, in one line of one file. */
export interface BootState {
  readonly current: SlotName;
  readonly trial: Trial | undefined;
}

/**
 * Why the launcher went back: it began with the trial as often as it may (`starts`), its time was over (`deadline`), it
 * cannot use its configuration (`configuration`), or its slot cannot be run (`missing`).
 */
const trialReasons = ['starts', 'deadline', 'configuration', 'missing'] as const;
/** Why it left a release that was confirmed: it died at once three times in a row, or cannot be run. */
const fallReasons = ['deaths', 'missing'] as const;

/** What the launcher has done by itself, for the gateway to tell. */
export type LauncherResult =
  | {
      readonly kind: 'rolled-back';
      readonly id: string;
      readonly slot: WrittenSlot;
      readonly reason: (typeof trialReasons)[number];
    }
  | {
      readonly kind: 'fell-back';
      readonly slot: SlotName;
      readonly to: SlotName;
      readonly reason: (typeof fallReasons)[number];
    };

/** More than any line of these has. */
const mostBytes = 200;
const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const stateForm = new RegExp(
  `^current=(a|b|factory)(?: trial=(a|b) starts=([0-9]) seconds=([1-9][0-9]{1,3}) id=(${uuid}))?\\n$`,
);
const resultForm = new RegExp(
  `^(?:rolled-back id=(${uuid}) slot=(a|b) reason=(${trialReasons.join('|')})` +
    `|fell-back slot=(a|b|factory) to=(a|b|factory) reason=(${fallReasons.join('|')}))\\n$`,
);

/** Reads the line strictly, as the launcher does: a root's program reads it too, and the gateway could write anything. */
export function parseBootState(text: string): BootState | undefined {
  const [, current, slot, starts, seconds, id] = stateForm.exec(text) ?? [];
  if (current === undefined || current === slot) return undefined;
  if (slot === undefined) return { current: current as SlotName, trial: undefined };
  return {
    current: current as SlotName,
    trial: {
      slot: slot as WrittenSlot,
      starts: Number(starts),
      seconds: Number(seconds),
      id: id as string,
    },
  };
}

/** The line of a state. @throws Error where it says what no state says */
export function formatBootState({ current, trial }: BootState): string {
  const { slot, starts, seconds, id } = trial ?? {};
  const line =
    trial === undefined
      ? `current=${current}\n`
      : `current=${current} trial=${slot} starts=${starts} seconds=${seconds} id=${id}\n`;
  if (parseBootState(line) === undefined) throw new Error(`no state of slots is ${line.trim()}`);
  return line;
}

/** What is to run. Where there is no such line, or one that is not whole, that is what came with image or package. */
export async function readBootState(layout: Layout): Promise<BootState> {
  const bytes = await readRegular(layout.boot.state, mostBytes).catch(() => undefined);
  return parseBootState(bytes?.toString('latin1') ?? '') ?? { current: 'factory', trial: undefined };
}

/**
 * Has the release in a slot tried at the next start of the launcher, of which the gateway makes sure by ending itself with
 * code 0. Power cut at any moment: it is tried, or nothing has changed.
 *
 * @throws Error where another one is on trial, or this one runs already
 */
export async function startTrial(layout: Layout, trial: Omit<Trial, 'starts'>): Promise<void> {
  const { current, trial: other } = await readBootState(layout);
  if (other !== undefined) throw new Error(`the release in slot ${other.slot} is on trial`);
  await writeState(layout, { current, trial: { ...trial, starts: 0 } });
}

/**
 * Makes the release on trial the one that runs from now on: one rename. Before it the launcher goes back, after it never.
 *
 * @param slot the one that this process runs from
 * @throws Error where that one is not on trial
 */
export async function confirm(layout: Layout, slot: SlotName): Promise<void> {
  const { trial } = await readBootState(layout);
  if (trial?.slot !== slot) throw new Error(`the release in slot ${slot} is not on trial`);
  await writeState(layout, { current: slot, trial: undefined });
}

/** What the launcher went back from; undefined where it did not, or that was told already. */
export async function readResult(layout: Layout): Promise<LauncherResult | undefined> {
  const bytes = await readRegular(layout.boot.result, mostBytes).catch(() => undefined);
  const found = resultForm.exec(bytes?.toString('latin1') ?? '');
  if (found === null) return undefined;
  const [, id, trialSlot, trialReason, slot, to, reason] = found;
  if (id !== undefined) {
    return {
      kind: 'rolled-back',
      id,
      slot: trialSlot as WrittenSlot,
      reason: trialReason as (typeof trialReasons)[number],
    };
  }
  return {
    kind: 'fell-back',
    slot: slot as SlotName,
    to: to as SlotName,
    reason: reason as (typeof fallReasons)[number],
  };
}

/** The result has been told. */
export async function clearResult(layout: Layout): Promise<void> {
  await removeWhole(layout.boot.result);
}

/**
 * A newer launcher has started a gateway that works: the three starts that it has to show that are given to it anew. Said
 * once a gateway has run for a while; where nothing is to be said nothing is written. One that was given up stays so: its
 * three starts, if each of them hung, would be minutes at every start.
 *
 * @param environment by which the gateway knows that a newer launcher has started it
 */
export async function confirmLauncher(
  layout: Layout,
  environment: { readonly LOADLINE_STAGE?: string | undefined },
): Promise<void> {
  if (environment.LOADLINE_STAGE !== '1') return;
  const found = await readRegular(layout.boot.launcher, mostBytes).catch(() => undefined);
  if (found !== undefined) await removeWhole(layout.boot.launcher);
}

async function writeState(layout: Layout, state: BootState): Promise<void> {
  await mkdir(layout.boot.folder, { recursive: true, mode: 0o700 });
  await writeWhole(layout.boot.state, formatBootState(state), 0o600);
}
