/** The body of a chunk is not what this version writes: torn, of a newer version, or of something else. */
export class ChunkError extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(`the body of a chunk cannot be read: ${what}`, options);
    this.name = 'ChunkError';
  }
}
