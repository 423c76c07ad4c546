/**
 * What a bench may be able to do, and what that means. A scenario says which of them it needs; on a bench that lacks
 * one it is skipped by name, with the bench's reason.
 */
export const abilities = {
  'simulated-radio': 'the radio is simulated, and says what the scenario wants said',
  unplug: 'the radio can be unplugged and plugged in again',
  adapters: 'adapters can be plugged in under any name, led elsewhere, and come back under another name',
  'hold-port': 'another program can hold the port of the gateway',
  'line-speed': 'the line has a speed of its own, at which bytes cannot be sent faster',
  'network-faults': 'the network between gateway and cloud can be made bad',
  'kill-gateway': 'the gateway can be killed, stopped and started again',
  'kill-cloud': 'the cloud can be killed, stopped and started again',
  'gateway-process': 'the gateway is a process of this machine, whose use of the processor can be read',
  site: 'gateway and cloud are of the bench: set up anew, with their configuration and logs at hand',
  console: 'the gateway answers on a serial console of its own; all else of it is out of reach',
  'console-owner': 'whoever asks on the console can show a voucher, so the gateway says what it hears',
  'gateway-clock': 'the gateway can be started with a boot as long ago as the scenario wants',
} as const;

/** One of the things a bench may be able to do. */
export type Ability = keyof typeof abilities;
