import type { Operations, ReplyOf } from '@loadline/sdk/api';
import type { Command } from 'commander';
import { auditColumns, auditCommand, brokenChain } from './audit.ts';
import { exportCommand } from './export.ts';
import { resource } from './resource.ts';

const named = ['name', 'id'];
const rolloutFields = ['ring', 'percent', 'haltCount', 'haltPercent', 'haltMinutes'];
const usageColumns = [
  ...['day', 'organisation', 'kind', 'id', 'sessions', 'seconds'],
  ...['messagesIn', 'messagesOut', 'readings', 'bytesIn', 'bytesOut', 'limited'],
];
const ledgerColumns = [
  'of',
  'received',
  'stored',
  'duplicate',
  'rejected',
  'expired',
  'deleted',
  'state',
  'first',
  'last',
];

/** Everything that is a list of things and what can be done to them: straight from the operations of the API. */
export function resourceCommands(): Command[] {
  return [
    resource(
      'device',
      'devices of an organisation: gateways, and whatever else delivers',
      [
        {
          name: 'list',
          calls: 'listDevices',
          columns: [
            'id',
            'name',
            'kind',
            'enabled',
            'connected',
            'runtime',
            'department',
            'customer',
            'retired',
          ],
        },
        { name: 'show', calls: 'getDevice' },
        { name: 'create', calls: 'createDevice', words: ['id'], once: 'enrolmentSecret' },
        { name: 'set', calls: 'patchDevice' },
        { name: 'enrol', calls: 'enrolDevice', once: 'enrolmentSecret' },
        { name: 'retire', calls: 'retireDevice', final: true },
        { name: 'ledger', calls: 'getLedger', rows: ledgerRows, columns: ledgerColumns },
        { name: 'rejections', calls: 'listRejections' },
        { name: 'rejection', calls: 'getRejection' },
        {
          name: 'events',
          calls: 'listEvents',
          columns: ['time', 'severity', 'code', 'subject', 'detail', 'act'],
        },
        { name: 'limits', calls: 'getDeviceLimits', rows: limitRows },
        { name: 'limit', calls: 'setDeviceLimits' },
        { name: 'desired', calls: 'getDesired' },
        { name: 'desire', calls: 'setDesired', words: ['configuration'] },
        {
          name: 'commands',
          calls: 'listCommands',
          columns: ['id', 'command', 'state', 'detail', 'by', 'created', 'finished'],
        },
        { name: 'command', calls: 'createCommand', words: ['command'] },
        {
          name: 'updates',
          calls: 'listUpdates',
          columns: ['device', 'canary', 'pin', 'running'],
        },
      ],
      [
        resource('update', 'which release a gateway runs, and is to run', [
          { name: 'show', calls: 'getUpdate' },
          {
            name: 'pin',
            does: 'Keep a gateway at a release',
            calls: 'patchUpdate',
            words: ['pin'],
            takes: ['pin'],
          },
          {
            name: 'unpin',
            does: 'Have a gateway follow the rollouts again',
            calls: 'patchUpdate',
            takes: [],
            fixed: { pin: null },
          },
          {
            name: 'canary',
            does: 'Have a gateway get releases before the others',
            calls: 'patchUpdate',
            takes: [],
            fixed: { canary: true },
          },
          {
            name: 'no-canary',
            does: 'Have a gateway get releases like the others',
            calls: 'patchUpdate',
            takes: [],
            fixed: { canary: false },
          },
          { name: 'retry', calls: 'retryUpdate' },
        ]),
        resource('credential', 'what a device proves itself by: tokens and keys', [
          {
            name: 'list',
            calls: 'listDeviceCredentials',
            columns: ['id', 'kind', 'name', 'status', 'expires', 'used', 'replaces'],
          },
          { name: 'show', calls: 'getDeviceCredential' },
          { name: 'create', calls: 'createDeviceCredential', words: ['kind', 'name'], once: 'secret' },
          {
            name: 'activate',
            does: 'Have it open again',
            calls: 'patchDeviceCredential',
            takes: [],
            fixed: { status: 'active' },
          },
          {
            name: 'deactivate',
            does: 'Have it open nothing for now; its links end',
            calls: 'patchDeviceCredential',
            takes: [],
            fixed: { status: 'inactive' },
          },
          { name: 'revoke', calls: 'deleteDeviceCredential', final: true },
        ]),
        resource('certificate', 'certificates of a gateway', [
          {
            name: 'list',
            calls: 'listCertificates',
            columns: ['id', 'issued', 'issuedFor', 'expires', 'used', 'ended', 'reason'],
          },
          { name: 'issue', calls: 'issueCertificate', words: ['request'] },
          { name: 'revoke', calls: 'revokeCertificate', final: true },
          {
            name: 'readmit',
            calls: 'readmitCertificate',
            sole: {
              list: 'listCertificates',
              what: 'certificate of it that is held back',
              where: ({ reason }) => reason === 'restored',
            },
          },
        ]),
      ],
    ),
    resource('unit', 'boards that gateways run on, and whose they are', [
      { name: 'list', calls: 'listUnits', columns: ['id', 'device', 'counter', 'claimed'] },
      { name: 'voucher', calls: 'createVoucher', words: ['serialNumber'] },
      { name: 'release', calls: 'releaseUnit', final: true },
    ]),
    resource('provisioning', 'how gateways were provisioned: records that they have signed', [
      {
        name: 'list',
        calls: 'listProvisionings',
        columns: ['at', 'serialNumber', 'by', 'certificate', 'id'],
      },
    ]),
    resource(
      'series',
      'what sensors say',
      [
        {
          name: 'list',
          calls: 'listSeries',
          columns: ['device', 'tag', 'aspect', 'name', 'unit', 'count', 'simulated'],
        },
        { name: 'show', calls: 'getSeries' },
        { name: 'set', calls: 'patchSeries' },
        { name: 'readings', calls: 'getReadings', words: ['from', 'to'], rows: readingRows },
        { name: 'aggregates', calls: 'getAggregates', words: ['from', 'to', 'by'] },
      ],
      [exportCommand()],
    ),
    resource('token', 'API tokens, by which programs call', [
      {
        name: 'list',
        calls: 'listTokens',
        columns: ['id', 'name', 'status', 'scopes', 'devices', 'tags', 'creator', 'expires', 'used'],
      },
      { name: 'create', calls: 'createToken', words: ['name'], once: 'value' },
      { name: 'show', calls: 'getToken' },
      { name: 'rename', does: 'Rename an API token', calls: 'patchToken', takes: ['name'], words: ['name'] },
      {
        name: 'activate',
        does: 'Have a token open again',
        calls: 'patchToken',
        takes: [],
        fixed: { status: 'active' },
      },
      {
        name: 'deactivate',
        does: 'Have a token open nothing for now',
        calls: 'patchToken',
        takes: [],
        fixed: { status: 'inactive' },
      },
      { name: 'revoke', calls: 'deleteToken', final: true },
    ]),
    resource('user', 'the people of an organisation', [
      {
        name: 'list',
        calls: 'listUsers',
        columns: ['email', 'name', 'role', 'reach', 'hasPassword', 'secondFactor', 'id'],
      },
      { name: 'show', calls: 'getUser' },
      { name: 'invite', calls: 'createUser', words: ['email'] },
      { name: 'invite-again', calls: 'inviteUser' },
      { name: 'set', calls: 'patchUser' },
      { name: 'reset-second-factor', calls: 'resetSecondFactor', final: true },
      { name: 'cut-off', calls: 'cutOffUser', final: true },
      { name: 'remove', calls: 'deleteUser', final: true },
    ]),
    resource('session', 'your own sessions', [
      { name: 'list', calls: 'listOwnSessions' },
      { name: 'end', calls: 'endOwnSession' },
      { name: 'cut-off', calls: 'cutOffSelf', final: true },
    ]),
    resource('invitation', 'organisations that have invited you', [
      { name: 'list', calls: 'listInvitations' },
      { name: 'accept', calls: 'acceptInvitation' },
      { name: 'decline', calls: 'declineInvitation' },
    ]),
    resource('membership', 'what you are in organisations', [
      { name: 'leave', calls: 'leaveOrganisation', final: true },
    ]),
    resource('role', 'roles: named sets of scopes', [
      { name: 'list', calls: 'listRoles', columns: ['id', 'name', 'of', 'builtIn', 'scopes'] },
      { name: 'show', calls: 'getRole' },
      { name: 'create', calls: 'createRole', words: ['id'] },
      { name: 'set', calls: 'patchRole' },
      { name: 'remove', calls: 'deleteRole', final: true },
    ]),
    resource('department', 'departments of an organisation', [
      { name: 'list', calls: 'listDepartments', columns: named },
      { name: 'create', calls: 'createDepartment', words: ['name'] },
      { name: 'rename', calls: 'patchDepartment', words: ['name'] },
      { name: 'remove', calls: 'deleteDepartment', final: true },
    ]),
    resource('customer', 'customers of an organisation', [
      { name: 'list', calls: 'listCustomers', columns: named },
      { name: 'create', calls: 'createCustomer', words: ['name'] },
      { name: 'rename', calls: 'patchCustomer', words: ['name'] },
      { name: 'remove', calls: 'deleteCustomer', final: true },
    ]),
    resource('grant', 'what fleet operators may see of an organisation, and until when', [
      { name: 'list', calls: 'listGrants' },
      { name: 'create', calls: 'createGrant', words: ['operator'] },
      { name: 'end', calls: 'deleteGrant' },
    ]),
    resource(
      'app',
      'applications: programs that follow devices over MQTT',
      [
        { name: 'list', calls: 'listApplications' },
        { name: 'show', calls: 'getApplication' },
        { name: 'create', calls: 'createApplication', words: ['name'] },
        { name: 'set', calls: 'patchApplication' },
        { name: 'remove', calls: 'deleteApplication', final: true },
      ],
      [
        resource('key', 'keys of an application: MQTT user names and their passwords', [
          {
            name: 'list',
            calls: 'listApplicationKeys',
            columns: ['id', 'name', 'status', 'devices', 'tags', 'topics', 'expires', 'used'],
          },
          { name: 'show', calls: 'getApplicationKey' },
          { name: 'create', calls: 'createApplicationKey', words: ['name'], once: 'secret' },
          {
            name: 'activate',
            does: 'Have a key open again',
            calls: 'patchApplicationKey',
            takes: [],
            fixed: { status: 'active' },
          },
          {
            name: 'deactivate',
            does: 'Have a key open nothing for now; its links end',
            calls: 'patchApplicationKey',
            takes: [],
            fixed: { status: 'inactive' },
          },
          { name: 'revoke', calls: 'deleteApplicationKey', final: true },
        ]),
      ],
    ),
    resource('usage', 'what devices, applications and people used, and may use', [
      { name: 'list', calls: 'listUsage', columns: usageColumns },
      { name: 'sessions', calls: 'listSessionRecords' },
      { name: 'limits', calls: 'getLimits', rows: limitRows },
    ]),
    resource('alarm', 'what an organisation is to look at: gateways whose identity is there twice', [
      {
        name: 'list',
        calls: 'listAlarms',
        columns: ['id', 'device', 'kind', 'sources', 'times', 'first', 'last', 'seen'],
      },
      {
        name: 'seen',
        does: 'Say that an alarm is seen to: nobody is mailed of it any more',
        calls: 'patchAlarm',
        takes: [],
        fixed: { seen: true },
      },
    ]),
    resource('block', 'what is being guessed at', [
      { name: 'list', calls: 'listBlocks' },
      { name: 'lift', calls: 'deleteBlock' },
    ]),
    auditCommand(),
    resource(
      'fleet',
      'for fleet operators: all organisations, and who operates them',
      [
        { name: 'organisations', calls: 'listOrganisations' },
        { name: 'create', calls: 'createOrganisation', words: ['id', 'name'] },
        { name: 'audit', calls: 'listFleetAudit', columns: auditColumns },
        { name: 'verify', calls: 'verifyFleetAudit', wrong: brokenChain },
        { name: 'usage', calls: 'listFleetUsage', columns: usageColumns },
        { name: 'limits', calls: 'getOrganisationLimits', rows: limitRows },
        { name: 'limit', calls: 'setOrganisationLimits' },
        { name: 'blocks', calls: 'listFleetBlocks' },
        { name: 'lift', calls: 'deleteFleetBlock' },
        { name: 'release', calls: 'releaseFleetUnit', final: true },
        {
          name: 'releases',
          calls: 'listReleases',
          columns: ['version', 'target', 'built', 'node', 'files', 'bytes', 'manifest'],
        },
        { name: 'repository', calls: 'getRepository', wrong: repositoryFault },
      ],
      [
        resource('rollout', 'releases on their way to gateways', [
          {
            name: 'list',
            calls: 'listRollouts',
            columns: ['id', 'release', 'target', 'ring', 'percent', 'state', 'gateways', 'reason'],
          },
          { name: 'show', calls: 'getRollout' },
          { name: 'begin', calls: 'createRollout', words: ['release', 'target'] },
          { name: 'set', calls: 'patchRollout', takes: rolloutFields },
          {
            name: 'pause',
            does: 'Offer it to nobody new for now; what is not in a slot yet is given up',
            calls: 'patchRollout',
            takes: [],
            fixed: { state: 'paused' },
          },
          {
            name: 'resume',
            does: 'Go on with one that is paused',
            calls: 'patchRollout',
            takes: [],
            fixed: { state: 'running' },
          },
          {
            name: 'finish',
            does: 'Watch it no more; it is offered still to whom it reaches',
            calls: 'patchRollout',
            takes: [],
            fixed: { state: 'finished' },
          },
          {
            name: 'halt',
            does: 'Offer it to nobody any more, for good',
            calls: 'patchRollout',
            takes: ['reason'],
            fixed: { state: 'halted' },
            final: true,
          },
          { name: 'retry', calls: 'retryRollout' },
        ]),
        resource('operator', 'fleet operators', [
          { name: 'list', calls: 'listOperators' },
          { name: 'invite', calls: 'createOperator', words: ['email'] },
          { name: 'remove', calls: 'deleteOperator', final: true },
        ]),
      ],
    ),
  ];
}

/** What keeps gateways from being updated out of it. */
function repositoryFault(reply: unknown): string | undefined {
  return (reply as ReplyOf<Operations['getRepository']>).fault ?? undefined;
}

/** Each limit that there is, whether it was set, and what is used of it where it is a quota. */
function limitRows(reply: unknown): Record<string, unknown>[] {
  const { limits, set, used } = reply as ReplyOf<Operations['getLimits']>;
  const usedOf = (name: string): number | null => {
    const [, what, per] = /^(.+)Per(Day|Month)$/.exec(name) ?? [];
    if (what === undefined) return null;
    const period: Record<string, number> = per === 'Day' ? used.day : used.month;
    return period[what] ?? null;
  };
  return Object.entries(limits).map(([limit, most]) => ({
    limit,
    most,
    set: Object.hasOwn(set, limit),
    used: usedOf(limit),
  }));
}

/** What was received of a device, and what its gaps are: a row for each account and each gap. */
function ledgerRows(reply: unknown): Record<string, unknown>[] {
  const { deliveries, readings, epochs } = reply as ReplyOf<Operations['getLedger']>;
  const gaps = epochs.flatMap(({ epoch, received, gaps, endUnknown }) => [
    ...gaps.map(({ first, last, state }) => ({ of: `gap in ${epoch}`, state, first, last })),
    ...(endUnknown
      ? [{ of: `gap in ${epoch}`, state: 'lost', first: (received.at(-1)?.last ?? -1) + 1, last: null }]
      : []),
  ]);
  return [{ of: 'readings', ...readings }, { of: 'deliveries', ...deliveries }, ...gaps];
}

function readingRows(reply: unknown): Record<string, unknown>[] {
  const { points } = reply as ReplyOf<Operations['getReadings']>;
  return points.map(([time, value]) => ({ time: new Date(time).toISOString(), value }));
}
