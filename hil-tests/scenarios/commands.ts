import type { CommandReply } from '@loadline/sdk/api';
import type { OrganisationClient } from '@loadline/sdk/client';
import { until } from '../rig/index.ts';
import { elapsed, gatewayId } from '../scenario/index.ts';

export type Command = CommandReply['command'];

/** Desires a configuration of a site's gateway; its revision. */
export async function desire(
  organisation: OrganisationClient,
  configuration: Record<string, unknown>,
): Promise<string> {
  return (await organisation.setDesired({ device: gatewayId, body: { configuration } })).revision;
}

/** Gives a site's gateway a command through the cloud, and waits for what becomes of it. */
export async function outcomeOf(organisation: OrganisationClient, command: Command): Promise<CommandReply> {
  const body = { command, expiresInSeconds: 30 };
  const { id } = await organisation.createCommand({ device: gatewayId, body });
  return await until(
    async () => {
      const [found] = await Promise.all([
        organisation.getCommand({ device: gatewayId, command: id }),
        elapsed(50),
      ]);
      return found.finished === null ? undefined : found;
    },
    { limitMs: 20_000, what: `something has become of the command ${JSON.stringify(command)}` },
  );
}
