import { setTimeout as wait } from 'node:timers/promises';
import { type FlashReply, type FlashState, flashQuestions, flashRead } from '@loadline/sdk/flashing';
import { LinkError } from '@loadline/sdk/serial-link';
import { CalledWrongly } from '../cloud/outcome.ts';
import { discover, type Found, serialPorts } from '../provision/discover.ts';
import { LineLost } from '../provision/line.ts';
import type { SerialGateway } from '../provision/serial-gateway.ts';
import type { Report } from './events.ts';
import { FlashFailure } from './outcome.ts';
import { Pace } from './progress.ts';
import type { ReleaseFolder } from './repository.ts';

export interface SerialOptions {
  readonly ports: readonly string[];
  readonly baud: number;
  /** Milliseconds that a line that is gone is waited for: a restart of the gateway is in it. */
  readonly patience: number;
  readonly repository: ReleaseFolder;
  /** Undefined: the newest that the repository has for the gateway. */
  readonly release: string | undefined;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly monotonic: () => number;
}

/** A release that runs, and is confirmed. */
export interface Flashed {
  readonly release: string;
  readonly serialNumber: string;
}

/** Milliseconds in which a gateway answers, and between two looks at how far it is. */
const answerMs = 8000;
const lookMs = 1000;
/** Milliseconds that a launcher takes to end one release and to start another, on a small machine. */
const restartMs = 120_000;
/** Seconds for an answer: a gateway that restarts does not answer meanwhile. */
const askSeconds = 20;
/** How often a gateway that lost the line is asked to go on. */
const attempts = 20;

/**
 * Brings a release to a gateway over a serial line, and sees it confirmed.
 *
 * @throws FlashFailure; CalledWrongly
 */
export async function flashSerial(options: SerialOptions): Promise<Flashed> {
  const { report } = options;
  const found = await findGateway(options);
  const { line, description, path } = found;
  try {
    if (!line.capabilities.includes('flashing/1')) {
      throw new FlashFailure(
        'refused-by-gateway',
        `the gateway on ${path} takes no release over its line: it has ${description.runtime}`,
        'flash its card instead (docs/flashing.md)',
      );
    }
    const { running, flash } = await stateOf(line);
    const release = await releaseFor(running, options);
    const { serialNumber } = description;
    report({
      event: 'note',
      says: `${serialNumber} on ${path} runs ${running.release} in slot ${running.slot ?? 'none'}, and is to have ${release}`,
    });
    // What is on trial runs, and may yet be gone back from.
    if (running.release === release && flash.state !== 'trying') return { release, serialNumber };
    await bring(line, release, running.target as NonNullable<typeof running.target>, options);
    return { release, serialNumber };
  } catch (error) {
    throw inOurTerms(error, path);
  } finally {
    await line.close();
  }
}

async function findGateway({ ports, baud, patience, repository, report }: SerialOptions) {
  const paths = ports.length > 0 ? ports : await serialPorts();
  const onLife = (life: 'lost' | 'back') =>
    report({
      event: 'note',
      says: life === 'lost' ? 'the line is silent; waiting for it' : 'the line is back: it goes on',
    });
  const answers = { [flashRead.name]: (body: unknown) => repository.read(body) };
  const found = await discover(paths, { baud, limitMs: answerMs, patience, onLife, answers });
  const gateways = found.filter((one) => one.kind === 'gateway');
  const [only, second] = gateways;
  if (only !== undefined && second === undefined) return only;
  await Promise.all(gateways.map(({ line }) => line.close()));
  if (second !== undefined) {
    throw new CalledWrongly(
      `several gateways answer: --port says which, ${gateways.map(({ path }) => path).join(', ')}`,
    );
  }
  const silent = found.find((one): one is Extract<Found, { kind: 'silent' }> => one.kind === 'silent');
  throw new FlashFailure(
    'no-gateway',
    silent === undefined ? 'this machine has no serial port' : `no gateway on ${silent.path}: ${silent.says}`,
    silent?.act ?? 'connect its console or USB-gadget port',
  );
}

async function releaseFor(
  { target }: FlashReply<'flash-state'>['running'],
  { repository, release }: SerialOptions,
): Promise<string> {
  if (target === null) {
    throw new FlashFailure(
      'refused-by-gateway',
      'there are no releases for such a machine',
      'see docs/releases.md',
    );
  }
  const versions = await repository.versions(target);
  const newest = versions.at(-1);
  if (newest === undefined) throw new CalledWrongly(`the repository has no release for ${target}`);
  if (release === undefined) return newest;
  if (versions.includes(release)) return release;
  throw new CalledWrongly(
    `the repository has no release ${release} for ${target}, only ${versions.join(', ')}`,
  );
}

type Target = NonNullable<FlashReply<'flash-state'>['running']['target']>;

/** Has a gateway take a release, as often as the line lets it begin anew, and looks until it came to its end. */
async function bring(
  line: SerialGateway,
  release: string,
  target: Target,
  { report, signal, monotonic }: SerialOptions,
): Promise<void> {
  let begun = 0;
  let isFirst = true;
  let shown = '';
  let pace: Pace | undefined;
  for (;;) {
    signal.throwIfAborted();
    let state: FlashState;
    try {
      state = (await stateOf(line)).flash;
      const isOurs = state.state !== 'idle' && state.release === release;
      const isLost = isOurs && state.state === 'refused' && state.code === 'source-failed';
      // What ended before this tool was called is begun anew; and a fetch that another one began asks that one.
      const isOfBefore = isFirst && (isEnd(state) || state.state === 'fetching');
      isFirst = false;
      if (!isOurs || isLost || isOfBefore) {
        if (begun++ >= attempts) {
          throw new FlashFailure(
            'unplugged',
            `the line was lost ${attempts} times`,
            'look at the cable, and call again',
          );
        }
        await line.askFor(
          'flash-begin',
          { release, target },
          flashQuestions['flash-begin'].reply,
          askSeconds,
        );
        pace = undefined;
        continue;
      }
    } catch (error) {
      // Another process at the other end: the gateway was restarted, and goes on where it was.
      if (!(error instanceof LineLost) || line.isLost) throw error;
      await wait(lookMs, undefined, { signal });
      continue;
    }
    if (state.state === 'fetching' && state.total > 0) {
      pace ??= new Pace(state.total);
      report({ event: 'progress', step: 'send', ...pace.note(state.done, monotonic()) });
    } else if (wordsOf(state) !== shown) {
      shown = wordsOf(state);
      report({ event: 'note', says: shown });
    }
    // It may be silent for as long as the new release has to answer, and then the one before it does.
    if (state.state === 'switching') line.waitFor(state.seconds * 1000 + restartMs);
    if (state.state === 'confirmed') return;
    if (state.state === 'rolled-back') {
      throw new FlashFailure(
        'rolled-back',
        `${release} was tried, and the gateway went back to the release before it: ${state.detail}`,
        'the gateway works as before; its log says more (loadline doctor)',
      );
    }
    if (state.state === 'refused') {
      throw new FlashFailure(
        'refused-by-gateway',
        `${state.detail} (${state.code})`,
        'docs/releases.md has each code',
      );
    }
    await wait(lookMs, undefined, { signal });
  }
}

const isEnd = ({ state }: FlashState) =>
  state === 'confirmed' || state === 'rolled-back' || state === 'refused';

async function stateOf(line: SerialGateway): Promise<FlashReply<'flash-state'>> {
  return await line.askFor('flash-state', {}, flashQuestions['flash-state'].reply, askSeconds);
}

function wordsOf(state: FlashState): string {
  switch (state.state) {
    case 'idle':
      return 'nothing is under way';
    case 'fetching':
      return 'the gateway looks at what is signed';
    case 'installing':
      return `${state.release} is there whole; it is put into the slot that is free`;
    case 'switching':
      return `${state.release} lies in slot ${state.slot}; the gateway starts it`;
    case 'trying':
      return `${state.release} runs, and has ${state.seconds} s to show that it is healthy`;
    case 'confirmed':
      return `${state.release} is confirmed`;
    case 'rolled-back':
    case 'refused':
      return state.detail;
  }
}

function inOurTerms(error: unknown, path: string): unknown {
  if (error instanceof LineLost) {
    return new FlashFailure(
      'unplugged',
      `the line on ${path} was lost: ${error.message}`,
      'look at the cable and the power, and call again: what came is not sent again',
      { cause: error },
    );
  }
  if (error instanceof LinkError && error.code.startsWith('flash-')) {
    return new FlashFailure('refused-by-gateway', `${error.message} (${error.code})`, error.act, {
      cause: error,
    });
  }
  return error;
}
