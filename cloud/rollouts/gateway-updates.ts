import { randomUUID } from 'node:crypto';
import type { UpdateMessage, UpdatingMessage } from '@loadline/sdk/contract';
import type { Device } from '../router/index.ts';
import {
  type AuditDraft,
  type OfferRow,
  type Store,
  step,
  type UpdateRow,
  type UpdateSettingRow,
  type UpdateStateRow,
} from '../store/index.ts';
import { offerId, type Wish } from './offer-id.ts';
import type { Rollouts, Shelf } from './rollouts.ts';
import { wishFor } from './wish.ts';

/** Offers of one gateway that are kept, the newest. */
const offersKept = 50;

/** Offers of one gateway that are shown, the newest. */
const offersShown = 20;

/** Tells that what gateways are to run may be something else: one, or, undefined, all. */
export type OfferListener = (gateway: string | undefined) => void;

/** What is said of one gateway by its organisation. */
export interface GatewayChange {
  readonly isCanary?: boolean | undefined;
  /** A release; null takes the pin off. */
  readonly pin?: string | null | undefined;
}

/** Who says it: his name, and what the audit log says. */
export interface GatewayEditor {
  readonly by: string;
  readonly entry: (before: AuditDraft['before'], after: AuditDraft['after']) => AuditDraft;
}

/** All that is known of one gateway's updates. */
export interface GatewayView {
  readonly setting: UpdateSettingRow | undefined;
  readonly state: UpdateStateRow | undefined;
  readonly isUpdated: boolean;
  /** What it is to run; undefined where it is to stay with what it has. */
  readonly wish: Wish | undefined;
  readonly offers: readonly OfferRow[];
}

interface Parts {
  readonly store: Store;
  readonly rollouts: Pick<Rollouts, 'all' | 'judgeSoon' | 'onChange'>;
  readonly shelf: Shelf;
  /** Told, after the commit, of what a gateway said. */
  readonly onSaid: (device: Device, message: UpdatingMessage) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What each gateway is to run, and what it made of that. A door tells it when it listens, and when it may have changed. */
export class GatewayUpdates {
  readonly #parts: Parts;
  #listener: OfferListener = () => {};

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.rollouts.onChange(() => this.#listener(undefined));
  }

  /** `listener` hears, after the commit, of everything new. There is one: the door that gateways are behind. */
  onNews(listener: OfferListener): void {
    this.#listener = listener;
  }

  /** Something else may be wished of all: the repository has another release. */
  changed(): void {
    this.#listener(undefined);
  }

  /** Something else may be wished of these, whose organisation thinks otherwise: nobody else's are looked at for that. */
  changedOf(gateways: Iterable<string>): void {
    for (const gateway of gateways) this.#listener(gateway);
  }

  /** What a gateway is to be told. What it is offered is kept before it is said. */
  async message(device: Device): Promise<UpdateMessage> {
    const row = await this.#parts.store.read('update', { device: device.number });
    const wish = this.#wish(device, row);
    if (wish === undefined) return { version: 1, offer: null };
    const { release } = wish;
    const id = offerId(wish, device.id, row.setting?.attempt ?? 0);
    // It runs it already, and not by this offer: there is nothing to be done.
    if (row.state?.release === release && row.state.offer !== id) return { version: 1, offer: null };
    await this.#keep(device, id, wish);
    return { version: 1, offer: { id, release } };
  }

  /** A gateway said, and it is on disk, what it runs and how far it is. */
  said(device: Device, message: UpdatingMessage): void {
    const { rollouts, onSaid } = this.#parts;
    const { state } = message.progress;
    if (state === 'rolled-back' || state === 'refused') rollouts.judgeSoon();
    onSaid(device, message);
    // What it is for and what it runs says what it is to be offered.
    if (state !== 'downloading') this.#listener(device.id);
  }

  async view(device: Device): Promise<GatewayView> {
    const { store } = this.#parts;
    const row = await store.read('update', { device: device.number });
    const offers = await store.read('offers', { device: device.number, limit: offersShown });
    return { ...row, wish: this.#wish(device, row), offers };
  }

  /** Of all gateways of an organisation of which anything is known, by their row numbers. */
  async ofOrganisation(
    organisation: string,
  ): Promise<ReadonlyMap<number, Pick<GatewayView, 'setting' | 'state'>>> {
    const { settings, states } = await this.#parts.store.read('updatesOf', { organisation });
    const all = new Map<number, { setting?: UpdateSettingRow; state?: UpdateStateRow }>();
    for (const setting of settings) all.set(setting.device, { setting });
    for (const state of states) all.set(state.device, { ...all.get(state.device), state });
    return all as ReadonlyMap<number, Pick<GatewayView, 'setting' | 'state'>>;
  }

  /** Marks it as a canary, or not; pins it to a release, or takes the pin off. What is not said of it stays as it is. */
  async change(
    device: Device,
    { isCanary, pin }: GatewayChange,
    { by, entry }: GatewayEditor,
  ): Promise<GatewayView> {
    const { store } = this.#parts;
    const { number } = device;
    const { setting } = await store.read('update', { device: number });
    const before = { canary: setting?.canary === 1, keptAt: setting?.pin_release ?? null };
    const after = { canary: isCanary ?? before.canary, keptAt: pin === undefined ? before.keptAt : pin };
    const none = { pin: null, pin_release: null, pin_by: null };
    const pinned = typeof pin === 'string' ? { pin: randomUUID(), pin_release: pin, pin_by: by } : none;
    await store.change({
      steps: [
        ...(isCanary === undefined ? [] : [step('setCanary', { device: number, canary: Number(isCanary) })]),
        ...(pin === undefined ? [] : [step('setPin', { device: number, ...pinned })]),
      ],
      audit: [entry(before, after)],
    });
    this.#listener(device.id);
    return this.view(device);
  }

  /** Offers it once more, under another id, what it went back from or refused. */
  async retry({ number, id }: Device, entry: AuditDraft): Promise<void> {
    await this.#parts.store.change({
      steps: [step('retryUpdate', { device: number }), step('retireOffers', { device: number })],
      audit: [entry],
    });
    this.#listener(id);
  }

  /** Whether there is such a release for what a gateway is; of one that has not said what it is, for anything. */
  knows(release: string, target: string): boolean {
    return this.#parts.shelf.has(release, target);
  }

  #wish(device: Device, { setting, state, isUpdated }: UpdateRow): Wish | undefined {
    const { rollouts, shelf } = this.#parts;
    const pin =
      setting === undefined || setting.pin === null || setting.pin_release === null
        ? undefined
        : { id: setting.pin, release: setting.pin_release };
    return wishFor(
      { id: device.id, isCanary: setting?.canary === 1, pin, isUpdated, running: state },
      rollouts.all,
      (release, target) => shelf.has(release, target),
    );
  }

  async #keep({ number: device }: Device, id: string, wish: Wish): Promise<void> {
    const { store, now } = this.#parts;
    if ((await store.read('offer', { id })) !== undefined) return;
    const rollout = wish.kind === 'rollout' ? wish.rollout : null;
    await store.change({
      steps: [
        step('trimOffers', { device, kept: offersKept - 1 }),
        step('addOffer', { id, device, rollout, release: wish.release, at: now() }),
      ],
      audit: [],
    });
  }
}
