import type { AlarmMessage, UpdatingMessage } from '@loadline/sdk/contract';
import { reachesDevice, reachesTag, type Standing } from '../../../access/index.ts';
import { type Directory, type Live, type LiveSeries, Owed } from '../../../router/index.ts';
import type { Handlers } from '../call.ts';
import { inEvents } from '../live-words.ts';
import { Problem } from '../problem.ts';
import { Stall } from '../stall.ts';
import { StillMay } from '../still-may.ts';

/** Bytes a follower may leave unread before what comes next is kept for it: of each series the newest reading. */
const unreadBytes = 256 * 1024;

/** Milliseconds between two looks at whether the caller may still follow: revoking ends the stream. */
const recheckMilliseconds = 1000;

/** Live streams that one caller may have open. */
const streamsPerCaller = 20;

/** Looks between two `ping` events, by which a follower knows that the stream is alive. */
const looksPerPing = 10;

/** Milliseconds that the last word may take to leave. */
const farewellMilliseconds = 2000;

/**
 * Readings as they are committed; and the function that ends every stream, for when the door closes. `onSkipped` is told
 * of readings that are left out, because a follower did not take them in time.
 */
export function liveHandlers({
  live,
  directory,
  store,
  onSkipped,
  now,
}: {
  live: Live;
  directory: Directory;
  /** Goes up when somebody may do more or less than before. */
  store: { readonly changes: number };
  onSkipped: (readings: number) => void;
  /** Milliseconds since 1970. */
  now: () => number;
}): {
  readonly handlers: Pick<Handlers, 'followReadings'>;
  readonly endAll: () => Promise<void>;
} {
  const streams = new Set<() => Promise<void>>();
  const streamsOf = new Map<string, number>();

  const followReadings: Handlers['followReadings'] = ({ caller, standing, visit, again, input }) => {
    const { device: only, tag } = input.query;
    // What is out of reach is answered as what is not there.
    if (only !== undefined && !mayFollow(standing, only, directory)) {
      throw new Problem(404, 'not-found', `there is no device ${only} here`);
    }
    const stillMay = new StillMay({ again, caller, standing, store, now });
    const isWanted = (one: LiveSeries) =>
      (only === undefined || one.device === only) &&
      (tag === undefined || one.tag === Number.parseInt(tag, 16)) &&
      sees(stillMay.standing ?? standing, one, directory);
    const open = streamsOf.get(caller.id) ?? 0;
    if (open >= streamsPerCaller) {
      throw new Problem(429, 'too-many-attempts', `${open} live streams are open: close one first`);
    }
    const stream = visit.stream();
    // Who left while he was let in is told nothing, and nobody would say that he left.
    if (stream.destroyed) return undefined;
    streamsOf.set(caller.id, open + 1);
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    stream.write('retry: 2000\n\n');
    const tell = (event: string, data: unknown) => {
      stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const owed = new Owed();
    const stall = new Stall(() => performance.now());
    const owe = (series: readonly LiveSeries[]) => {
      for (const one of series) {
        onSkipped(one.points.length);
        if (!owed.addReadings(one)) stream.destroy();
      }
    };
    const tellReadings = (series: readonly LiveSeries[]) => {
      const { events, left } = inEvents(series.filter(isWanted));
      for (const event of events) stream.write(event);
      owe(left);
    };
    const catchUp = () => {
      if (!owed.isEmpty && stream.writableLength <= unreadBytes / 2) tellReadings(owed.take().series);
    };
    stream.on('drain', catchUp);
    const unfollow = live.follow(standing.organisation, (series) => {
      if (owed.isEmpty && stream.writableLength <= unreadBytes) tellReadings(series);
      else owe(series.filter(isWanted));
    });
    // They are few: one that a full stream does not take is read over the API.
    const unfollowAlarms = live.followAlarms(standing.organisation, (alarm) => {
      const isFor = only === undefined || alarm.device === only;
      if (!isFor || !seesAlarm(stillMay.standing ?? standing, alarm, directory)) return;
      if (stream.writableLength <= unreadBytes) tell('alarm', alarm);
    });
    const unfollowUpdates = live.followUpdates(standing.organisation, (device, message) => {
      const isFor = only === undefined || device === only;
      if (!isFor || !seesUpdate(stillMay.standing ?? standing, device, directory)) return;
      if (stream.writableLength <= unreadBytes) tell('update', liveWords(device, message));
    });
    let looks = 0;
    const recheck = setInterval(() => {
      catchUp();
      // Half-open, or in no hurry at all: it connects again and reads the store.
      if (stall.isOver(owed.isEmpty ? undefined : stream.writableLength)) {
        stream.destroy();
        return;
      }
      void stillMay.look().then(() => {
        if (stillMay.standing === undefined) void end();
        if (streams.has(end) && ++looks % looksPerPing === 0 && owed.isEmpty) tell('ping', {});
      });
    }, recheckMilliseconds);
    const leave = () => {
      clearInterval(recheck);
      unfollow();
      unfollowAlarms();
      unfollowUpdates();
      return streams.delete(end);
    };
    const end = async () => {
      if (!leave() || stream.closed) return;
      tell('end', {});
      stream.end();
      // A follower that does not read does not hear the end either: it is cut off.
      setTimeout(() => stream.destroy(), farewellMilliseconds).unref();
      await new Promise((resolve) => stream.once('close', resolve));
    };
    streams.add(end);
    stream.once('close', () => {
      leave();
      const left = (streamsOf.get(caller.id) ?? 1) - 1;
      if (left > 0) streamsOf.set(caller.id, left);
      else streamsOf.delete(caller.id);
    });
    // A connection that breaks is closed, and that is all there is to do.
    stream.on('error', () => {});
    return undefined;
  };

  return {
    handlers: { followReadings },
    endAll: async () => {
      await Promise.all([...streams].map((end) => end()));
    },
  };
}

function mayFollow({ organisation, reach }: Standing, id: string, directory: Directory): boolean {
  const device = directory.device(id);
  return device?.organisation.id === organisation.id && reachesDevice(reach, device);
}

/** Alarms are of whole devices. */
function seesAlarm(standing: Standing, { device: id }: AlarmMessage, directory: Directory): boolean {
  const { scopes, reach, withheld } = standing;
  return (
    scopes.has('alarms.get') && withheld === null && reach.tags === null && mayFollow(standing, id, directory)
  );
}

/** So are updates. */
function seesUpdate(standing: Standing, device: string, directory: Directory): boolean {
  const { scopes, reach, withheld } = standing;
  return (
    scopes.has('update.get') &&
    withheld === null &&
    reach.tags === null &&
    mayFollow(standing, device, directory)
  );
}

/** What a gateway said of its update, as the API says it. */
function liveWords(device: string, { running, offer, progress }: UpdatingMessage) {
  return {
    ...{ device, ...running, offer, state: progress.state },
    code: progress.state === 'refused' ? progress.code : null,
    detail: 'detail' in progress ? progress.detail : null,
    done: progress.state === 'downloading' ? progress.done : null,
    total: progress.state === 'downloading' ? progress.total : null,
    secondsLeft: progress.state === 'trying' ? progress.secondsLeft : null,
  };
}

function sees({ reach }: Standing, { device: id, tag }: LiveSeries, directory: Directory): boolean {
  const device = directory.device(id);
  return device !== undefined && reachesDevice(reach, device) && reachesTag(reach, tag);
}
