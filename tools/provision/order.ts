import type { Network, Site } from '@loadline/sdk/provisioning';

type Table = Readonly<Record<string, unknown>>;

/** What a gateway is to become, as a technician or a site file says it; what a cloud adds is not in it. */
export interface Order {
  /** Undefined: the only one that the login or token is in. */
  readonly organisation: string | undefined;
  readonly where: string;
  readonly gatewayId: string;
  readonly name: string;
  /** The only board that is meant; undefined: the one that is there. */
  readonly serialNumber: string | undefined;
  /** Whether another board was this gateway until now. */
  readonly replace: boolean;
  readonly discardUndelivered: boolean;
  /** Of the EST server; undefined: the cloud that is asked. */
  readonly cloudUrl: string | undefined;
  /** With the name of a wireless network, and without its passphrase. */
  readonly network: Omit<Network, 'wifi'> & {
    readonly wifi?: Omit<NonNullable<Network['wifi']>, 'passphrase'>;
  };
  readonly uplink: {
    /** Undefined: the host of the cloud that is asked. */
    readonly host: string | undefined;
    /** What else the table `uplink` says. */
    readonly rest: Table;
  };
  /** `[[ports]]`; undefined: those on which the sensors are heard. */
  readonly ports: readonly Table[] | undefined;
  /** The other tables of the configuration. */
  readonly tables: Readonly<Record<string, unknown>>;
  readonly listenSeconds: number;
  readonly trialSeconds: number;
  readonly secrets: {
    /** Null for an open network, and where there is no wireless one. */
    readonly wifiPassphrase: string | null;
    readonly proxyPassword: string | null;
  };
}

/** What a cloud, or a kit, adds to an order. */
export interface FromCloud {
  readonly organisation: string;
  /** The roots, PEM. */
  readonly authority: string;
  readonly chain: string | null;
  readonly enrolment: { readonly url: string; readonly secret: string | null };
  readonly uplink: { readonly host: string; readonly port: number | null };
}

/** The site that is written. */
export function siteOf(order: Order, ports: readonly Table[], from: FromCloud): Site {
  const { wifi, ...network } = order.network;
  const { host, port } = from.uplink;
  return {
    version: 1,
    gatewayId: order.gatewayId,
    organisation: from.organisation,
    name: order.name,
    authority: from.authority,
    chain: from.chain,
    enrolment: { ...from.enrolment, url: order.cloudUrl ?? from.enrolment.url },
    network: {
      ...network,
      ...(wifi && { wifi: { ...wifi, passphrase: order.secrets.wifiPassphrase } }),
    },
    proxyPassword: order.secrets.proxyPassword,
    configuration: {
      uplink: {
        host: order.uplink.host ?? host,
        ...(port !== null && { port }),
        ...order.uplink.rest,
      },
      ports,
      ...order.tables,
    },
  };
}

/** The tags of the sensors in an order, four capital hex digits each. */
export function tagsOf({ tables }: Pick<Order, 'tables'>): string[] {
  const { sensors = [] } = tables as { readonly sensors?: readonly { readonly tag: string }[] };
  return sensors.map(({ tag }) => tag.toUpperCase());
}
