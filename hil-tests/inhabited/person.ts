import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { CloudProcess } from '../system/index.ts';
import { Caller } from './caller.ts';
import type { Loot } from './loot.ts';
import type { Mails } from './mails.ts';

/** What people of one cloud have in common. */
export interface Town {
  readonly cloud: CloudProcess;
  readonly mails: Mails;
  readonly loot: Loot;
}

/** Somebody with an account and a session. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly caller: Caller;
}

/** A generated password, as the cloud offers them. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Comes by the invitation that lies in the mail: chooses a password and logs in. */
export async function arrive(town: Town, email: string): Promise<Person> {
  const { cloud, mails, loot } = town;
  const password = newPassword();
  const caller = new Caller({ cloud, loot });
  const secret = await mails.link('invitation', email);
  await caller.get('setPassword', { body: { secret, password } });
  return await enter(caller, { email, password });
}

/** Logs in, as far as the password goes. */
export async function enter(
  caller: Caller,
  login: { readonly email: string; readonly password: string },
): Promise<Person> {
  await caller.get('logIn', { body: { email: login.email, password: login.password } });
  const me = await caller.get('getCaller', {});
  return { id: me.id, ...login, caller };
}

/** Whom somebody is again on another device: a session of its own. */
export async function elsewhere(town: Town, { email, password }: Person): Promise<Caller> {
  const caller = new Caller({ cloud: town.cloud, loot: town.loot });
  await caller.get('logIn', { body: { email, password } });
  return caller;
}

/** Enables a second factor. */
export async function enableFactor({
  caller,
  password,
}: Person): Promise<{ secret: string; recoveryCodes: string[] }> {
  const { secret } = await caller.get('beginSecondFactor', { body: { password } });
  const { recoveryCodes } = await caller.get('enableSecondFactor', { body: { code: codeAt(secret, 0) } });
  return { secret, recoveryCodes };
}

/** The code of an authenticator so many steps of 30 s from now. */
export function codeAt(secret: string, steps: number): string {
  const totp = new TOTP({ algorithm: 'SHA1', digits: 6, period: 30, secret: Secret.fromBase32(secret) });
  return totp.generate({ timestamp: Date.now() + steps * 30_000 });
}

/** A code that is wrong now, in both steps beside it, and soon. */
export function wrongCode(secret: string): string {
  const right = new Set([-2, -1, 0, 1, 2].map((step) => codeAt(secret, step)));
  for (let code = 0; ; code++) {
    const text = String(code).padStart(6, '0');
    if (!right.has(text)) return text;
  }
}
