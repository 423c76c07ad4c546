import { randomUUID } from 'node:crypto';
import type { Home, Maker, Part } from '../inhabited/home.ts';
import { elsewhere, enableFactor, wrongCode } from '../inhabited/person.ts';
import type { Role, Site } from '../inhabited/site.ts';

/** Roles of people who act for departments. */
const ofDepartment: readonly Role[] = [
  'department-administrator',
  'editor',
  'technician',
  'dashboards-only',
  'own-everything',
];
/** Roles of customers' people: their own part is a customer, and that of all others a department. */
const ofCustomer: readonly Role[] = ['customer-member', 'customer-moderator', 'customer-administrator'];

/** Where an operation is tried: in which organisation, on what part of it, and by whom. */
export class Place {
  readonly site: Site;
  readonly home: Home;
  readonly part: Part;
  readonly role: Role;
  /** Whether things are made for this call alone, because it is expected to change or end them. */
  readonly isFresh: boolean;
  readonly #maker: Maker;

  constructor(of: {
    readonly site: Site;
    readonly home: 'first' | 'other' | 'careful';
    readonly part: Part;
    readonly role: Role;
    readonly isFresh: boolean;
  }) {
    this.site = of.site;
    this.home = of.site[of.home];
    this.#maker = of.site.makers[of.home];
    this.part = of.part;
    this.role = of.role;
    this.isFresh = of.isFresh;
  }

  get organisation(): string {
    return this.home.id;
  }

  get device(): string {
    return this.home.devices[this.part];
  }

  /** Department, and customer, of that device. */
  get around(): { department: string; customer: string } {
    const { departments, customers } = this.home;
    return {
      department: this.part === 'department' ? departments.department : departments.own,
      customer: this.part === 'customer' ? customers.customer : customers.own,
    };
  }

  /** What a person of this part is: of the own customer where the caller is one's, of a department otherwise. */
  get position() {
    const { departments, customers } = this.home;
    const guestOf = (customer: string) =>
      ({ role: 'customer-member', reach: 'customer', departments: [], customer }) as const;
    const staffOf = (department: string) =>
      ({ role: 'viewer', reach: 'departments', departments: [department], customer: null }) as const;
    return {
      own: staffOf(departments.own),
      department: staffOf(departments.department),
      guest: guestOf(customers.own),
      customer: guestOf(customers.customer),
    }[this.#who];
  }

  async member(): Promise<string> {
    return this.isFresh ? await this.#maker.member(this.#who) : this.home.members[this.#who];
  }

  /** A member with a second factor: each is made anew. */
  async withFactor(): Promise<string> {
    if (!this.isFresh || this.part !== 'own') return await this.member();
    const person = await this.#maker.person(this.#who);
    await enableFactor(person);
    return person.id;
  }

  async roleId(): Promise<string> {
    return this.isFresh ? await this.#maker.role() : this.home.role;
  }

  /** Not made anew for who acts for departments: one that is new is not his. */
  async department(): Promise<string> {
    if (this.isFresh && !ofDepartment.includes(this.role)) return await this.#maker.department();
    return this.around.department;
  }

  /** Not made anew for customers' people: one that is new is not theirs. */
  async customer(): Promise<string> {
    if (this.isFresh && !ofCustomer.includes(this.role)) return await this.#maker.customer();
    return this.around.customer;
  }

  /** A device that may be moved elsewhere. */
  async movable(): Promise<string> {
    if (!this.isFresh) return this.device;
    // A token that is limited to devices reaches none that is new.
    if (this.role === 'token-devices' && this.part === 'own') return this.home.spare;
    return await this.#maker.device(this.around);
  }

  /** A device that may be retired. */
  async retirable(): Promise<string> {
    if (!this.isFresh) return this.device;
    if (this.role === 'token-devices' && this.part === 'own') return this.home.toRetire;
    return await this.#maker.device(this.around);
  }

  /** The serial number of a board that may be released. */
  async board(): Promise<string> {
    if (!this.isFresh) return this.home.boards[this.part];
    if (this.role === 'token-devices' && this.part === 'own') return this.home.boards.toRelease;
    return await this.#maker.board(await this.#maker.device(this.around));
  }

  async grant(): Promise<string> {
    return this.isFresh ? await this.#maker.grant() : this.home.grant;
  }

  async token(): Promise<string> {
    return this.isFresh ? await this.#maker.token() : this.home.token;
  }

  async application(): Promise<string> {
    return this.isFresh ? await this.#maker.application() : this.home.application;
  }

  /** A key of the standing application. */
  async key(): Promise<string> {
    return this.isFresh ? await this.#maker.key(this.home.application) : this.home.key;
  }

  /** A key of the device, for MQTT: tokens are made over and over, and end each other. */
  async credential(): Promise<string> {
    return this.isFresh ? await this.#maker.credential(this.device) : this.home.credentials[this.part];
  }

  /** A certificate of the device; of one that stands as it is, the one that its gateway was given first. */
  async certificate(): Promise<string> {
    return this.isFresh ? await this.#maker.certificate(this.device) : this.home.certificates[this.part];
  }

  /** A block about a person of the first organisation; made where there is none. */
  async block(): Promise<string> {
    return await blockOf(this.site);
  }

  /** A fleet operator who may be ended. */
  async operator(): Promise<string> {
    return this.isFresh ? (await this.#maker.operator()).id : this.site.people.operator.id;
  }

  /** A fleet operator without a grant here. */
  async operatorEmail(): Promise<string> {
    return this.isFresh ? (await this.#maker.operator()).email : this.site.people.operator.email;
  }

  /** A name that nothing has. */
  get name(): string {
    return `${this.organisation} ${randomUUID()}`;
  }

  /** An id that nothing has. */
  get newId(): string {
    return `${this.organisation}-${randomUUID()}`;
  }

  /** An address that nobody has. */
  get newEmail(): string {
    return `${randomUUID()}@${this.organisation}.example`;
  }

  get #who(): Part | 'guest' {
    return this.part === 'own' && ofCustomer.includes(this.role) ? 'guest' : this.part;
  }
}

const victims = new WeakMap<Site, Promise<{ guess: () => Promise<void> }>>();

/** The id of a block of the first organisation: somebody's second factor was guessed at. */
export async function blockOf(site: Site): Promise<string> {
  const { chief, first } = site;
  const query = { limit: 1 };
  const listed = async () =>
    (await chief.caller.get('listBlocks', { organisation: first.id, query })).items[0];
  const standing = await listed();
  if (standing !== undefined) return standing.id;
  const victim = victims.get(site) ?? makeVictim(site);
  victims.set(site, victim);
  const { guess } = await victim;
  for (let tries = 0; tries < 12; tries++) {
    await guess();
    const block = await listed();
    if (block !== undefined) return block.id;
  }
  throw new Error('a second factor was guessed at, and there is no block');
}

async function makeVictim(site: Site): Promise<{ guess: () => Promise<void> }> {
  const person = await site.makers.first.person('own');
  const { secret } = await enableFactor(person);
  const thief = await elsewhere(site, person);
  return {
    guess: async () => {
      await thief.call('confirmSecondFactor', { body: { code: wrongCode(secret) } });
    },
  };
}
