import { tagName } from '@loadline/sdk/t24';
import { reachesDevice, reachesTag, type Standing } from '../../../access/index.ts';
import type { Directory, Live, LiveSeries } from '../../../router/index.ts';
import type { Handlers } from '../call.ts';
import { Problem } from '../problem.ts';

/** Bytes a follower may leave unread before its stream is cut: it connects again and reads the store. */
const unreadBytes = 256 * 1024;

/** Milliseconds between two looks at whether the caller may still follow: revoking ends the stream. */
const recheckMilliseconds = 1000;

/** Live streams that one caller may have open. */
const streamsPerCaller = 20;

/** Looks between two `ping` events, by which a follower knows that the stream is alive. */
const looksPerPing = 10;

/** Milliseconds that the last word may take to leave. */
const farewellMilliseconds = 500;

/** Readings as they are committed; and the function that ends every stream, for when the door closes. */
export function liveHandlers({ live, directory }: { live: Live; directory: Directory }): {
  readonly handlers: Pick<Handlers, 'followReadings'>;
  readonly endAll: () => void;
} {
  const streams = new Set<() => void>();
  const streamsOf = new Map<string, number>();

  const followReadings: Handlers['followReadings'] = ({ caller, standing, visit, again }) => {
    const open = streamsOf.get(caller.id) ?? 0;
    if (open >= streamsPerCaller) {
      throw new Problem(429, 'too-many-attempts', `${open} live streams are open: close one first`);
    }
    streamsOf.set(caller.id, open + 1);
    let now: Standing = standing;
    const stream = visit.stream();
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    stream.write('retry: 2000\n\n');
    const tell = (event: string, data: unknown) => {
      stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    const unfollow = live.follow(standing.organisation, (series) => {
      if (stream.writableLength > unreadBytes) {
        stream.destroy();
        return;
      }
      const seen = series.filter((one) => sees(now, one, directory));
      if (seen.length === 0) return;
      tell(
        'readings',
        seen.map(({ device, tag, aspect, points }) => ({
          device,
          tag: tagName(tag),
          aspect,
          points,
        })),
      );
    });
    let looks = 0;
    const recheck = setInterval(() => {
      void again().then((standing) => {
        if (standing === undefined) end();
        else now = standing;
        if (streams.has(end) && ++looks % looksPerPing === 0) tell('ping', {});
      });
    }, recheckMilliseconds);
    const leave = () => {
      clearInterval(recheck);
      unfollow();
      return streams.delete(end);
    };
    const end = () => {
      if (!leave()) return;
      tell('end', {});
      stream.end();
      // A follower that does not read does not hear the end either: it is cut off.
      setTimeout(() => stream.destroy(), farewellMilliseconds).unref();
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
    endAll: () => {
      for (const end of streams) end();
    },
  };
}

function sees({ reach }: Standing, { device: id, tag }: LiveSeries, directory: Directory): boolean {
  const device = directory.device(id);
  return device !== undefined && reachesDevice(reach, device) && reachesTag(reach, tag);
}
