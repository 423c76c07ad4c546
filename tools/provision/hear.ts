import type { Reply } from '@loadline/sdk/provisioning';
import type { Report } from './events.ts';
import type { GatewayLine } from './line.ts';
import { type Order, tagsOf } from './order.ts';
import { ProvisionFailure } from './outcome.ts';
import type { HeardTag } from './signal.ts';

type Port = Readonly<Record<string, unknown>>;

/** Entries of `[[ports]]` for these devices. */
export function portsOf(paths: readonly string[]): Port[] {
  return paths.map((path, index) => ({ name: index === 0 ? 'radio' : `radio-${index + 1}`, path }));
}

/** Which ports carry these sensors, as far as they are heard; undefined while some are missing. */
function portsHeard(tags: readonly HeardTag[], wanted: readonly string[]): string[] | undefined {
  const needed = new Set(wanted);
  const heard = tags.filter(({ tag }) => needed.size === 0 || needed.has(tag));
  const found = new Set(heard.map(({ tag }) => tag));
  if (found.size < Math.max(1, needed.size)) return undefined;
  return [...new Set(heard.map(({ port }) => port))].sort();
}

/** Hears what is on the air while `work` goes on. */
export async function whileListening<T>(
  line: GatewayLine,
  take: (tags: readonly HeardTag[]) => void,
  work: () => Promise<T>,
): Promise<T> {
  const unhear = line.onNews('heard', ({ tags }) => take(tags));
  try {
    await line.ask('listen', { on: true });
    const result = await work();
    await line.ask('listen', { on: false });
    return result;
  } finally {
    unhear();
  }
}

/**
 * Listens until every sensor of the order is heard, and says on which ports; after its time, on those where any was, or
 * on the only port there is. @throws ProvisionFailure where it cannot know
 */
export async function hearPorts(
  line: GatewayLine,
  order: Pick<Order, 'tables' | 'listenSeconds'>,
  { ports: there }: Pick<Reply<'describe'>, 'ports'>,
  report: Report,
): Promise<{ readonly ports: readonly Port[]; readonly says: string }> {
  const wanted = tagsOf(order);
  let tags: readonly HeardTag[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const take = (heard: readonly HeardTag[]) => {
    tags = heard;
    report({ event: 'heard', tags: [...heard] });
    if (portsHeard(heard, wanted) !== undefined) resolve();
  };
  const timer = setTimeout(resolve, order.listenSeconds * 1000);
  try {
    await whileListening(line, take, () => promise);
  } finally {
    clearTimeout(timer);
  }
  const all = portsHeard(tags, wanted);
  const some = portsHeard(
    tags.filter(({ tag }) => wanted.includes(tag)),
    [],
  );
  const free = there.filter(({ holder }) => holder === null).map(({ path }) => path);
  const paths = all ?? some ?? (free.length === 1 ? free : undefined);
  if (paths === undefined) {
    const held = there
      .filter(({ holder }) => holder !== null)
      .map(({ path, holder }) => `${path}: ${holder}`);
    throw new ProvisionFailure(
      'failed',
      `in ${order.listenSeconds} s no sensor of the site was heard on ${there.map(({ path }) => path).join(', ') || 'any port: it has none'}`,
      held.length > 0
        ? `another program has a port open on the gateway: ${held.join('; ')}`
        : 'wake the sensors and check the base station; or say [[ports]] in the site file',
    );
  }
  const heard = new Set(tags.map(({ tag }) => tag));
  const silent = wanted.filter((tag) => !heard.has(tag));
  const says =
    silent.length === 0
      ? `heard ${wanted.length === 0 ? `${tags.length} sensors` : `all of them, ${wanted.length},`} on ${paths.join(', ')}`
      : `on ${paths.join(', ')}; not heard: ${silent.join(', ')}`;
  return { ports: portsOf(paths), says };
}
