import { preSharedKey } from '@loadline/sdk/platform';
import { cardBytes, cardSite } from '@loadline/sdk/provisioning';
import { readSite } from '../provision/files.ts';
import { boardOf, readKit } from '../provision/kit.ts';
import { type Order, siteOf } from '../provision/order.ts';
import { FlashFailure } from './outcome.ts';

/** What goes on a card, and whose it is. */
export interface Card {
  readonly gatewayId: string;
  readonly serialNumber: string;
  /** JSON. */
  readonly text: string;
}

/**
 * A site file and a kit as one board takes them from its card: checked as for a serial line.
 *
 * @throws FlashFailure `site-refused`; ConfigError, CalledWrongly, ProvisionFailure of reading them
 */
export async function cardFor(configPath: string, kitPath: string, now: number): Promise<Card> {
  const order = await readSite(configPath);
  const kit = await readKit(kitPath);
  const meant = kit.boards.find(({ gatewayId }) => gatewayId === order.gatewayId);
  const serialNumber = order.serialNumber ?? meant?.serialNumber;
  if (serialNumber === undefined || meant === undefined) {
    const all = kit.boards.map(({ gatewayId }) => gatewayId).join(', ');
    throw refused(`${kitPath} has no board for ${order.gatewayId}: it is for ${all}`);
  }
  const board = boardOf(kit, serialNumber, now);
  if (board.gatewayId !== order.gatewayId) {
    throw refused(
      `the kit has ${serialNumber} as ${board.gatewayId}, and the site file as ${order.gatewayId}`,
    );
  }
  if (order.ports === undefined) {
    throw refused(
      `${configPath} names no [[ports]]: nobody listens for sensors here, so it has to say where they are`,
    );
  }
  const site = siteOf(withoutPassphrase(order), order.ports, {
    organisation: kit.organisation,
    authority: kit.authority,
    chain: null,
    enrolment: { url: kit.enrolmentUrl, secret: board.enrolmentSecret },
    uplink: kit.uplink,
  });
  const text = `${JSON.stringify(cardSite.parse({ version: 1, voucher: board.voucher, site: JSON.stringify(site) }))}\n`;
  mustHaveNoKey(text);
  if (Buffer.byteLength(text) > cardBytes) throw refused(`it comes to more than ${cardBytes} bytes`);
  return { gatewayId: order.gatewayId, serialNumber, text };
}

/** Whatever a file names as certificate, option or name: a private key is none of it. */
function mustHaveNoKey(text: string): void {
  if (!/PRIVATE[ _-]?KEY/i.test(text)) return;
  throw refused(
    'there is a private key in it: it would lie on the card for everybody to read. A gateway makes its own',
  );
}

/** Of a passphrase only the key that it comes to goes on the card. */
function withoutPassphrase(order: Order): Order {
  const { network, secrets } = order;
  const { wifiPassphrase } = secrets;
  if (network.wifi === undefined || wifiPassphrase === null) return order;
  return {
    ...order,
    secrets: { ...secrets, wifiPassphrase: preSharedKey(wifiPassphrase, network.wifi.ssid) },
  };
}

function refused(what: string): FlashFailure {
  return new FlashFailure('site-refused', what, 'docs/flashing.md says what goes on a card');
}
