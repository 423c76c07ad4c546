/**
 * Whether the gateway moves. Pure: one look after the other goes in, a verdict comes out.
 *
 * A stage is wedged when there was work before it at every look of a whole patience, and none of it was done. That is
 * all: silence of the radio, noise on it, a lost link, a full disk are no work left undone, a restart mends none of
 * them, and they are declared idle with their reason.
 *
 *     stage             work before it                              done
 *     port              bytes held, past what a frame may take      bytes judged: of frames, or discarded
 *     binding           frames the ports made                       frames accounted for
 *     journal           readings made                               readings numbered
 *     uplink            entries held, while the link stands         acknowledgements; a link made anew
 *     link              the link is down                            attempts that ended, however
 *     event loop        this look came late by more than a period   looks that did not
 */

/** What a gateway looks like at one instant. Counters only grow. */
export interface Look {
  /** Milliseconds of the monotonic clock. */
  readonly at: number;
  readonly ports: readonly {
    readonly name: string;
    readonly open: boolean;
    readonly bytes: number;
    readonly frameBytes: number;
    readonly discardedBytes: number;
    readonly heldBytes: number;
    readonly frames: number;
  }[];
  /** Frames the binder has accounted for. */
  readonly frames: number;
  /** Readings that binder and sensors have made, derived ones and windows among them. */
  readonly made: number;
  readonly journal: {
    /** Readings numbered since the start. */
    readonly numbered: number;
    /** Entries not acknowledged yet. */
    readonly held: number;
    readonly disk: 'good' | 'full' | 'failing';
  };
  /** Entries the cloud has acknowledged since the start. */
  readonly acknowledged: number;
  readonly link: /** There is no identity to connect with yet. */
    | { readonly kind: 'unborn' }
    | { readonly kind: 'up'; readonly connections: number }
    /** `attempts`: differs after each link, or attempt at one, that ended: their number, or when the last one did. */
    | { readonly kind: 'down'; readonly attempts: number; readonly reason: string };
}

export type Verdict =
  | { readonly kind: 'progressing' }
  /** Nothing moves, and nothing need: why. */
  | { readonly kind: 'idle'; readonly why: string }
  /** What stands still, in words. */
  | { readonly kind: 'wedged'; readonly what: string };

/** A verdict as systemd shows it in the status line of the service. */
export function verdictLine(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'progressing':
      return 'progressing';
    case 'idle':
      return `idle: ${verdict.why}`;
    case 'wedged':
      return `wedged: ${verdict.what}`;
  }
}

export interface Patience {
  /** Milliseconds between two looks. */
  readonly period: number;
  /** Milliseconds a stage may stand still with work before it. */
  readonly wedged: number;
  /** Milliseconds readings may gather on an idle link by configuration (`uplink.max_delay_ms`). */
  readonly gather: number;
}

/** What a judge remembers from one look to the next. */
export interface Judged {
  readonly look: Look;
  /** Milliseconds each stage has stood still with work before it. */
  readonly waited: ReadonlyMap<string, number>;
  readonly done: ReadonlyMap<string, number>;
  readonly verdict: Verdict;
}

/** More bytes than any driver keeps for a frame that is not whole yet. */
const frameRoom = 8192;
/** Longest backoff (four minutes, of a contest) and longest attempt at a link, together: past it nobody tries any more. */
const attemptMilliseconds = 300_000;

interface Stage {
  readonly name: string;
  readonly isBehind: boolean;
  readonly done: number;
  readonly patience: number;
  readonly what: string;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function stagesOf(look: Look, late: number, { period, wedged, gather }: Patience): Stage[] {
  const { ports, journal, link } = look;
  const framesMade = sum(ports.map(({ frames }) => frames));
  return [
    ...ports.map(({ name, frameBytes, discardedBytes, heldBytes }) => ({
      name: `port ${name}`,
      isBehind: heldBytes > frameRoom,
      done: frameBytes + discardedBytes,
      patience: wedged,
      what: `bytes of port "${name}" are read and not judged`,
    })),
    {
      name: 'binding',
      isBehind: framesMade > look.frames,
      done: look.frames,
      patience: wedged,
      what: 'frames are heard and not bound',
    },
    {
      name: 'journal',
      isBehind: look.made > journal.numbered,
      done: journal.numbered,
      patience: wedged,
      what: 'readings are made and not put into the journal',
    },
    {
      name: 'uplink',
      isBehind: link.kind === 'up' && journal.held > 0,
      done: look.acknowledged + (link.kind === 'up' ? link.connections : 0),
      patience: wedged + gather,
      what: `the link stands, ${journal.held} entries are held, and none is acknowledged`,
    },
    {
      name: 'link',
      isBehind: link.kind === 'down',
      done: link.kind === 'down' ? link.attempts : 0,
      patience: Math.max(wedged, attemptMilliseconds),
      what: 'the link is down and nothing tries to make one',
    },
    {
      name: 'event loop',
      isBehind: late > period,
      done: 0,
      patience: wedged,
      what: `every look comes late, the last one by ${Math.round(late)} ms`,
    },
  ];
}

/**
 * Judges one look, given what was judged before; the first has nothing before it.
 *
 * A look that comes late counts no more than two periods of waiting: a machine that was stopped and let go on is not
 * wedged, and an event loop that stands still altogether is not judged at all, because then nothing feeds.
 */
export function judge(before: Judged | undefined, look: Look, patience: Patience): Judged {
  const passed = before === undefined ? 0 : Math.max(0, look.at - before.look.at);
  const late = before === undefined ? 0 : passed - patience.period;
  const stages = stagesOf(look, late, patience);
  const waited = new Map<string, number>();
  for (const { name, isBehind, done } of stages) {
    const stood = isBehind && before?.done.get(name) === done;
    waited.set(name, stood ? (before.waited.get(name) ?? 0) + Math.min(passed, 2 * patience.period) : 0);
  }
  const wedged = stages.filter((stage) => (waited.get(stage.name) ?? 0) >= stage.patience);
  const verdict: Verdict =
    wedged.length > 0
      ? { kind: 'wedged', what: wedged.map(({ name, what }) => `${name}: ${what}`).join('; ') }
      : moved(before?.look, look)
        ? { kind: 'progressing' }
        : { kind: 'idle', why: whyIdle(before?.look, look) };
  return { look, waited, done: new Map(stages.map(({ name, done }) => [name, done])), verdict };
}

function moved(before: Look | undefined, { frames, acknowledged }: Look): boolean {
  return before !== undefined && (frames > before.frames || acknowledged > before.acknowledged);
}

function whyIdle(before: Look | undefined, { ports, journal, link }: Look): string {
  // Ports are not open yet, whatever the next look finds.
  if (before === undefined) return 'it has only just started';
  const bytes = (look: Look['ports']) => sum(look.map((port) => port.bytes));
  const radio = ports.every(({ open }) => !open)
    ? 'no port is open'
    : bytes(ports) > bytes(before.ports)
      ? 'the radio brings bytes and no frames'
      : 'the radio is silent';
  const way =
    link.kind === 'unborn'
      ? 'there is no certificate yet'
      : link.kind === 'down'
        ? `the link is down (${link.reason || 'not made yet'})`
        : journal.held > 0
          ? 'entries are on their way'
          : 'nothing is held';
  return [radio, way, ...(journal.disk === 'good' ? [] : [`the disk is ${journal.disk}`])].join(', ');
}
