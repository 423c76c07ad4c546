import type { CommandReply, Operations, ReplyOf } from '@loadline/sdk/api';
import { limits, type ReportedMessage } from '@loadline/sdk/contract';
import type { Standing } from '../../../access/index.ts';
import type { Downlink } from '../../../downlink/index.ts';
import type { CommandRow, DesiredRow } from '../../../store/index.ts';
import type { Caller, Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { demandInService } from './editing.ts';

/** What reaches down to a gateway: its desired configuration, and commands. */
export function downlinkHandlers(
  downlink: Downlink,
): Pick<Handlers, 'getDesired' | 'setDesired' | 'listCommands' | 'createCommand' | 'getCommand'> {
  return {
    async setDesired({ input, caller, device, entry }) {
      demandInService(device);
      const { configuration } = input.body;
      const revision = await downlink.desire(device, configuration, {
        by: nameOf(caller),
        entry: (revision) => entry({ target: { kind: 'device', id: device.id }, after: { revision } }),
      });
      if (revision !== undefined) return { revision };
      throw new Problem(
        413,
        'request-invalid',
        `a message to a gateway may have ${limits.messageBytes} bytes`,
      );
    },

    async getDesired({ device, standing }) {
      const desired = await downlink.desired(device);
      // What was reported to an older cloud says nothing of it.
      const reported: Configuration | undefined = device.reported?.configuration;
      return {
        desired: desired
          ? {
              revision: desired.revision,
              configuration: desired.configuration,
              time: new Date(desired.created).toISOString(),
              by: toldOf(desired, standing),
            }
          : null,
        reported: reported ?? null,
        state: outcomeOf(desired, reported),
      };
    },

    async createCommand({ input, caller, device, entry }) {
      demandInService(device);
      const { command, expiresInSeconds } = input.body;
      const id = await downlink.give(device, {
        command,
        milliseconds: expiresInSeconds * 1000,
        by: nameOf(caller),
        entry: (id) =>
          entry({ target: { kind: 'device', id: device.id }, after: { command: id, kind: command.kind } }),
      });
      if (id !== undefined) return { id };
      throw new Problem(
        409,
        'too-many-commands',
        `${limits.commandsWaiting} commands wait for ${device.id} already`,
      );
    },

    async listCommands({ input, device, standing }) {
      const rows = await downlink.commands(device);
      const commands = rows.map((row) => describe(downlink, row, standing));
      return pageOf(commands, input.query, ({ id }) => id);
    },

    async getCommand({ input, device, standing }) {
      const row = await downlink.command(device, input.command);
      if (row === undefined) throw new Problem(404, 'not-found', 'there is no such thing');
      return describe(downlink, row, standing);
    },
  };
}

/** Who an order is by, as the gateway's people read it. */
export function nameOf(caller: Caller): string {
  return caller.kind === 'user' ? caller.email : `token ${caller.name}`;
}

/** Who ordered something, as it is told: customers' people see none of the organisation's, and order nothing themselves. */
function toldOf({ by }: { readonly by: string }, { reach }: Standing): string {
  return reach.customer === null ? by : 'the organisation';
}

type Configuration = ReportedMessage['configuration'];

/** Where the desired configuration stands. */
function outcomeOf(
  desired: DesiredRow | undefined,
  reported: Configuration | undefined,
): ReplyOf<Operations['getDesired']>['state'] {
  if (desired === undefined) return 'none';
  if (reported?.revision === desired.revision) return 'in-force';
  return reported?.last?.revision === desired.revision ? reported.last.outcome : 'waiting';
}

function describe(downlink: Downlink, row: CommandRow, standing: Standing): CommandReply {
  const { id, command, detail } = row;
  const text = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return {
    id,
    command,
    state: downlink.stateOf(row),
    detail,
    created: new Date(row.created).toISOString(),
    by: toldOf(row, standing),
    expires: new Date(row.expires).toISOString(),
    sent: text(row.sent),
    finished: text(row.finished),
  };
}
