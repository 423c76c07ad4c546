import {
  type CommandReply,
  commandParams,
  commandReply,
  commandsReply,
  desiredBody,
  desiredReply,
  gatewayParams,
  limits,
  newCommandBody,
  newCommandReply,
  newDesiredReply,
  problemReply,
  type ReportedMessage,
} from '@loadline/sdk/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type * as z from 'zod';
import type { Downlink } from '../../downlink/index.ts';
import type { Directory } from '../../router/index.ts';
import type { CommandRow, DesiredRow } from '../../store/index.ts';
import { userOf } from './access.ts';
import { gatewayOf } from './gateway-routes.ts';
import { Problem } from './problem.ts';

/** `/api/v1/gateways/:gateway/desired` and `…/commands`: what reaches down to a gateway. */
export function downlinkRoutes(
  app: FastifyInstance,
  { directory, downlink }: { directory: Directory; downlink: Downlink },
): void {
  const routes = app.withTypeProvider<ZodTypeProvider>();
  const problems = { '4xx': problemReply, '5xx': problemReply };

  routes.put(
    '/api/v1/gateways/:gateway/desired',
    {
      config: { opens: 'desired.set' },
      // The message to the gateway is a little longer than the body: its own limit is checked below.
      bodyLimit: limits.messageBytes,
      schema: {
        description:
          'Desires a configuration of a gateway, whole. The gateway checks it, puts it in force or refuses it, and ' +
          'goes back to the one before where the cloud cannot be reached with it: GET says which.',
        params: gatewayParams,
        body: desiredBody,
        response: { 200: newDesiredReply, ...problems },
      },
    },
    async (request) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'desired.set');
      const revision = await downlink.desire(gateway, request.body.configuration, userOf(request).name);
      if (revision !== undefined) return { revision };
      throw new Problem(
        413,
        'request-invalid',
        `a message to a gateway may have ${limits.messageBytes} bytes`,
      );
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/desired',
    {
      config: { opens: 'desired.get' },
      schema: { params: gatewayParams, response: { 200: desiredReply, ...problems } },
    },
    async (request) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'desired.get');
      const desired = await downlink.desired(gateway);
      // What was reported to an older cloud says nothing of it.
      const reported: Configuration | undefined = gateway.reported?.configuration;
      return {
        desired: desired
          ? {
              revision: desired.revision,
              configuration: desired.configuration,
              time: new Date(desired.created).toISOString(),
              by: desired.by,
            }
          : null,
        reported: reported ?? null,
        state: standing(desired, reported),
      };
    },
  );

  routes.post(
    '/api/v1/gateways/:gateway/commands',
    {
      config: { opens: 'commands.create' },
      schema: {
        description:
          'Gives a gateway a command, which is carried out once at most and not after it has expired. EXPERIMENTAL: ' +
          '`transmit` makes the gateway speak on the radio of T24 modules (wake, sleep, stay-awake); a gateway ' +
          'refuses it unless its configuration allows it.',
        params: gatewayParams,
        body: newCommandBody,
        response: { 202: newCommandReply, ...problems },
      },
    },
    async (request, reply) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'commands.create');
      const { command, expiresInSeconds } = request.body;
      const milliseconds = expiresInSeconds * 1000;
      const id = await downlink.give(gateway, { command, milliseconds, by: userOf(request).name });
      if (id !== undefined) return reply.status(202).send({ id });
      throw new Problem(
        409,
        'too-many-commands',
        `${limits.commandsWaiting} commands wait for ${gateway.id} already`,
      );
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/commands',
    {
      config: { opens: 'commands.get' },
      schema: { params: gatewayParams, response: { 200: commandsReply, ...problems } },
    },
    async (request) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'commands.get');
      const rows = await downlink.commands(gateway);
      return { commands: rows.map((row) => describe(downlink, row)) };
    },
  );

  routes.get(
    '/api/v1/gateways/:gateway/commands/:id',
    {
      config: { opens: 'commands.get' },
      schema: { params: commandParams, response: { 200: commandReply, ...problems } },
    },
    async (request) => {
      const gateway = gatewayOf(directory, request, request.params.gateway, 'commands.get');
      const row = await downlink.command(gateway, request.params.id);
      if (row === undefined) throw new Problem(404, 'not-found', 'there is no such thing');
      return describe(downlink, row);
    },
  );
}

type Configuration = ReportedMessage['configuration'];

/** Where the desired configuration stands. */
function standing(
  desired: DesiredRow | undefined,
  reported: Configuration | undefined,
): z.infer<typeof desiredReply>['state'] {
  if (desired === undefined) return 'none';
  if (reported?.revision === desired.revision) return 'in-force';
  return reported?.last?.revision === desired.revision ? reported.last.outcome : 'waiting';
}

function describe(downlink: Downlink, row: CommandRow): CommandReply {
  const { id, command, by, detail } = row;
  const text = (time: number | null) => (time === null ? null : new Date(time).toISOString());
  return {
    id,
    command,
    state: downlink.stateOf(row),
    detail,
    created: new Date(row.created).toISOString(),
    by,
    expires: new Date(row.expires).toISOString(),
    sent: text(row.sent),
    finished: text(row.finished),
  };
}
