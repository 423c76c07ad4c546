import { fleetScopes, type Operation, type OperationId, type Scope, sessionCookie } from '@loadline/sdk/api';
import { Secret } from '@loadline/sdk/platform';
import type { FastifyRequest } from 'fastify';
import { may, type Resource, type Standing, standingIn } from '../../access/index.ts';
import type { Grants, Member, Members } from '../../people/index.ts';
import { type Device, type Directory, resourceOf, seriesCalled } from '../../router/index.ts';
import type { AuditDraft } from '../../store/index.ts';
import type { Caller, EntryPart, Visit } from './call.ts';
import { Problem } from './problem.ts';

/** Whoever a request proves to be, or nobody. A credential that is wrong, ended or held back throws its `Problem`. */
export interface Authenticator {
  /** By the cookie of a session; undefined where the session has ended. */
  bySession(token: Secret, visit: { source: string }): Promise<Caller | undefined>;
  /** By the value of a bearer token (RFC 6750). */
  byToken(token: Secret, visit: { source: string }): Promise<Caller>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What opens the route. A route that does not say it does not start. */
    opens?: Operation['opens'] | 'device-token';
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

const noSuchThing = () => new Problem(404, 'not-found', 'there is no such thing');

/** Stands before every operation: who asks, what for, and whether he may. */
export class Gate {
  readonly #authenticator: Authenticator;
  readonly #directory: Directory;
  readonly #members: Members;
  readonly #grants: Grants;
  readonly #now: () => number;

  /** `now`: ms since 1970. */
  constructor(parts: {
    authenticator: Authenticator;
    directory: Directory;
    members: Members;
    grants: Grants;
    now: () => number;
  }) {
    this.#authenticator = parts.authenticator;
    this.#directory = parts.directory;
    this.#members = parts.members;
    this.#grants = parts.grants;
    this.#now = parts.now;
  }

  /** Lets a request through to its body, or throws. Who has not proven himself gets no further than this. */
  async admit(request: FastifyRequest, operation: Operation): Promise<void> {
    if (operation.opens === 'public') {
      // A login by another site's page would put its victim into a session of the attacker's.
      if (request.headers.origin !== undefined) demandOwnOrigin(request, operation);
      return;
    }
    request.caller = (await this.#authenticate(request, operation)) ?? null;
    const { caller } = request;
    if (caller === null)
      throw new Problem(401, 'unauthenticated', 'log in, or send an API token (Authorization: Bearer)');
    if (operation.opens === 'caller') return;
    if (operation.opens === 'self') {
      if (caller.kind !== 'user')
        throw new Problem(403, 'forbidden', 'this is for persons: no API token opens it');
      if (caller.pending) throw new Problem(403, 'second-factor-required', 'give the second factor first');
      return;
    }
    // What the organisation is like is not told before it is known that he is of it: the same for every route.
    const resource = await this.#resource(request, operation);
    demand(caller, operation.opens, resource.resource);
  }

  /** What the handler of an operation works on. The request has been admitted, and is once more where it changes something. */
  async call(id: OperationId, operation: Operation, request: FastifyRequest, visit: Visit): Promise<unknown> {
    // Bodies may take their time, and turns: who was revoked meanwhile changes nothing any more.
    if (operation.method !== 'GET') await this.admit(request, operation);
    const { caller } = request;
    const { organisation } = request.params as { organisation?: string };
    const standing =
      caller && organisation !== undefined ? standingIn(caller, { id: organisation }) : undefined;
    const scoped = operation.opens !== 'public' && operation.opens !== 'caller' && operation.opens !== 'self';
    const { device, member } = scoped ? await this.#resource(request, operation) : {};
    const entry = (what: EntryPart = {}) => this.#entry(id, operation, { caller, organisation, visit }, what);
    const noted = async (by: Standing | undefined) => {
      // An organisation reads in its log that a fleet operator is there, before he is shown anything.
      if (caller?.kind === 'user' && by !== undefined) {
        await this.#grants.used(by, { person: caller.id, entry });
      }
      return by;
    };
    await noted(standing);
    return {
      input: { ...(request.params as object), query: request.query, body: request.body },
      caller: caller ?? undefined,
      standing,
      device,
      member,
      visit,
      again: async () => noted(await this.#again(request, operation)),
      ofFleet: async () => (await this.#still(request, operation, { of: 'fleet' })) !== undefined,
      entry,
    };
  }

  async #again(request: FastifyRequest, operation: Operation): Promise<Standing | undefined> {
    const { organisation = '' } = request.params as { organisation?: string };
    const caller = await this.#still(request, operation, {
      of: 'organisation',
      organisation: { id: organisation },
    });
    return caller && standingIn(caller, { id: organisation });
  }

  /** The caller of a request that was let in, where he may still do this to that. */
  async #still(
    request: FastifyRequest,
    operation: Operation,
    resource: Resource,
  ): Promise<Caller | undefined> {
    try {
      const caller = await this.#authenticate(request, operation);
      if (caller === undefined) return undefined;
      demand(caller, operation.opens as Scope, resource);
      return caller;
    } catch {
      // Whatever cannot be proven again has ended; a store that cannot answer cannot say that it stands.
      return undefined;
    }
  }

  async #authenticate(request: FastifyRequest, operation: Operation): Promise<Caller | undefined> {
    const visit = { source: request.ip };
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const token = /^Bearer ([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
      if (token === undefined)
        throw new Problem(401, 'unauthenticated', 'Authorization must be: Bearer <API token>');
      return await this.#authenticator.byToken(new Secret(token), visit);
    }
    const session = request.cookies[sessionCookie];
    if (session === undefined) return undefined;
    demandOwnOrigin(request, operation);
    return await this.#authenticator.bySession(new Secret(session), visit);
  }

  /** What the path asks for. What is not there is answered like what is out of reach. */
  async #resource(
    request: FastifyRequest,
    { opens }: Operation,
  ): Promise<{ resource: Resource; device?: Device; member?: Member }> {
    const params = request.params as Partial<Record<string, string>>;
    if ((fleetScopes as readonly string[]).includes(opens)) return { resource: { of: 'fleet' } };
    const organisation = { id: params.organisation ?? '' };
    const whole: Resource = { of: 'organisation', organisation };
    const { caller } = request;
    // Nothing is looked up for whom nothing opens here: neither the answer nor how long it takes may tell what is there.
    const standing = caller === null ? undefined : standingIn(caller, organisation);
    if (standing === undefined || standing.withheld !== null) return { resource: whole };
    if (caller?.kind === 'user' && caller.pending) return { resource: whole };
    if (params.device !== undefined) {
      const device = this.#directory.device(params.device);
      if (device === undefined || device.organisation.id !== organisation.id) throw noSuchThing();
      return { resource: resourceOf(device, seriesCalled(device, params.series ?? '')?.tag), device };
    }
    if (params.user !== undefined) {
      const member = await this.#members.member(organisation.id, params.user);
      if (member === undefined) throw noSuchThing();
      return { resource: { of: 'member', organisation, member }, member };
    }
    if (params.customer !== undefined) {
      return { resource: { of: 'customer', organisation, customer: params.customer } };
    }
    return { resource: whole };
  }

  #entry(
    id: OperationId,
    { opens }: Operation,
    {
      caller,
      organisation,
      visit,
    }: { caller: Caller | null; organisation: string | undefined; visit: Visit },
    what: EntryPart,
  ): AuditDraft {
    const actor = caller === null ? { kind: 'nobody', id: '' } : { kind: caller.kind, id: caller.id };
    const person = caller?.kind === 'token' ? caller.creator : caller?.id;
    const { personal, ...rest } = what;
    return {
      organisation: organisation ?? null,
      at: this.#now(),
      actor,
      channel: 'https',
      action: opens === 'public' || opens === 'caller' || opens === 'self' ? id : opens,
      target: null,
      outcome: 'done',
      code: null,
      before: null,
      after: null,
      ...rest,
      personal: {
        of: [...(person === undefined ? [] : [person]), ...(personal?.of ?? [])],
        data: Object.assign({ source: visit.source }, personal?.data),
      },
    };
  }
}

/** Throws the problem where the caller may not do this to that. */
function demand(caller: Caller, scope: Scope, resource: Resource): void {
  const decision = may(caller, scope, resource);
  if (decision.allowed) return;
  switch (decision.code) {
    case 'not-found':
      throw noSuchThing();
    case 'second-factor-required':
      throw new Problem(403, 'second-factor-required', 'enable or give the second factor first');
    case 'forbidden':
    case 'topic-forbidden':
      throw new Problem(403, 'forbidden', `this needs the scope ${scope}`);
  }
}

/** Browsers say where a request comes from, and let no page lie: another site's page cannot act by a person's cookie. */
function demandOwnOrigin(request: FastifyRequest, { method }: Operation): void {
  if (method === 'GET' || request.headers.origin === `https://${request.headers.host}`) return;
  throw new Problem(403, 'origin-refused', `Origin must be https://${request.headers.host}`);
}
