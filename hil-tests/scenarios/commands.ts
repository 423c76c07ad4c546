import type { CloudClient } from '@loadline/sdk/client';
import type { CommandReply } from '@loadline/sdk/contract';
import { until } from '../rig/index.ts';
import { elapsed, gatewayId } from './site.ts';

export type Command = CommandReply['command'];

/** Gives a site's gateway a command through the cloud, and waits for what becomes of it. */
export async function outcomeOf(client: CloudClient, command: Command): Promise<CommandReply> {
  const id = await client.createCommand(gatewayId, { command, expiresInSeconds: 30 });
  return await until(
    async () => {
      const [found] = await Promise.all([client.command(gatewayId, id), elapsed(50)]);
      return found.finished === null ? undefined : found;
    },
    { limitMs: 20_000, what: `something has become of the command ${JSON.stringify(command)}` },
  );
}
