import type { EventWords } from '@loadline/sdk/telemetry';
import type { Time } from './clock/index.ts';
import type { Config } from './config/index.ts';
import { Est, type Identity, IdentityFiles, loadIdentity, Renewal, type Trust } from './identity/index.ts';
import type { LinkKeeper } from './link-keeper.ts';
import type { World } from './world.ts';

export interface IdentityKeeperOptions {
  /** The gateway's own file: who it is, only that says. */
  readonly own: Config;
  /** The configuration in force: the way out may be another. */
  readonly inForce: () => Config;
  readonly world: World;
  readonly trust: Trust;
  readonly time: () => Time;
  readonly links: Pick<LinkKeeper, 'isConnected' | 'refusals' | 'takeOver'>;
  readonly onEvent: (event: EventWords) => void;
}

/** Who the gateway is, from its first start on and through every renewal; and whom it believes. */
export class IdentityKeeper {
  readonly #options: IdentityKeeperOptions;
  readonly #stopping = new AbortController();
  #renewal: Renewal | undefined;

  constructor(options: IdentityKeeperOptions) {
    this.#options = options;
  }

  /** Undefined before there is one. */
  get identity(): Identity | undefined {
    return this.#renewal?.identity;
  }

  /**
   * Resolves with the identity once there is one.
   *
   * @throws IdentityMissing where somebody has to act first; the abort reason when stopped
   */
  async load(): Promise<Identity> {
    const { own, inForce, world, trust, time, links, onEvent } = this.#options;
    const { log, random, clock } = world;
    const { signal } = this.#stopping;
    const { enrolment, gateway } = own;
    const files = new IdentityFiles(gateway.state, gateway.id);
    const est =
      enrolment &&
      new Est({
        url: enrolment.url,
        gatewayId: gateway.id,
        authorityPem: () => trust.pem,
        time,
        proxy: () => inForce().uplink.proxy,
        signal,
      });
    const found = await loadIdentity({ files, enrolment, est, log, random, signal });
    this.#renewal = new Renewal({
      files,
      found,
      est,
      secretFile: enrolment?.secret_file,
      trust,
      time,
      monotonic: clock.monotonic,
      random,
      links,
      takeOver: (identity) => links.takeOver(identity),
      onEvent: (code, detail) => onEvent({ code, subject: '', detail }),
      log,
    });
    return found.identity;
  }

  /** To be called every few seconds. */
  tick(): void {
    this.#renewal?.tick();
  }

  /** A link stands that was made with this identity. */
  connected(identity: Identity): void {
    this.#renewal?.connected(identity);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#renewal?.stop();
  }
}
