import { limitStatements } from './accounting-statements.ts';
import { adminStatements } from './admin-statements.ts';
import { alarmStatements } from './alarm-statements.ts';
import type { AuditDraft } from './audit-draft.ts';
import { AuditLog } from './audit-log.ts';
import { auditStatements } from './audit-statements.ts';
import { certificateStatements } from './certificate-statements.ts';
import { contestStatements } from './contest-statements.ts';
import { credentialStatements } from './credential-statements.ts';
import { breaksConstraint, type Connection, inTransaction } from './database.ts';
import { downlinkStatements } from './downlink-statements.ts';
import { factorStatements } from './factor-statements.ts';
import { fleetStatements } from './fleet-statements.ts';
import { linkStatements } from './link-statements.ts';
import { organisationStatements } from './organisation-statements.ts';
import { personStatements } from './person-statements.ts';
import { retentionStatements } from './retention-statements.ts';
import { sessionStatements } from './session-statements.ts';
import { tokenStatements } from './token-statements.ts';
import { unitStatements } from './unit-statements.ts';
import { updateStatements } from './update-statements.ts';

/** Changes of what people administer: named steps that are taken together, with what the audit log says of them. */

/** Every statement that a step may name. Those of one subject stand in a file of their own. */
function changeStatements(connection: Connection) {
  return {
    ...adminStatements(connection),
    ...alarmStatements(connection),
    ...contestStatements(connection),
    ...certificateStatements(connection),
    ...credentialStatements(connection),
    ...downlinkStatements(connection),
    ...auditStatements(connection),
    ...personStatements(connection),
    ...sessionStatements(connection),
    ...linkStatements(connection),
    ...factorStatements(connection),
    ...organisationStatements(connection),
    ...retentionStatements(connection),
    ...tokenStatements(connection),
    ...limitStatements(connection),
    ...fleetStatements(connection),
    ...unitStatements(connection),
    ...updateStatements(connection),
  };
}

type ChangeStatements = ReturnType<typeof changeStatements>;

/** Name of a statement that a step may run. */
export type StepName = keyof ChangeStatements;

/** Parameters of a statement. */
export type StepParameters<K extends StepName> = Parameters<ChangeStatements[K]['run']>[0];

/** One statement with its parameters. `rows: 'some'`: where it changes no row, the whole change is undone. */
export type Step = {
  readonly [K in StepName]: { readonly do: K; readonly with: StepParameters<K>; readonly rows?: 'some' };
}[StepName];

/** Steps that are taken all or none, in their order, and the entries that the audit log gets if they are. */
export interface ChangeWrite {
  readonly kind: 'change';
  readonly steps: readonly Step[];
  readonly audit: readonly AuditDraft[];
}

/** What became of a change. */
export type ChangeOutcome =
  /** All of it is on disk; rows changed by each step. */
  | { readonly kind: 'changed'; readonly rows: readonly number[] }
  /**
   * Nothing of it was written: the step of this index was to change rows and changed none, or, with `constraint`, it
   * would have made something twice, or referred to what is not there.
   */
  | { readonly kind: 'refused'; readonly step: number; readonly constraint: boolean };

/** The same, for who asked for it. */
export type Changed =
  | { readonly done: true; readonly rows: readonly number[] }
  | { readonly done: false; readonly step: number; readonly constraint: boolean };

/** Steps that note how something is used and change nobody's rights: by them alone nothing is to be asked again. */
const noting: ReadonlySet<StepName> = new Set([
  'addAlarm',
  'addOffer',
  'forgetAlarms',
  'forgetStatedEpochs',
  'noteApiTokenUse',
  'noteApplicationKeyUse',
  'noteCertificateUse',
  'noteDeviceCredentialUse',
  'noteGrantUse',
  'seeAlarm',
  'setAlarm',
  'stateEpoch',
  'tellAlarm',
  'touchSession',
  'trimOffers',
]);

/** Whether a change may have changed what somebody may do. */
export function mayChangeRights({ steps }: Pick<ChangeWrite, 'steps'>): boolean {
  return steps.some((one) => !noting.has(one.do));
}

/** A step: `step('addDevice', { … }, 'some')`. */
export function step<K extends StepName>(name: K, parameters: StepParameters<K>, rows?: 'some'): Step {
  // The compiler does not follow a member of a union that is chosen by a type parameter.
  return { do: name, with: parameters, ...(rows && { rows }) } as Step;
}

class Refused extends Error {
  readonly outcome: Extract<ChangeOutcome, { kind: 'refused' }>;
  constructor(step: number, constraint: boolean) {
    super(`step ${step} was refused`);
    this.outcome = { kind: 'refused', step, constraint };
  }
}

/** Takes changes, each in a savepoint of the transaction around it. */
export class Changer {
  readonly #connection: Connection;
  readonly #log: AuditLog;
  readonly #statements: Record<StepName, { run(parameters: unknown): number }>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#log = new AuditLog(connection);
    this.#statements = changeStatements(connection) as Record<StepName, { run(parameters: never): number }>;
  }

  /** Takes one change; throws where the database fails at it. */
  take(write: ChangeWrite): ChangeOutcome {
    try {
      return inTransaction(this.#connection, () => {
        const rows = write.steps.map((step, index) => this.#step(step, index));
        for (const draft of write.audit) this.#log.append(draft);
        return { kind: 'changed', rows };
      });
    } catch (error) {
      if (error instanceof Refused) return error.outcome;
      throw error;
    }
  }

  #step(step: Step, index: number): number {
    const changed = this.#run(step, index);
    if (step.rows === 'some' && changed === 0) throw new Refused(index, false);
    return changed;
  }

  #run(step: Step, index: number): number {
    try {
      return this.#statements[step.do].run(step.with);
    } catch (error) {
      if (breaksConstraint(error)) throw new Refused(index, true);
      throw error;
    }
  }
}
