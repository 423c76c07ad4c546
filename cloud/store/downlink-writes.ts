import type { CommandMessage, ResultMessage } from '@loadline/sdk/contract';

/** What is written of desired configurations and commands. Times are milliseconds since 1970. */
export type DownlinkWrite =
  /** Changes nothing where its revision is not newer than the one that is there. */
  | {
      readonly kind: 'desired';
      readonly gateway: number;
      readonly revision: string;
      /** JSON. */
      readonly configuration: string;
      readonly at: number;
      readonly by: string;
    }
  /** Changes nothing where limits.commandsWaiting of the gateway's wait already. */
  | {
      readonly kind: 'command';
      readonly gateway: number;
      readonly id: string;
      readonly command: CommandMessage['command'];
      readonly at: number;
      readonly expires: number;
      readonly by: string;
    }
  /** It has been put on a link. */
  | { readonly kind: 'command-sent'; readonly gateway: number; readonly id: string; readonly at: number };

/** What a gateway says came of a command; rejected where it was never given that command. */
export interface ResultWrite {
  readonly kind: 'result';
  readonly gateway: number;
  readonly result: ResultMessage;
  readonly at: number;
  /** The message as it came. */
  readonly payload: Uint8Array;
}
