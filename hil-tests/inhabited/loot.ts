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
  | 'device-secret'
  | 'enrolment';

export interface Secret {
  readonly kind: SecretKind;
  readonly value: string;
}

/** Where answers hand out secrets. */
const handedOut: Partial<Record<OperationId, { readonly kind: SecretKind; readonly name: string }>> = {
  createToken: { kind: 'token', name: 'value' },
  createApplicationKey: { kind: 'application-secret', name: 'secret' },
  createDeviceCredential: { kind: 'device-secret', name: 'secret' },
  createDevice: { kind: 'enrolment', name: 'enrolmentSecret' },
  enrolDevice: { kind: 'enrolment', name: 'enrolmentSecret' },
  beginSecondFactor: { kind: 'totp', name: 'secret' },
  enableSecondFactor: { kind: 'recovery-code', name: 'recoveryCodes' },
  renewRecoveryCodes: { kind: 'recovery-code', name: 'recoveryCodes' },
};

/** Every secret that a cloud handed out, or was told, while somebody watched. */
export class Loot {
  readonly #secrets = new Map<string, Secret>();
  readonly #told: (secret: Secret) => void;

  /** `told` hears of each. */
  constructor(told: (secret: Secret) => void) {
    this.#told = told;
  }

  get secrets(): readonly Secret[] {
    return [...this.#secrets.values()];
  }

  of(kind: SecretKind): string[] {
    return this.secrets.filter((one) => one.kind === kind).map(({ value }) => value);
  }

  add(kind: SecretKind, value: string): void {
    // A word of a few letters is in every file: it would say nothing where it is found.
    if (value.length < 8 || this.#secrets.has(value)) return;
    this.#secrets.set(value, { kind, value });
    this.#told({ kind, value });
  }

  cookie(name: string, value: string): void {
    if (name === sessionCookie) this.add('session', value);
    if (name === deviceCookie) this.add('device-cookie', value);
  }

  /**
   * Takes what an answer hands out, and what was told with its request.
   * @throws Error where it is a refusal that holds a secret
   */
  take(id: OperationId, answer: Answer, input: object): void {
    const { body } = input as { body?: Record<string, unknown> };
    for (const name of ['password', 'current']) {
      const value = body?.[name];
      if (typeof value === 'string') this.add('password', value);
    }
    if (typeof body?.secret === 'string') this.add('link', body.secret);
    const leak = answer.status >= 400 && this.secrets.find(({ value }) => answer.body.includes(value));
    if (leak) throw new Error(`${id}: a refusal (${answer.status}) holds a ${leak.kind}`);
    const handed = handedOut[id];
    if (handed === undefined || answer.status < 200 || answer.status > 299) return;
    const value = (JSON.parse(answer.body) as Record<string, string | string[]>)[handed.name];
    for (const one of [value ?? []].flat()) this.add(handed.kind, one);
  }

  /** Each secret in the forms in which it could stand in a file, a column or an answer. */
  needles(): Needle[] {
    return this.secrets.flatMap(({ kind, value }) => {
      const name = `${kind} ${value.slice(0, 4)}…`;
      // What says the kind of a token is none of its random bytes.
      const random = value.replace(/^[a-z]{2,8}_/, '');
      const bytes = /^[\w-]{32,}$/.test(random) ? Buffer.from(random, 'base64url') : undefined;
      const bare = value.replaceAll(/[\s-]/g, '');
      return [
        ...formsOf(name, Buffer.from(value)),
        ...(bytes === undefined ? [] : formsOf(`${name} (its bytes)`, bytes)),
        ...(kind === 'recovery-code' && bare !== value ? formsOf(`${name} (bare)`, Buffer.from(bare)) : []),
      ];
    });
  }
}
