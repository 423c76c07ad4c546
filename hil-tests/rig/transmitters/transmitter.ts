import type { DataProviderPacket } from '@loadline/sdk/t24';

/**
 * A simulated transmitter: knows what it measures and how strongly it is heard; knows nothing of clocks and lines.
 * `VirtualModule` is the kit's own; anything else with these members can broadcast in a virtual radio too.
 */
export interface VirtualTransmitter {
  /** Says what is simulated, and under which tags. */
  readonly label: string;
  readonly tags: readonly number[];
  /** Milliseconds between two broadcasts. */
  readonly intervalMs: number;
  /**
   * The packets of the next broadcast, none from a module that sleeps. Its world is `intervalMs` older at every
   * call. RSSI and CV are what a base station 4 m away hears of it; an air makes of them what is heard elsewhere.
   */
  broadcast(): readonly DataProviderPacket[];
  /** From the next broadcast on. Sets flag and status bit of every packet; a flat battery sends none. */
  setBattery(state: 'good' | 'low' | 'flat'): void;
  /** Status byte of every packet from the next broadcast on (`statusBits`); bit 5 belongs to the battery. */
  setStatus(status: number): void;
}
