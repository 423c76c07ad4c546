/** Anything bytes can be sent into: a virtual port, a fault between station and port, an array in a test. */
export interface ByteSink {
  /** Resolves when all of `bytes` has been taken; that is the back-pressure. Calls are carried out in order. */
  write(bytes: Uint8Array): Promise<void>;
}
