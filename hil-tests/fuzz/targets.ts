/** How much is thrown, and what it is drawn from. */
export interface FuzzOptions {
  readonly bytes: number;
  readonly seed: number;
  readonly say?: (text: string) => void;
}

/** What every run tells; each has figures of its own besides. */
export interface FuzzRun {
  /** Bytes that were thrown, all together. */
  readonly bytes: number;
  readonly seed: number;
  readonly seconds: number;
  /** What must not be. */
  readonly faults: readonly string[];
}

interface Target {
  /** What is thrown at what, and what is due, in words. */
  readonly about: string;
  /** Loaded when it is asked for: who fuzzes a framer does not wait for a broker. */
  readonly load: () => Promise<(options: FuzzOptions) => Promise<FuzzRun>>;
}

const door = (name: 'mqtt' | 'https' | 'socket', about: string): Target => ({
  about: `a cloud's ${about}, while a client in order goes on delivering through it: it is served,\nand every account balances`,
  load: async () => (await import('./doors/door.ts')).fuzzDoorOf(name),
});

/** What can be fuzzed, by name. */
export const targets: Readonly<Record<string, Target>> = {
  serial: {
    about:
      "bytes of a radio's line, noise and spoilt frames among whole ones, at the framers: no exception, every byte\n" +
      'accounted for, at most one frame held, no frame lost, and none false but what chance lets past a CRC of 16 bits',
    load: async () => (await import('./serial/run.ts')).fuzzSerial,
  },
  link: {
    about:
      'a serial link between two ends that send each other numbers, among noise, spoilt frames and strangers:\neach comes, once and in order',
    load: async () => {
      const { fuzzLink } = await import('../serial-link/fuzz.ts');
      return async (options) => fuzzLink(options);
    },
  },
  batch: {
    about:
      'spoilt batches, JSON and SenML at the decoders: whole, or refused by a known code, in bounded time',
    load: async () => (await import('./batch/run.ts')).fuzzBatch,
  },
  config: {
    about:
      "spoilt configurations at the gateway's: whole, and the same again when written and read, or refused with the\nplace and the reason; from the cloud, never what only the gateway's own file may say",
    load: async () => (await import('./config/run.ts')).fuzzConfig,
  },
  mqtt: door('mqtt', 'MQTT door'),
  https: door('https', 'HTTPS door'),
  socket: door('socket', 'socket door'),
};
