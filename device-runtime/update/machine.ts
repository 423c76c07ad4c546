import type { UpdatingMessage } from '@loadline/sdk/contract';
import type { EventWords } from '@loadline/sdk/telemetry';
import type { Offer } from './offer.ts';
import type { Gate } from './window.ts';

/**
 * How far the gateway is with an update. Pure: events in, the next state and what is to be done out.
 *
 *     idle -> waiting <-> downloading -> installing -> installed -> switching ->| this run ends
 *                                                                              |-> trying -> confirmed
 *                                             the launcher went back: the run after it begins as rolled-back
 */
export type Stage =
  | { readonly kind: 'idle' }
  /** For its window or a trusted time, or to try again: not before `notBefore` (monotonic ms). */
  | {
      readonly kind: 'waiting';
      readonly offer: Offer;
      readonly why: string;
      readonly notBefore: number;
      readonly failures: number;
    }
  /** Bytes; `total` is 0 until the manifest is known. */
  | {
      readonly kind: 'downloading';
      readonly offer: Offer;
      readonly done: number;
      readonly total: number;
      readonly failures: number;
    }
  /** All of it is staged; the installer, which is root's, has been asked. */
  | { readonly kind: 'installing'; readonly offer: Offer; readonly since: number }
  /** It lies in a slot, and waits for its window; or for another attempt to tell the launcher, not before `notBefore`. */
  | {
      readonly kind: 'installed';
      readonly offer: Offer;
      readonly answer: Installed;
      readonly why: string;
      readonly notBefore: number;
    }
  /** The launcher is to be told to try it, and this run is to end. */
  | { readonly kind: 'switching'; readonly offer: Offer; readonly answer: Installed }
  /** This run is the trial. */
  | { readonly kind: 'trying'; readonly trial: Trial; readonly proof: Proof }
  | { readonly kind: 'confirmed'; readonly id: string }
  | { readonly kind: 'ended'; readonly id: string; readonly how: Ending };

/** What the installer did. */
export interface Installed {
  readonly slot: 'a' | 'b';
  /** Seconds that the release has for reporting health. */
  readonly healthSeconds: number;
}

/** A trial that this run is. */
export interface Trial {
  /** Of the offer, or of whoever else had it installed. */
  readonly id: string;
  readonly release: string;
  /** Monotonic ms at which the launcher goes back. */
  readonly until: number;
  /** Whether the run before it heard frames, so that this one has to. */
  readonly expectsFrames: boolean;
}

/** What a trial has to show for itself so far. */
export interface Proof {
  readonly acknowledged: boolean;
  readonly heard: boolean;
}

/** How an offer came to nothing. */
export type Ending =
  | { readonly state: 'rolled-back'; readonly detail: string }
  | { readonly state: 'refused'; readonly code: string; readonly detail: string };

export interface Update {
  readonly stage: Stage;
  /** What the cloud wishes; null where it wishes nothing. */
  readonly wish: Offer | null;
  /** Offers that came to nothing, the newest last: none of them is tried again. */
  readonly ended: readonly { readonly id: string; readonly how: Ending }[];
}

export type Happening =
  | { readonly kind: 'offered'; readonly offer: Offer | null }
  /** Time went by. */
  | { readonly kind: 'looked' }
  /** There is a link: what waits to try again need not wait any longer. */
  | { readonly kind: 'connected' }
  | { readonly kind: 'progressed'; readonly done: number; readonly total: number }
  /** All files are staged, and so is the request. */
  | { readonly kind: 'staged' }
  /** `wait`: ms until it is tried again; undefined where trying again mends nothing. */
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly detail: string;
      readonly wait: number | undefined;
    }
  | { readonly kind: 'installed'; readonly id: string; readonly answer: Installed }
  | { readonly kind: 'install-refused'; readonly id: string; readonly code: string; readonly detail: string }
  /** Another release is to take the slot: what lies in it, and waits for its window, is fetched again after that. */
  | { readonly kind: 'displaced' }
  /** The launcher could not be told. */
  | { readonly kind: 'switch-failed'; readonly detail: string }
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'heard' }
  /** What the trial runs is in force. */
  | { readonly kind: 'confirmed' };

/** What is to be done, in this order. */
export type Act =
  | { readonly act: 'fetch'; readonly offer: Offer }
  | { readonly act: 'stop-fetching' }
  /** Tell the launcher, and end this run. */
  | { readonly act: 'switch'; readonly offer: Offer; readonly answer: Installed }
  /** Tell the launcher that what it tries is in force. */
  | { readonly act: 'confirm' }
  /** `ended` is to be on disk. */
  | { readonly act: 'remember' }
  | { readonly act: 'tell'; readonly event: EventWords };

/** What is so at the moment of a happening. */
export interface Circumstances {
  readonly gate: Gate;
  /** Monotonic ms. */
  readonly now: number;
  /** Version of the release that runs. */
  readonly running: string;
  /** Why this gateway cannot be updated over the air at all, by name; undefined where it can. */
  readonly incapable: { readonly code: string; readonly detail: string } | undefined;
}

export interface Stepped {
  readonly update: Update;
  readonly acts: readonly Act[];
}

/** Offers that came to nothing which are remembered. */
const endedKept = 32;
/** Ms until the launcher is told once more, where that failed. */
const switchMilliseconds = 60_000;
/** Ms that the installer may take until the cloud is told that it does not answer. */
const installerMilliseconds = 15 * 60_000;

/** What follows from a happening. */
export function step(update: Update, happening: Happening, circumstances: Circumstances): Stepped {
  const first = happened(update, happening, circumstances);
  const then = pursued(first.update, circumstances);
  return { update: then.update, acts: [...first.acts, ...then.acts] };
}

function happened(update: Update, happening: Happening, { now }: Circumstances): Stepped {
  const { stage } = update;
  switch (happening.kind) {
    case 'offered':
      return offered(update, happening.offer);
    case 'looked':
      return stay(update);
    case 'connected':
      return stage.kind === 'waiting' ? become(update, { ...stage, notBefore: now }) : stay(update);
    case 'progressed': {
      if (stage.kind !== 'downloading') return stay(update);
      const { done, total } = happening;
      return become(update, { ...stage, done, total });
    }
    case 'staged':
      if (stage.kind !== 'downloading') return stay(update);
      return become(update, { kind: 'installing', offer: stage.offer, since: now });
    case 'failed': {
      if (stage.kind !== 'downloading') return stay(update);
      const { code, detail, wait } = happening;
      if (wait === undefined) return end(update, stage.offer, { state: 'refused', code, detail });
      const failures = stage.failures + 1;
      return become(update, {
        kind: 'waiting',
        offer: stage.offer,
        why: detail,
        notBefore: now + wait,
        failures,
      });
    }
    case 'installed': {
      if (stage.kind !== 'installing' || happening.id !== stage.offer.id) return stay(update);
      const event = tell('release-installed', `${stage.offer.release} in slot ${happening.answer.slot}`);
      const { offer } = stage;
      const next = { kind: 'installed', offer, answer: happening.answer, why: '', notBefore: now } as const;
      return become(update, next, [event]);
    }
    case 'install-refused': {
      if (stage.kind !== 'installing' || happening.id !== stage.offer.id) return stay(update);
      const { code, detail } = happening;
      return end(update, stage.offer, { state: 'refused', code, detail });
    }
    case 'displaced': {
      if (stage.kind !== 'installed') return stay(update);
      const { offer } = stage;
      return become(update, { kind: 'waiting', offer, why: '', notBefore: now, failures: 0 });
    }
    case 'switch-failed': {
      if (stage.kind !== 'switching') return stay(update);
      const { offer, answer } = stage;
      const notBefore = now + switchMilliseconds;
      return become(update, { kind: 'installed', offer, answer, why: happening.detail, notBefore });
    }
    case 'acknowledged':
    case 'heard':
      return stage.kind === 'trying' ? proven(update, stage, happening.kind) : stay(update);
    case 'confirmed': {
      if (stage.kind !== 'trying') return stay(update);
      const { id, release } = stage.trial;
      return become(update, { kind: 'confirmed', id }, [tell('release-confirmed', release)]);
    }
  }
}

/** What the cloud wishes is noted whatever is under way; what is not in a slot yet is given up for it. */
function offered(update: Update, wish: Offer | null): Stepped {
  const noted = { ...update, wish };
  const { stage } = update;
  switch (stage.kind) {
    case 'downloading':
    case 'waiting':
    case 'installed': {
      if (stage.offer.id === wish?.id) return stay(noted);
      const stop: readonly Act[] = stage.kind === 'downloading' ? [{ act: 'stop-fetching' }] : [];
      return become(noted, { kind: 'idle' }, [
        ...stop,
        tell('release-withdrawn', `${stage.offer.release} is not offered any more`),
      ]);
    }
    case 'confirmed':
      return stage.id === wish?.id ? stay(noted) : become(noted, { kind: 'idle' });
    case 'ended':
      // Without an offer, what became of the last one is still worth saying.
      return wish === null || stage.id === wish.id ? stay(noted) : become(noted, { kind: 'idle' });
    case 'idle':
    case 'installing':
    case 'switching':
    case 'trying':
      return stay(noted);
  }
}

/** What can be gone on with. */
function pursued(update: Update, circumstances: Circumstances): Stepped {
  const { stage, wish } = update;
  const { gate, now } = circumstances;
  switch (stage.kind) {
    case 'idle':
      return wish === null ? stay(update) : taken(update, wish, circumstances);
    case 'waiting': {
      if (!gate.open) return become(update, { ...stage, why: gate.why });
      if (now < stage.notBefore) return stay(update);
      return fetching(update, stage.offer, stage.failures);
    }
    case 'downloading': {
      if (gate.open) return stay(update);
      const { offer } = stage;
      const waiting = { kind: 'waiting', offer, why: gate.why, notBefore: now, failures: 0 } as const;
      return become(update, waiting, [{ act: 'stop-fetching' }]);
    }
    case 'installed': {
      if (wish?.id !== stage.offer.id) {
        const event = tell('release-withdrawn', `${stage.offer.release} is not offered any more`);
        const idle = become(update, { kind: 'idle' }, [event]);
        return after(idle, circumstances);
      }
      if (!gate.open) return become(update, { ...stage, why: gate.why });
      if (now < stage.notBefore) return stay(update);
      const { offer, answer } = stage;
      return become(update, { kind: 'switching', offer, answer }, [{ act: 'switch', offer, answer }]);
    }
    case 'confirmed':
    case 'ended':
      // Refused by the installer after the cloud had already thought better of it.
      return wish === null || wish.id === stage.id
        ? stay(update)
        : after(become(update, { kind: 'idle' }), circumstances);
    case 'installing':
    case 'switching':
    case 'trying':
      return stay(update);
  }
}

function taken(update: Update, wish: Offer, { gate, running, incapable, now }: Circumstances): Stepped {
  const before = update.ended.find(({ id }) => id === wish.id);
  if (before !== undefined) return become(update, { kind: 'ended', ...before });
  if (wish.release === running) return become(update, { kind: 'confirmed', id: wish.id });
  // Not remembered: the next run may be able to.
  if (incapable !== undefined) {
    return become(update, { kind: 'ended', id: wish.id, how: { state: 'refused', ...incapable } });
  }
  if (gate.open) return fetching(update, wish, 0);
  return become(update, { kind: 'waiting', offer: wish, why: gate.why, notBefore: now, failures: 0 });
}

function fetching(update: Update, offer: Offer, failures: number): Stepped {
  const stage = { kind: 'downloading', offer, done: 0, total: 0, failures } as const;
  return become(update, stage, [{ act: 'fetch', offer }]);
}

function proven(
  update: Update,
  stage: Extract<Stage, { kind: 'trying' }>,
  what: 'acknowledged' | 'heard',
): Stepped {
  const proof = { ...stage.proof, [what]: true };
  const isNew = !isHealthy(stage.trial, stage.proof) && isHealthy(stage.trial, proof);
  return become(update, { ...stage, proof }, isNew ? [{ act: 'confirm' }] : []);
}

/** Whether a trial has shown all that it has to. */
export function isHealthy({ expectsFrames }: Trial, { acknowledged, heard }: Proof): boolean {
  return acknowledged && (heard || !expectsFrames);
}

function end(update: Update, offer: Offer, how: Ending): Stepped {
  const ended = remembered(update.ended, offer.id, how);
  const code = how.state === 'refused' ? 'release-refused' : 'release-rolled-back';
  const detail = how.state === 'refused' ? `${offer.release}: ${how.code}: ${how.detail}` : how.detail;
  return become({ ...update, ended }, { kind: 'ended', id: offer.id, how }, [
    { act: 'remember' },
    tell(code, detail),
  ]);
}

/** With one more that came to nothing. */
export function remembered(ended: Update['ended'], id: string, how: Ending): Update['ended'] {
  return [...ended.filter((each) => each.id !== id), { id, how }].slice(-endedKept);
}

function tell(code: EventWords['code'], detail: string): Act {
  return { act: 'tell', event: { code, subject: '', detail } };
}

function stay(update: Update): Stepped {
  return { update, acts: [] };
}

function become(update: Update, stage: Stage, acts: readonly Act[] = []): Stepped {
  return { update: { ...update, stage }, acts };
}

function after(stepped: Stepped, circumstances: Circumstances): Stepped {
  const { update, acts } = pursued(stepped.update, circumstances);
  return { update, acts: [...stepped.acts, ...acts] };
}

/** Which offer it is about, and how far it is, as the cloud is told. */
export function reportOf({ stage, wish }: Update, now: number): Pick<UpdatingMessage, 'offer' | 'progress'> {
  switch (stage.kind) {
    case 'idle':
      return { offer: wish?.id ?? null, progress: { state: 'idle' } };
    case 'waiting':
      return { offer: stage.offer.id, progress: { state: 'waiting', detail: stage.why } };
    case 'downloading': {
      const { done, total } = stage;
      return { offer: stage.offer.id, progress: { state: 'downloading', done, total } };
    }
    case 'installing': {
      if (now - stage.since < installerMilliseconds)
        return { offer: stage.offer.id, progress: { state: 'installing' } };
      const detail = 'its installer does not answer: look at loadline-update.path and its service there';
      return { offer: stage.offer.id, progress: { state: 'waiting', detail } };
    }
    case 'installed': {
      const detail = `it lies in slot ${stage.answer.slot}${stage.why === '' ? '' : `: ${stage.why}`}`;
      return { offer: stage.offer.id, progress: { state: 'waiting', detail } };
    }
    case 'switching':
      return {
        offer: stage.offer.id,
        progress: { state: 'trying', secondsLeft: stage.answer.healthSeconds },
      };
    case 'trying': {
      const secondsLeft = Math.max(0, Math.round((stage.trial.until - now) / 1000));
      return { offer: stage.trial.id, progress: { state: 'trying', secondsLeft } };
    }
    case 'confirmed':
      return { offer: stage.id, progress: { state: 'confirmed' } };
    case 'ended':
      return { offer: stage.id, progress: stage.how };
  }
}
