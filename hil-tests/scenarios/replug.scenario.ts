// @long
// @time-limit 150 s
import { deepEqual, equal, ok } from 'node:assert/strict';
import { elapsed, type Site, scenario } from '../scenario/index.ts';
import { counterFrame, countsIn } from './counter.ts';

const frame = (value: number) => counterFrame(0x3a10, value);

/** A radio that is unplugged again and again, and what it has sent. */
class Unplugged {
  readonly #site: Site;
  /** Values sent in whole, in order: exactly these are to be in the store. */
  readonly sent: number[] = [];
  openings = 1;
  /** Milliseconds from each replug until the port was open. */
  readonly waits: number[] = [];

  constructor(site: Site) {
    this.#site = site;
  }

  /** Sends the next value, and waits until it is committed: then nothing is under way. */
  async deliverNext(): Promise<void> {
    this.sent.push(this.sent.length);
    await this.#site.radio.write(frame(this.sent.length - 1));
    await this.#site.cloud.stored(this.sent.length);
  }

  /** Pulls the plug, and waits until the gateway has noticed. */
  async unplug(): Promise<void> {
    await this.#site.radio.unplug();
    await this.#site.gateway.said('port-closed', { times: this.openings });
  }

  /** Sends a value and pulls the plug. Heard in time or lost: both may be, and the gateway's account says which. */
  async unplugBehindData(): Promise<void> {
    const { radio, cloud } = this.#site;
    const value = this.sent.length;
    await radio.write(frame(value));
    await this.unplug();
    const { health } = await cloud.accountWhere('the port is closed', (_, { ports }) => !ports[0]?.open);
    if ((health?.readings ?? 0) > value) this.sent.push(value);
  }

  /** Plugs it in again, and waits until the gateway has opened it. */
  async replug(): Promise<void> {
    await this.#site.radio.replug();
    const since = Date.now();
    this.openings += 1;
    const { at } = await this.#site.gateway.said('port-open', { times: this.openings });
    this.waits.push(Date.parse(at) - since);
  }
}

export default scenario({
  about:
    'A radio is unplugged and plugged in again: the gateway finds it, and every frame that was heard whole is stored once.',
  needs: ['simulated-radio', 'unplug', 'gateway-process'],
  timeLimitMs: 150_000,
  async play({ given, when, then, bench }) {
    const site = await given('a gateway whose radio is heard', () => bench.site());
    const { radio, gateway, cloud } = site;
    const radioOff = new Unplugged(site);
    const { sent, waits } = radioOff;
    await radioOff.deliverNext();

    await when('it is unplugged while idle, and plugged in again', async () => {
      await radioOff.unplug();
      await radioOff.replug();
    });
    await then('the port is found again, and the next frame is delivered', () => radioOff.deliverNext());

    const half = frame(999).subarray(0, 9);
    const before = (await cloud.stored(sent.length)).discardedBytes;
    await when('half a frame comes, and nothing after it', () => radio.write(half));
    // The half stays held only while the line may still go on, and it is 250 ms before it is given up.
    await then('the half is discarded, and accounted for', () =>
      cloud.accountWhere('the half', ({ discardedBytes }) => discardedBytes === before + half.length),
    );
    await when('it is unplugged in the middle of a frame, and plugged in again', async () => {
      await radio.write(half);
      await radioOff.unplug();
      await radioOff.replug();
    });
    await then('the next frame is whole, and of the half at most its bytes are discarded', async () => {
      await radioOff.deliverNext();
      const { discardedBytes } = await cloud.stored(sent.length);
      // What the kernel had not handed over is gone with the plug.
      const lost = discardedBytes - before - half.length;
      ok(lost >= 0 && lost <= half.length, `${lost} bytes`);
    });

    await when('it is unplugged right behind data, five times', async () => {
      for (let round = 0; round < 5; round++) {
        await radioOff.unplugBehindData();
        await radioOff.replug();
        await radioOff.deliverNext();
      }
    });
    await when('it is unplugged right behind data once more, and stays away', () =>
      radioOff.unplugBehindData(),
    );
    await then('the gateway does not spin', async () => {
      const used = gateway.processorSeconds();
      await elapsed(1000);
      const seconds = gateway.processorSeconds() - used;
      ok(seconds < 0.5, `${seconds} s of processor time in a second`);
    });
    await when('it is plugged in', () => radioOff.replug());
    await then('the next frame is delivered', () => radioOff.deliverNext());

    await then('every frame that was heard whole is stored once, in order, and nothing else is', async () => {
      const { stored, duplicate, rejected, health } = await cloud.stored(sent.length);
      deepEqual([stored, duplicate, rejected], [sent.length, 0, 0]);
      equal(health?.ports[0]?.frameBytes, sent.length * frame(0).length);
      deepEqual(countsIn(cloud.readings()), sent);
    });
    await then('the cloud knows of every loss and every return', async () => {
      const lost = radioOff.openings - 1;
      const told = (await cloud.events()).filter((event) => event.startsWith('port-'));
      const losses = Array(lost).fill(['port-lost radio', 'port-open radio']).flat();
      deepEqual(told, ['port-open radio', ...losses]);
    });
    await then('after a replug the port was open within a second', () => {
      // Of several the one in the middle: whatever else this machine does at times is not the gateway's.
      const middle = waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)] ?? Number.NaN;
      ok(waits.length >= 5 && middle <= 1000, `${waits.join(', ')} ms`);
    });
  },
});
