/** Everything that real ports can refuse, or that is wrong with what is connected to them, with a stable code. */
export type MetalErrorCode =
  | 'option' // the bench was asked for in words that make no sense
  | 'absent' // there is no such port
  | 'not-a-tty' // what is there is no serial port
  | 'denied' // this user may not open it
  | 'busy' // another program has it open
  | 'opening' // the system does not open it for another reason
  | 'gone' // its device went while it was open
  | 'wiring' // bytes do not get across as they should
  | 'no-base-station' // nothing that a base station would send is heard
  | 'no-gateway' // no gateway answers on its console
  | 'not-owner' // the gateway says what it hears to its owner only
  | 'unplug'; // its adapter cannot be unplugged, or did not come back

/** What is wrong with hardware or with how it is connected, and what to do about it. */
export class MetalError extends Error {
  override readonly name = 'MetalError';
  readonly code: MetalErrorCode;
  /** What to do. */
  readonly act: string;

  constructor(code: MetalErrorCode, what: string, act: string, options?: ErrorOptions) {
    super(`${what}: ${act}`, options);
    this.code = code;
    this.act = act;
  }
}
