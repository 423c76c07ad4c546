import type { Recording } from '@loadline/hil-tests';

/** What `loadline start` plays into the gateway's serial port. */
export type Source =
  | { readonly kind: 'simulated' }
  | { readonly kind: 'recording'; readonly name: string; readonly recording: Recording };

/** How a recording reaches the port. */
export interface Playing {
  /** `line` paces it like a line of 115200 baud, `max` as fast as the gateway reads. */
  readonly speed: 'line' | 'max';
  /** Whether each byte is a write of its own. */
  readonly pieces: 'large' | 'single-bytes';
}

export interface StartOptions {
  /** Folder of everything that is kept. */
  readonly state: string;
  /** Undefined: the usual port, or a free one where that is taken. */
  readonly httpsPort: number | undefined;
  readonly mqttPort: number | undefined;
  readonly source: Source;
  readonly playing: Playing;
  /** `committed`: end once all of the recording is; `interrupted`: run until Ctrl-C. */
  readonly until: 'committed' | 'interrupted';
}
