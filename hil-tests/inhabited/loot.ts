import { deviceCookie, type OperationId, sessionCookie } from '@loadline/sdk/api';
import { formsOf, type Needle } from '../scenarios/needles.ts';
import type { Answer } from './caller.ts';

/** What kind of secret something is. */
export type SecretKind =
  | 'password'
  | 'session'
  | 'device-cookie'
  | 'link'
  | 'totp'
  | 'recovery-code'
  | 'token'
  | 'application-secret'
  | 'enrolment';

export interface Secret {
  readonly kind: SecretKind;
  readonly value: string;
}

/** Every secret that a cloud handed out, or was told, while somebody watched. */
export class Loot {
  readonly #secrets = new Map<string, Secret>();

  get secrets(): readonly Secret[] {
    return [...this.#secrets.values()];
  }

  of(kind: SecretKind): string[] {
    return this.secrets.filter((one) => one.kind === kind).map(({ value }) => value);
  }

  add(kind: SecretKind, value: string): void {
    // A word of a few letters is in every file: it would say nothing where it is found.
    if (value.length >= 8) this.#secrets.set(value, { kind, value });
  }

  cookie(name: string, value: string): void {
    if (name === sessionCookie) this.add('session', value);
    if (name === deviceCookie) this.add('device-cookie', value);
  }

  /** Takes what an answer hands out, and what was told with its request. */
  take(id: OperationId, answer: Answer, input: object): void {
    const { body } = input as { body?: Record<string, unknown> };
    for (const name of ['password', 'current']) {
      const value = body?.[name];
      if (typeof value === 'string') this.add('password', value);
    }
    if (typeof body?.secret === 'string') this.add('link', body.secret);
    if (answer.status < 200 || answer.status > 299 || !answer.body.startsWith('{')) return;
    const said = JSON.parse(answer.body) as Record<string, unknown>;
    const handed: Partial<Record<OperationId, () => void>> = {
      createToken: () => this.add('token', said.value as string),
      createApplicationKey: () => this.add('application-secret', said.secret as string),
      createDevice: () => this.add('enrolment', said.enrolmentSecret as string),
      enrolDevice: () => this.add('enrolment', said.enrolmentSecret as string),
      beginSecondFactor: () => this.add('totp', said.secret as string),
      enableSecondFactor: () => this.#codes(said),
      renewRecoveryCodes: () => this.#codes(said),
    };
    handed[id]?.();
  }

  #codes({ recoveryCodes }: Record<string, unknown>): void {
    for (const code of recoveryCodes as string[]) this.add('recovery-code', code);
  }

  /** Each secret in the forms in which it could stand in a file, a column or an answer. */
  needles(): Needle[] {
    return this.secrets.flatMap(({ kind, value }) => {
      const name = `${kind} ${value.slice(0, 4)}…`;
      const bytes = /^[\w-]{32,}$/.test(value) ? Buffer.from(value, 'base64url') : undefined;
      const bare = value.replaceAll(/[\s-]/g, '');
      return [
        ...formsOf(name, Buffer.from(value)),
        ...(bytes === undefined ? [] : formsOf(`${name} (its bytes)`, bytes)),
        ...(kind === 'recovery-code' && bare !== value ? formsOf(`${name} (bare)`, Buffer.from(bare)) : []),
      ];
    });
  }
}
