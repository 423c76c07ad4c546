import { randomUUID, X509Certificate } from 'node:crypto';
import { enrolWith } from '../system/mqtt-gateway.ts';
import { boardRecord, boardRequest } from './board.ts';
import { arrive, type Person, type Town } from './person.ts';

/** Something of the caller's own part of an organisation, and its like in another department or customer. */
export type Part = 'own' | 'department' | 'customer';

/** An organisation with something of everything in it. */
export interface Home {
  readonly id: string;
  /** Who takes things in. */
  readonly administrator: Person;
  readonly departments: { readonly own: string; readonly department: string };
  readonly customers: { readonly own: string; readonly customer: string };
  /** `own`: of the own department and the own customer; `department`: of another department, and the own customer. */
  readonly devices: Readonly<Record<Part, string>>;
  /** Others of the own department and customer: one may be moved elsewhere, one retired, one released with its board. */
  readonly spare: string;
  readonly toRetire: string;
  readonly toRelease: string;
  /** Of people who reach departments, `own` and `department`; of people of customers, `guest` (own) and `customer`. */
  readonly members: Readonly<Record<Part | 'guest', string>>;
  readonly role: string;
  readonly token: string;
  readonly application: string;
  readonly key: string;
  readonly grant: string;
  /** A key of each device. */
  readonly credentials: Readonly<Record<Part, string>>;
  /** A certificate of each device. */
  readonly certificates: Readonly<Record<Part, string>>;
  /** Serial number of the board that each device is. */
  readonly boards: Readonly<Record<Part | 'toRelease', string>>;
  /** Of the own device. */
  readonly command: string;
}

/** Fills an organisation, by its administrator. `chief` is a fleet operator. */
export async function furnish(
  town: Town,
  { id, administrator, chief }: { id: string; administrator: Person; chief: Person },
): Promise<Home> {
  const by = administrator.caller;
  const organisation = id;
  const named = async (id: 'createDepartment' | 'createCustomer', name: string) =>
    (await by.get(id, { organisation, body: { name } })).id;
  const departments = {
    own: await named('createDepartment', `${id} department A`),
    department: await named('createDepartment', `${id} department B`),
  };
  const customers = {
    own: await named('createCustomer', `${id} customer K`),
    customer: await named('createCustomer', `${id} customer L`),
  };
  const devices = { own: `${id}-own`, department: `${id}-department`, customer: `${id}-customer` };
  const places = {
    own: { department: departments.own, customer: customers.own },
    department: { department: departments.department, customer: customers.own },
    customer: { department: departments.own, customer: customers.customer },
  };
  for (const part of ['own', 'department', 'customer'] as const) {
    await by.get('createDevice', { organisation, body: { id: devices[part], ...places[part] } });
  }
  const spare = `${id}-spare`;
  const [toRetire, toRelease] = [`${id}-to-retire`, `${id}-to-release`];
  for (const one of [spare, toRetire, toRelease]) {
    await by.get('createDevice', { organisation, body: { id: one, ...places.own } });
  }
  const maker = new Maker(town, { id, administrator, chief, departments, customers });
  const members = {
    own: await maker.member('own'),
    department: await maker.member('department'),
    guest: await maker.member('guest'),
    customer: await maker.member('customer'),
  };
  const role = await maker.role();
  const token = await maker.token();
  const application = await maker.application();
  const key = await maker.key(application);
  const credentials = {
    own: await maker.credential(devices.own),
    department: await maker.credential(devices.department),
    customer: await maker.credential(devices.customer),
  };
  const certificates = {
    own: await maker.certificate(devices.own),
    department: await maker.certificate(devices.department),
    customer: await maker.certificate(devices.customer),
  };
  const boards = {
    own: await maker.board(devices.own),
    department: await maker.board(devices.department),
    customer: await maker.board(devices.customer),
    toRelease: await maker.board(toRelease),
  };
  const grant = await maker.grant();
  const { id: command } = await by.get('createCommand', {
    organisation,
    device: devices.own,
    body: { command: { kind: 'report' }, expiresInSeconds: 3600 },
  });
  return {
    ...{ id, administrator, departments, customers, devices, spare, toRetire, toRelease, members },
    ...{ role, token, application, key, credentials, certificates, boards, grant, command },
  };
}

/** Makes more of what an organisation has: things to be changed, ended and deleted. */
export class Maker {
  readonly #of: Pick<Home, 'id' | 'administrator' | 'departments' | 'customers'> & { readonly chief: Person };
  readonly #town: Town;

  constructor(
    town: Town,
    of: Pick<Home, 'id' | 'administrator' | 'departments' | 'customers'> & { readonly chief: Person },
  ) {
    this.#town = town;
    this.#of = of;
  }

  get town(): Town {
    return this.#town;
  }

  /** A person who has not arrived yet. */
  async member(part: Part | 'guest'): Promise<string> {
    return (await this.#takeIn(part)).id;
  }

  /** A person who has. */
  async person(part: Part | 'guest'): Promise<Person> {
    return await arrive(this.#town, (await this.#takeIn(part)).email);
  }

  /** The address holds the name of the organisation, and of the part. */
  async #takeIn(part: Part | 'guest'): Promise<{ id: string; email: string }> {
    const { id: organisation, administrator, departments, customers } = this.#of;
    const email = `${part}-${randomUUID()}@${organisation}.example`;
    const none = { departments: [], customer: null };
    const position = {
      own: { ...none, role: 'viewer', reach: 'departments' as const, departments: [departments.own] },
      department: {
        ...none,
        role: 'viewer',
        reach: 'departments' as const,
        departments: [departments.department],
      },
      guest: { ...none, role: 'customer-member', reach: 'customer' as const, customer: customers.own },
      customer: {
        ...none,
        role: 'customer-member',
        reach: 'customer' as const,
        customer: customers.customer,
      },
    }[part];
    const body = { email, name: `${organisation} ${part}`, ...position };
    return await administrator.caller.get('createUser', { organisation, body });
  }

  async role(): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const id = `role-${randomUUID().slice(0, 8)}`;
    const body = { id, name: `${organisation} ${id}`, scopes: ['devices.get', 'device.get'] };
    return (await administrator.caller.get('createRole', { organisation, body })).id;
  }

  async department(): Promise<string> {
    return await this.#named('createDepartment');
  }

  async customer(): Promise<string> {
    return await this.#named('createCustomer');
  }

  async #named(id: 'createDepartment' | 'createCustomer'): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const body = { name: `${organisation} ${randomUUID()}` };
    return (await administrator.caller.get(id, { organisation, body })).id;
  }

  async device(place: { readonly department: string; readonly customer: string }): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const body = { id: `${organisation}-${randomUUID()}`, ...place };
    return (await administrator.caller.get('createDevice', { organisation, body })).id;
  }

  async token(): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const body = { name: `${organisation} token`, scopes: ['devices.get'], days: 1 };
    return (await administrator.caller.get('createToken', { organisation, body })).id;
  }

  async application(): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const body = { name: `${organisation} ${randomUUID()}` };
    return (await administrator.caller.get('createApplication', { organisation, body })).id;
  }

  async key(application: string): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const body = { name: `${organisation} key` };
    return (await administrator.caller.get('createApplicationKey', { organisation, application, body })).id;
  }

  /** A key of a device; one that was made before and never used ends. */
  async credential(device: string): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const body = { kind: 'key', name: `${organisation} ${device}` } as const;
    return (await administrator.caller.get('createDeviceCredential', { organisation, device, body })).id;
  }

  /** A certificate of a device, which enrols for it. */
  async certificate(device: string): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const { enrolmentSecret } = await administrator.caller.get('enrolDevice', { organisation, device });
    const { chainPem } = await enrolWith(this.#town.cloud, device, enrolmentSecret);
    return new X509Certificate(chainPem).fingerprint256.replaceAll(':', '').toLowerCase();
  }

  /** The serial number of a board that is this device from now on. */
  async board(device: string): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const { caller } = administrator;
    // It names no device: whoever asks for a voucher has it in his organisation's audit log, whosever it is.
    const serialNumber = `board-${randomUUID()}`;
    const { counter } = await caller.get('createVoucher', { organisation, body: { serialNumber } });
    const request = await boardRequest(device);
    const { authority } = await caller.get('issueCertificate', { organisation, device, body: { request } });
    const of = { gatewayId: device, organisation, serialNumber, counter, where: 'here' };
    const body = await boardRecord({ ...of, authorityPem: authority });
    await caller.get('addProvisioning', { organisation, device, body });
    return serialNumber;
  }

  /** A grant to an operator of its own: each has one at most. */
  async grant(): Promise<string> {
    const { id: organisation, administrator } = this.#of;
    const { email } = await this.operator();
    const body = {
      operator: email,
      role: 'viewer',
      reason: `${organisation} wants to be looked at`,
      hours: 1,
    };
    return (await administrator.caller.get('createGrant', { organisation, body })).id;
  }

  /** A fleet operator who has not arrived yet. */
  async operator(): Promise<{ id: string; email: string }> {
    const email = `operator-${randomUUID()}@fleet.example`;
    return await this.#of.chief.caller.get('createOperator', { body: { email, name: 'An operator' } });
  }
}
