/** Everything the rig itself can refuse, with a stable code. Messages say what, where and what to do. */
export type RigErrorCode =
  | 'platform' // this platform has no ptys the rig can make
  | 'pty' // the kernel refused a pty
  | 'link' // the port's link cannot be made
  | 'rival' // a rival cannot have the port it is to hold
  | 'unplugged' // the virtual port is unplugged
  | 'closed' // the virtual port, or what stands on it, has been closed
  | 'option' // an option is outside its range
  | 'recording' // a recording cannot be read
  | 'ended' // a program ended before it said what was waited for
  | 'timeout' // what was waited for did not come
  | 'proxy'; // the fault proxy cannot do what was asked

/** The rig's error. `code` is stable and for programs; the message is for people. */
export class RigError extends Error {
  override readonly name: string = 'RigError';
  readonly code: RigErrorCode;
  /** Of a write that was cut short: how many of its bytes were taken before. */
  declare readonly takenBytes?: number;

  constructor(code: RigErrorCode, message: string, options: ErrorOptions & { takenBytes?: number } = {}) {
    super(message, options);
    this.code = code;
    if (options.takenBytes !== undefined) this.takenBytes = options.takenBytes;
  }
}

/** Returns `value` if it is a number in `least..most`; throws a RigError `option` naming it otherwise. */
export function inRange(name: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new RigError('option', `${name} is ${value}; it must be a number from ${least} to ${most}`);
}
