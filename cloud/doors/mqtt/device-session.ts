import {
  type DeviceUpChannel,
  deviceTopic,
  deviceUpChannels,
  parseDeviceTopic,
} from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { type DevicePrincipal, may } from '../../access/index.ts';
import { type Delivery, type Device, type Router, resourceOf } from '../../router/index.ts';
import { Deliveries } from './deliveries.ts';
import type { Link } from './link.ts';
import type { Published, SessionKind } from './session.ts';

/** Characters of notices that a link may leave untaken before it is told of no more: it can send faster than it reads. */
const noticesUntaken = 16 * 1024;

/** The link of one device that is proven by a key: what it has published that is not committed yet. */
export class DeviceSession implements SessionKind {
  readonly kind = 'device';
  readonly principal: DevicePrincipal;
  readonly link: Link;
  readonly deliveries: Deliveries;
  readonly #device: Device;
  readonly #log: Log;

  /** `monotonic`: ms. */
  constructor(parts: {
    principal: DevicePrincipal;
    device: Device;
    link: Link;
    router: Pick<Router, 'deliver'>;
    log: Log;
    monotonic: () => number;
  }) {
    const { principal, device, link, router, log, monotonic } = parts;
    this.principal = principal;
    this.link = link;
    this.#device = device;
    this.#log = log;
    const who = { device: principal.id };
    this.deliveries = new Deliveries({ link, router, log, monotonic, who, proof: 'key' }, (heard, settle) => {
      // MQTT 3.1.1 has no word for it: acknowledged and never stored is said ahead of the PUBACK, so that it is known of which.
      if (heard.kind === 'rejected' && link.untaken < noticesUntaken) {
        link.notify(heard.code, heard.detail, settle);
      } else {
        settle();
      }
    });
  }

  publish(packet: Published, done: () => void): void {
    const topic = parseDeviceTopic(packet.topic);
    if (topic === undefined || !isUp(topic.channel) || packet.qos > 1) {
      const { topic: name, qos } = packet;
      this.#log.warn('publish-refused', { device: this.principal.id, topic: name.slice(0, 200), qos });
      this.link.end('topic-forbidden', 'publish QoS 0 or 1 on the channels of your own subtree');
      return;
    }
    this.deliveries.take(this.#delivery(topic.device, topic.channel, packet), done);
  }

  subscribe(topic: string): boolean {
    const isOwn = topic === deviceTopic(this.principal.id, 'notice');
    return isOwn && may(this.principal, 'notice.receive', resourceOf(this.#device)).allowed;
  }

  subscribed(): void {
    // Notices are sent whether subscribed or not.
  }

  unsubscribed(): void {
    // As above.
  }

  #delivery(device: string, channel: DeviceUpChannel, { body, qos, packetId, dup }: Published): Delivery {
    const { principal } = this;
    const { meter } = this.link;
    if (channel === 'telemetry') return { principal, device, meter, channel, body };
    const packet = qos === 1 ? { id: packetId, isAgain: dup } : undefined;
    return {
      ...{ principal, device, meter, channel: 'readings', form: channel, body, key: undefined, door: 'mqtt' },
      ...(packet !== undefined && { packet }),
    };
  }
}

function isUp(channel: string): channel is DeviceUpChannel {
  return (deviceUpChannels as readonly string[]).includes(channel);
}
