import { gatewayTopic, parseTopic, type UpChannel, upChannels } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import type { GatewayPrincipal } from '../../access/index.ts';
import { type ProvenGateway, principalOf } from '../../devices/index.ts';
import type { Directory, Router } from '../../router/index.ts';
import type { Place } from './contests.ts';
import { Deliveries } from './deliveries.ts';
import type { DownQueue } from './down-queue.ts';
import { downChannel, mayReceive } from './down-topics.ts';
import type { Link } from './link.ts';
import type { Published, SessionKind } from './session.ts';

/** One gateway's link: what it has published that is not committed yet, and what it is still to be told. */
export class GatewaySession implements SessionKind {
  readonly kind = 'gateway';
  /** By which certificate it is whose. */
  readonly proven: ProvenGateway;
  readonly principal: GatewayPrincipal;
  /** The place that it has; undefined of a gateway that states no epoch. */
  readonly place: Place | undefined;
  readonly #source: string;
  readonly link: Link;
  readonly down: DownQueue;
  readonly deliveries: Deliveries;
  readonly #directory: Directory;
  readonly #log: Log;

  /** `monotonic`: ms. */
  constructor(parts: {
    proven: ProvenGateway;
    place: Place | undefined;
    /** The address it comes from. */
    source: string;
    link: Link;
    down: DownQueue;
    directory: Directory;
    router: Pick<Router, 'deliver'>;
    log: Log;
    monotonic: () => number;
  }) {
    const { link, router, log, monotonic, down } = parts;
    this.proven = parts.proven;
    this.principal = principalOf(parts.proven);
    this.place = parts.place;
    this.#source = parts.source;
    this.link = link;
    this.down = down;
    this.#directory = parts.directory;
    this.#log = log;
    const who = { gateway: this.principal.id };
    this.deliveries = new Deliveries(
      { link, router, log, monotonic, who, proof: 'certificate' },
      (heard, settle) => {
        // What was rejected is kept where its owner reads it: a gateway can do nothing about it.
        if (heard.kind === 'answered') down.answer(heard.answer);
        settle();
      },
    );
    // Not before its CONNACK has left: it must be the first that the gateway hears.
    link.client.once('connected', () => this.#shorten());
  }

  /** Its batches go past the broker. */
  #shorten(): void {
    const { principal, link } = this;
    const source = this.#source;
    link.shorten(gatewayTopic(principal.id, 'telemetry'), (body, done) => {
      const { meter } = link;
      const device = principal.id;
      this.deliveries.take({ principal, device, channel: 'telemetry', body, meter, source }, done);
    });
  }

  publish({ topic: name, qos, body }: Published, done: () => void): void {
    const { principal } = this;
    const topic = parseTopic(name);
    if (topic === undefined || !isUp(topic.channel) || qos > 1) {
      this.#log.warn('publish-refused', { gateway: principal.id, topic: name.slice(0, 200), qos });
      this.link.end('topic-forbidden', 'publish QoS 0 or 1 on the channels of your own subtree');
      return;
    }
    const { gateway: device, channel } = topic;
    this.deliveries.take(
      { principal, device, channel, body, meter: this.link.meter, source: this.#source },
      done,
    );
  }

  subscribe(topic: string): boolean {
    return mayReceive(this.principal, topic, this.#directory);
  }

  subscribed(topic: string): void {
    const channel = downChannel(topic);
    if (channel !== undefined) this.down.subscribed(channel);
  }

  unsubscribed(topic: string): void {
    const channel = downChannel(topic);
    if (channel !== undefined) this.down.unsubscribed(channel);
  }
}

function isUp(channel: string): channel is UpChannel {
  return (upChannels as readonly string[]).includes(channel);
}
