import * as z from 'zod';
import { alarmMessage } from '../../contract/index.ts';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { pathParameters } from '../parameters.ts';

const alarms = '/organisations/:organisation/alarms';

export const alarmOperations = {
  listAlarms: {
    method: 'GET',
    path: alarms,
    opens: 'alarms.get',
    summary: 'List what an organisation is to look at, what went on last first',
    description:
      'One alarm for each device and kind for as long as it goes on, kept for 400 days after that. `identity-cloned`: one identity ' +
      'of a gateway is shown by two, with the addresses they came from.',
    query: pageQuery.extend({
      device: pathParameters.device.optional().describe('of this device only'),
      seen: z.enum(['true', 'false']).optional().describe('only those that somebody has seen to, or nobody'),
    }),
    status: 200,
    reply: page(alarmMessage),
  },
  patchAlarm: {
    method: 'PATCH',
    path: `${alarms}/:alarm`,
    opens: 'alarm.patch',
    summary: 'Say that an alarm is seen to',
    description:
      'Nobody is mailed of it any more, and it is not told live. What it does not name yet raises another one, and so does the same ' +
      'after a day of quiet. Who was first stays.',
    body: z.strictObject({ seen: z.literal(true) }),
    status: 200,
    reply: alarmMessage,
  },
} as const satisfies Record<string, Operation>;
