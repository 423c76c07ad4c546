import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { InputOf, OperationId, Operations } from '@loadline/sdk/api';
import { boardRecord, boardRequest } from '../inhabited/board.ts';
import { newPassword } from '../inhabited/person.ts';
import { tag } from '../inhabited/site.ts';
import type { Place } from './place.ts';

/**
 * How each operation of the API is called at a place: an input that is right, so that only rights can be in the way.
 * Total over the operations: one that is new does not compile until it says here how it is called.
 *
 * Besides `plain`, an operation may have ways that somebody would try who wants more than he has.
 */
export type Samples = {
  readonly [K in OperationId]: { readonly plain: Way<K> } & { readonly [attempt: string]: Way<K> };
};
type Way<K extends OperationId> = (place: Place) => InputOf<Operations[K]> | Promise<InputOf<Operations[K]>>;

const nothing = () => ({});
const here = ({ organisation }: Place) => ({ organisation });
const ofDevice = ({ organisation, device }: Place) => ({ organisation, device });
const ofNoRollout = () => ({ rollout: randomUUID() });
const code = { code: '000000' };
const lastHour = () => ({
  from: new Date(Date.now() - 3_600_000).toISOString(),
  to: new Date().toISOString(),
});

export const samples: Samples = {
  // What is anybody's, and one's own: see `stories.ts` for what they do.
  setUp: {
    plain: ({ newId, newEmail, name }) => ({
      body: {
        secret: 'none',
        email: newEmail,
        name,
        password: newPassword(),
        organisation: { id: newId, name },
      },
    }),
  },
  logIn: { plain: ({ newEmail }) => ({ body: { email: newEmail, password: newPassword() } }) },
  getCaller: { plain: nothing },
  logOut: { plain: nothing },
  confirmSecondFactor: { plain: () => ({ body: code }) },
  requestSecondFactorReset: { plain: nothing },
  keepSecondFactor: { plain: () => ({ body: { secret: 'none' } }) },
  requestPasswordReset: { plain: ({ newEmail }) => ({ body: { email: newEmail } }) },
  readLink: { plain: () => ({ body: { secret: 'none' } }) },
  setPassword: { plain: () => ({ body: { secret: 'none', password: newPassword() } }) },
  patchProfile: { plain: ({ name }) => ({ body: { name } }) },
  changePassword: { plain: () => ({ body: { current: newPassword(), password: newPassword() } }) },
  listOwnSessions: { plain: nothing },
  endOwnSession: { plain: () => ({ session: randomUUID() }) },
  cutOffSelf: { plain: nothing },
  beginSecondFactor: { plain: () => ({ body: { password: newPassword() } }) },
  enableSecondFactor: { plain: () => ({ body: code }) },
  renewRecoveryCodes: { plain: () => ({ body: code }) },
  disableSecondFactor: { plain: () => ({ body: { password: newPassword(), ...code } }) },
  cancelSecondFactorReset: { plain: nothing },
  listInvitations: { plain: nothing },
  acceptInvitation: { plain: here },
  declineInvitation: { plain: here },
  leaveOrganisation: { plain: here },
  exportProfile: { plain: nothing },
  eraseSelf: { plain: () => ({ body: { password: newPassword() } }) },
  getOpenApi: { plain: nothing },

  getOrganisation: { plain: here },
  patchOrganisation: {
    plain: (place) => ({ ...here(place), body: { name: `${place.organisation} organisation` } }),
  },
  cutOffOrganisation: { plain: here },

  listUsers: { plain: here },
  createUser: {
    plain: (place) => ({
      ...here(place),
      body: { email: place.newEmail, name: place.name, ...position(place) },
    }),
    'as an administrator': (place) => ({
      ...here(place),
      body: { email: place.newEmail, name: place.name, role: 'administrator', reach: 'organisation' },
    }),
    'with the own department': (place) => ({
      ...here(place),
      body: {
        ...{ email: place.newEmail, name: place.name, role: 'administrator', reach: 'departments' },
        departments: [place.home.departments.own],
      },
    }),
  },
  getUser: { plain: async (place) => ({ ...here(place), user: await place.member() }) },
  patchUser: {
    plain: async (place) => ({
      ...here(place),
      user: await place.member(),
      body: { role: place.position.role },
    }),
    'to administrator of the whole': async (place) => ({
      ...here(place),
      user: await place.member(),
      body: { role: 'administrator', reach: 'organisation' },
    }),
    'oneself to administrator': (place) => ({
      ...here(place),
      user: place.site.people[place.role].id,
      body: { role: 'administrator', reach: 'organisation' },
    }),
  },
  cutOffUser: { plain: async (place) => ({ ...here(place), user: await place.member() }) },
  deleteUser: { plain: async (place) => ({ ...here(place), user: await place.member() }) },
  inviteUser: { plain: async (place) => ({ ...here(place), user: await place.member() }) },
  resetSecondFactor: { plain: async (place) => ({ ...here(place), user: await place.withFactor() }) },

  listRoles: { plain: here },
  createRole: {
    plain: (place) => ({ ...here(place), body: newRole(place, ['devices.get']) }),
    'of everything': (place) => ({ ...here(place), body: newRole(place, ['all.*']) }),
  },
  getRole: { plain: ({ organisation, home }) => ({ organisation, role: home.role }) },
  patchRole: {
    plain: async (place) => ({ ...here(place), role: await place.roleId(), body: { name: place.name } }),
    'to everything': async (place) => ({
      ...here(place),
      role: await place.roleId(),
      body: { scopes: ['all.*'] },
    }),
    'of every organisation': (place) => ({
      ...here(place),
      role: 'viewer',
      body: { scopes: ['all.*'] },
    }),
  },
  deleteRole: { plain: async (place) => ({ ...here(place), role: await place.roleId() }) },

  listDepartments: { plain: here },
  createDepartment: { plain: (place) => ({ ...here(place), body: { name: place.name } }) },
  getDepartment: { plain: async (place) => ({ ...here(place), department: await place.department() }) },
  patchDepartment: {
    plain: async (place) => ({
      ...here(place),
      department: await place.department(),
      body: { name: place.name },
    }),
  },
  deleteDepartment: { plain: async (place) => ({ ...here(place), department: await place.department() }) },
  listCustomers: { plain: here },
  createCustomer: { plain: (place) => ({ ...here(place), body: { name: place.name } }) },
  getCustomer: { plain: async (place) => ({ ...here(place), customer: await place.customer() }) },
  patchCustomer: {
    plain: async (place) => ({
      ...here(place),
      customer: await place.customer(),
      body: { name: place.name },
    }),
  },
  deleteCustomer: { plain: async (place) => ({ ...here(place), customer: await place.customer() }) },

  listGrants: { plain: here },
  createGrant: {
    plain: async (place) => ({ ...here(place), body: await newGrant(place, 'viewer') }),
    'as an administrator': async (place) => ({
      ...here(place),
      body: await newGrant(place, 'administrator'),
    }),
  },
  deleteGrant: { plain: async (place) => ({ ...here(place), grant: await place.grant() }) },

  listDevices: { plain: here },
  createDevice: {
    plain: (place) => ({ ...here(place), body: { id: place.newId, ...place.around } }),
    'of no department and no customer': (place) => ({ ...here(place), body: { id: place.newId } }),
  },
  getDevice: { plain: ofDevice },
  patchDevice: {
    plain: (place) => ({ ...ofDevice(place), body: { name: place.device } }),
    'into a foreign department': async (place) => ({
      ...here(place),
      device: await place.movable(),
      body: { department: place.home.departments.department },
    }),
    'to a foreign customer': async (place) => ({
      ...here(place),
      device: await place.movable(),
      body: { customer: place.home.customers.customer },
    }),
  },
  enrolDevice: { plain: ofDevice },
  retireDevice: { plain: async (place) => ({ ...here(place), device: await place.retirable() }) },
  createVoucher: {
    plain: (place) => ({ ...here(place), body: { serialNumber: place.newId } }),
    'for a board of a foreign department': (place) => ({
      ...here(place),
      body: { serialNumber: place.home.boards.department },
    }),
    'for a board of another organisation': (place) => ({
      ...here(place),
      body: { serialNumber: place.site.other.boards.own },
    }),
  },
  listUnits: { plain: here },
  releaseUnit: { plain: async (place) => ({ ...here(place), unit: await place.board() }) },
  releaseFleetUnit: { plain: async (place) => ({ unit: await place.board() }) },
  addProvisioning: { plain: async (place) => ({ ...ofDevice(place), body: await newRecord(place) }) },
  listProvisionings: { plain: ofDevice },
  getLedger: { plain: ofDevice },
  getOrganisationLedger: { plain: here },
  listRejections: { plain: ofDevice },
  getRejection: {
    plain: (place) => ({ ...ofDevice(place), rejection: place.site.delivered[place.part].rejection }),
  },
  getRun: { plain: (place) => ({ ...ofDevice(place), epoch: place.site.delivered[place.part].epoch }) },
  listEvents: { plain: ofDevice },
  listSeries: { plain: here },
  getSeries: {
    plain: (place) => ({ ...ofDevice(place), series: tag }),
    'of another tag': (place) => ({ ...ofDevice(place), series: '2000' }),
  },
  patchSeries: {
    plain: (place) => ({ ...ofDevice(place), series: tag, body: { retentionDays: null } }),
    'of another tag': (place) => ({ ...ofDevice(place), series: '2000', body: { retentionDays: null } }),
  },
  getReadings: {
    plain: (place) => ({ ...ofDevice(place), series: tag, query: lastHour() }),
    'of another tag': (place) => ({ ...ofDevice(place), series: '2000', query: lastHour() }),
  },
  exportReadings: {
    plain: (place) => ({ ...ofDevice(place), series: tag, query: lastHour() }),
    'of another tag': (place) => ({ ...ofDevice(place), series: '2000', query: lastHour() }),
  },
  getAggregates: {
    plain: (place) => ({ ...ofDevice(place), series: tag, query: { ...lastHour(), by: 'minute' } }),
    'of another tag': (place) => ({
      ...ofDevice(place),
      series: '2000',
      query: { ...lastHour(), by: 'minute' },
    }),
  },
  followReadings: { plain: here },
  getDesired: { plain: ofDevice },
  setDesired: { plain: (place) => ({ ...ofDevice(place), body: { configuration: {} } }) },
  listCommands: { plain: ofDevice },
  createCommand: {
    plain: (place) => ({
      ...ofDevice(place),
      body: { command: { kind: 'report' }, expiresInSeconds: 3600 },
    }),
  },
  getCommand: { plain: (place) => ({ ...ofDevice(place), command: place.home.command }) },

  listTokens: { plain: here },
  createToken: {
    plain: (place) => ({ ...here(place), body: { name: place.name, scopes: ['devices.get'], days: 1 } }),
    'of everything': (place) => ({ ...here(place), body: { name: place.name, scopes: ['all.*'], days: 1 } }),
    'for a device of a foreign department': (place) => ({
      ...here(place),
      body: {
        ...{ name: place.name, scopes: ['devices.get'], days: 1 },
        devices: [place.home.devices.department],
      },
    }),
  },
  getToken: { plain: async (place) => ({ ...here(place), token: await place.token() }) },
  patchToken: {
    plain: async (place) => ({
      ...here(place),
      token: await place.token(),
      body: { status: 'inactive' },
    }),
  },
  deleteToken: { plain: async (place) => ({ ...here(place), token: await place.token() }) },

  listApplications: { plain: here },
  createApplication: {
    plain: (place) => ({ ...here(place), body: { name: place.name, devices: [place.home.devices.own] } }),
    'with every device': (place) => ({ ...here(place), body: { name: place.name } }),
  },
  getApplication: { plain: async (place) => ({ ...here(place), application: await place.application() }) },
  patchApplication: {
    plain: async (place) => ({
      ...here(place),
      application: await place.application(),
      body: { name: place.name },
    }),
    'to every device': async (place) => ({
      ...here(place),
      application: await place.application(),
      body: { devices: null },
    }),
  },
  deleteApplication: { plain: async (place) => ({ ...here(place), application: await place.application() }) },
  listApplicationKeys: {
    plain: ({ organisation, home }) => ({ organisation, application: home.application }),
  },
  createApplicationKey: {
    plain: ({ organisation, home, name }) => ({
      organisation,
      application: home.application,
      body: { name, devices: [home.devices.own] },
    }),
    'with every device': ({ organisation, home, name }) => ({
      organisation,
      application: home.application,
      body: { name },
    }),
  },
  getApplicationKey: {
    plain: async (place) => ({
      ...here(place),
      application: place.home.application,
      key: await place.key(),
    }),
  },
  patchApplicationKey: {
    plain: async (place) => ({
      ...here(place),
      application: place.home.application,
      key: await place.key(),
      body: { status: 'inactive' },
    }),
  },
  deleteApplicationKey: {
    plain: async (place) => ({
      ...here(place),
      application: place.home.application,
      key: await place.key(),
    }),
  },

  listDeviceCredentials: { plain: ofDevice },
  createDeviceCredential: {
    plain: (place) => ({ ...ofDevice(place), body: { kind: 'token', name: place.name } }),
  },
  getDeviceCredential: {
    plain: async (place) => ({ ...ofDevice(place), credential: await place.credential() }),
  },
  patchDeviceCredential: {
    plain: async (place) => ({
      ...ofDevice(place),
      credential: await place.credential(),
      body: { status: 'inactive' },
    }),
  },
  deleteDeviceCredential: {
    plain: async (place) => ({ ...ofDevice(place), credential: await place.credential() }),
  },

  listCertificates: { plain: ofDevice },
  issueCertificate: {
    plain: async (place) => ({ ...ofDevice(place), body: { request: await boardRequest(place.device) } }),
  },
  revokeCertificate: {
    plain: async (place) => ({ ...ofDevice(place), certificate: await place.certificate() }),
  },

  // None is held back: whoever may is told so, and nothing is done.
  readmitCertificate: {
    plain: (place) => ({ ...ofDevice(place), certificate: place.home.certificates[place.part] }),
  },

  listUsage: { plain: here },
  exportUsage: { plain: here },
  listSessionRecords: { plain: here },
  exportSessionRecords: { plain: here },
  getLimits: { plain: here },
  getDeviceLimits: { plain: ofDevice },
  setDeviceLimits: { plain: (place) => ({ ...ofDevice(place), body: { messagesPerDay: 1_000_000 } }) },
  listFleetUsage: { plain: nothing },
  exportFleetUsage: { plain: nothing },
  getOrganisationLimits: { plain: here },
  setOrganisationLimits: { plain: (place) => ({ ...here(place), body: { messagesPerDay: 10_000_000 } }) },

  listAudit: { plain: here },
  exportAudit: { plain: here },
  verifyAudit: { plain: here },
  listAlarms: { plain: here },
  patchAlarm: {
    plain: (place) => ({
      ...here(place),
      alarm: place.site.delivered[place.part].alarm,
      body: { seen: true },
    }),
  },
  listBlocks: { plain: here },
  deleteBlock: { plain: async (place) => ({ ...here(place), block: await place.block() }) },

  listOrganisations: { plain: nothing },
  createOrganisation: {
    plain: ({ newId, newEmail, name }) => ({
      body: { id: newId, name, administrator: { email: newEmail, name } },
    }),
  },
  listUpdates: { plain: here },
  getUpdate: { plain: ofDevice },
  patchUpdate: { plain: (place) => ({ ...ofDevice(place), body: { canary: true } }) },
  retryUpdate: { plain: ofDevice },

  listReleases: { plain: nothing },
  getRepository: { plain: nothing },
  beginUpload: { plain: () => ({ body: { files: ['00'.repeat(32)] } }) },
  putReleasePart: {
    plain: () => {
      const bytes = randomBytes(20);
      const file = createHash('sha256').update(bytes).digest('hex');
      return { file, body: { from: 0, length: bytes.length, data: bytes.toString('base64') } };
    },
  },
  // Signed by nobody, of a release that there is not, of no rollout: who may is told what is wrong.
  addReleases: { plain: () => ({ body: { roots: [], targets: '{}' } }) },
  createRollout: { plain: () => ({ body: { release: '0.0.1', target: 'linux-arm64' } }) },
  listRollouts: { plain: nothing },
  getRollout: { plain: ofNoRollout },
  patchRollout: { plain: () => ({ ...ofNoRollout(), body: { state: 'paused' } }) },
  retryRollout: { plain: ofNoRollout },

  listOperators: { plain: nothing },
  createOperator: { plain: ({ newEmail, name }) => ({ body: { email: newEmail, name } }) },
  deleteOperator: { plain: async (place) => ({ user: await place.operator() }) },
  listFleetAudit: { plain: nothing },
  exportFleetAudit: { plain: nothing },
  verifyFleetAudit: { plain: nothing },
  listFleetBlocks: { plain: nothing },
  deleteFleetBlock: { plain: async (place) => ({ block: await place.block() }) },
};

function position({ position }: Place) {
  return { ...position, departments: [...position.departments] };
}

function newRole({ name }: Place, scopes: string[]) {
  return { id: `role-${randomUUID()}`, name, scopes };
}

/** A record of the device's board, which nobody has brought before. */
async function newRecord({ organisation, device, home, part, site, name }: Place) {
  const of = { gatewayId: device, organisation, serialNumber: home.boards[part], counter: 1, where: name };
  return await boardRecord({ ...of, authorityPem: site.cloud.authorityPem });
}

async function newGrant(place: Place, role: string) {
  return { operator: await place.operatorEmail(), role, reason: place.name, hours: 1 };
}
