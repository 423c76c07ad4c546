import type { PortLedger } from '@loadline/sdk/contract';
import type { Intake } from './intake.ts';

type Frames = Intake['frames'];

/**
 * What was counted under configurations that are no longer in force: a gateway accounts for everything since it
 * started, whatever it was configured as meanwhile.
 */
export class PastAccounts {
  #frames: Frames | undefined;
  #ports: readonly PortLedger[] = [];

  /** Takes over what became of frames. */
  addFrames(frames: Frames): void {
    this.#frames = this.frames(frames);
  }

  /** Takes over the account of ports that were closed. */
  addPorts(ports: readonly PortLedger[]): void {
    this.#ports = this.ports(ports).map((port) => ({ ...port, open: false }));
  }

  /** All frames, `present` being those of the configuration in force. */
  frames(present: Frames): Frames {
    const past = this.#frames;
    if (past === undefined) return present;
    const keys = Object.keys(present) as (keyof Frames)[];
    return Object.fromEntries(keys.map((key) => [key, present[key] + past[key]])) as Frames;
  }

  /** All ports: one of the same name goes on counting, those that are gone are summed up in one. */
  ports(present: readonly PortLedger[]): PortLedger[] {
    const names = new Set(present.map(({ name }) => name));
    const gone = this.#ports.filter(({ name }) => !names.has(name));
    const going = present.map((port) => {
      const past = this.#ports.find(({ name }) => name === port.name);
      return past === undefined ? port : withCounts(port, past);
    });
    return gone.length === 0 ? going : [...going, gone.reduce(withCounts, noPort)];
  }
}

/** What stands for all ports of earlier configurations: it is no port, and is never open. */
export const formerPorts = '(ports not configured any more)';

const noPort: PortLedger = {
  name: formerPorts,
  open: false,
  bytes: 0,
  frameBytes: 0,
  discardedBytes: 0,
  heldBytes: 0,
  frames: 0,
};

function withCounts(port: PortLedger, past: PortLedger): PortLedger {
  return {
    ...port,
    bytes: port.bytes + past.bytes,
    frameBytes: port.frameBytes + past.frameBytes,
    discardedBytes: port.discardedBytes + past.discardedBytes,
    heldBytes: port.heldBytes + past.heldBytes,
    frames: port.frames + past.frames,
  };
}
