import { type DownChannel, downChannels, parseTopic } from '@loadline/sdk/contract';
import { type GatewayPrincipal, may } from '../../access/index.ts';
import { type Directory, resourceOf } from '../../router/index.ts';

/** What each topic opens to. */
const receiveScopes = {
  notice: 'notice.receive',
  desired: 'desired.receive',
  command: 'command.receive',
  time: 'time.receive',
  update: 'update.receive',
} as const satisfies Record<DownChannel, string>;

/** The channel of a topic towards a gateway; undefined for every other topic and filter. */
export function downChannel(topic: string): DownChannel | undefined {
  const channel = parseTopic(topic)?.channel;
  return downChannels.find((one) => one === channel);
}

/** Whether this gateway may subscribe to that. */
export function mayReceive(principal: GatewayPrincipal, topic: string, directory: Directory): boolean {
  const channel = downChannel(topic);
  const gateway = directory.device(parseTopic(topic)?.gateway ?? '');
  if (channel === undefined || gateway === undefined) return false;
  return may(principal, receiveScopes[channel], resourceOf(gateway)).allowed;
}
