import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BlockList, isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { isExposed, Secret } from '@loadline/sdk/platform';
import {
  ConfigError,
  checkTable,
  type KeyIssue,
  parseToml,
  path,
  table,
  text,
  whole,
} from '@loadline/sdk/toml';
import * as z from 'zod';
import { isMailAddress } from './words.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Only addresses: what the name `localhost` leads to is for others to say. */
function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

const hostAllowed = 'must be a host name or an address, in quotes, without a scheme or a port';
const securityAllowed = 'must be "tls", "starttls" or "none"';
const addressAllowed = 'must be one mail address, in quotes, such as "loadline@example.com"';
const mailAddress = () => z.string(addressAllowed).refine(isMailAddress, addressAllowed);

const mailSchema = table({
  host: z
    .string(hostAllowed)
    .refine(
      (host) => isIP(host) !== 0 || /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host),
      hostAllowed,
    ),
  security: z.enum(['tls', 'starttls', 'none'], securityAllowed),
  port: whole(1, 65_535).optional(),
  user: text(1, 255).optional(),
  password_file: path().optional(),
  from: mailAddress(),
  reply_to: mailAddress().optional(),
  authority: path().optional(),
}).check(({ value, issues }) => {
  const complain = (key: string, message: string) =>
    issues.push({ code: 'custom', input: value, path: [key], message, continue: true });
  if (value.security === 'none' && !isLoopback(value.host)) {
    complain('security', 'may be "none" only for a host of 127.0.0.1 or ::1: use "tls" or "starttls"');
  }
  if (value.security === 'none' && value.authority !== undefined) {
    complain('authority', 'is for "tls" and "starttls": leave it out');
  }
  if (value.user !== undefined && value.password_file === undefined) {
    complain('user', 'needs password_file, the file with its password');
  }
  if (value.password_file !== undefined && value.user === undefined) {
    complain('password_file', 'needs user, whose password it holds');
  }
});

/** The ports that mail programs hand mails in at (RFC 8314, RFC 6409), and that of a relay on this machine. */
const usualPorts = { tls: 465, starttls: 587, none: 25 } as const;

/** The mail server, and what it is to be told. */
export interface MailConfig {
  readonly host: string;
  readonly port: number;
  /** `tls`: from the first byte; `starttls`: before anything else, or not at all; `none`: on this machine only. */
  readonly security: 'tls' | 'starttls' | 'none';
  readonly login?: { readonly user: string; readonly passwordFile: string };
  readonly from: string;
  readonly replyTo?: string;
  /** PEM of the authority that the server's certificate must come from, in place of the public ones. */
  readonly authorityPem?: string;
}

/**
 * Reads the file that `--mail` names: TOML, all keys at the top.
 *
 * @throws ConfigError naming every wrong key, its line and what is allowed
 */
export async function loadMailConfig(file: string): Promise<MailConfig> {
  const content = await readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigError(file, [{ key: '', line: 0, message: `cannot be read: ${error.message}` }]);
  });
  const document = parseToml(content, file);
  const checked = checkTable(document.table, mailSchema);
  if ('issues' in checked) throw document.error(checked.issues);
  const { host, security, port = usualPorts[security], user, from, reply_to: replyTo } = checked.value;
  const fromFile = (relative: string) => resolve(dirname(file), relative);
  const { password_file: passwordFile, authority } = checked.value;
  const issues: KeyIssue[] = [];
  const attempt = async <Value>(key: string, read: () => Promise<Value>): Promise<Value | undefined> => {
    try {
      return await read();
    } catch (error) {
      issues.push({ path: [key], message: (error as Error).message });
      return undefined;
    }
  };
  if (passwordFile !== undefined) await attempt('password_file', () => readPassword(fromFile(passwordFile)));
  const authorityPem =
    authority === undefined
      ? undefined
      : await attempt('authority', () => readAuthority(fromFile(authority)));
  if (issues.length > 0) throw document.error(issues);
  return {
    host,
    port,
    security,
    from,
    ...(user !== undefined &&
      passwordFile !== undefined && { login: { user, passwordFile: fromFile(passwordFile) } }),
    ...(replyTo !== undefined && { replyTo }),
    ...(authorityPem !== undefined && { authorityPem }),
  };
}

/**
 * The password in a file: its first line.
 *
 * @throws Error saying what is wrong with the file
 */
export async function readPassword(file: string): Promise<Secret> {
  if (await isExposed(file).catch(unreadable(file))) {
    throw new Error(`names ${file}, which others may read: run chmod 600 on it`);
  }
  const [password = ''] = (await readFile(file, 'utf8').catch(unreadable(file))).split(/\r?\n/, 1);
  if (password === '') throw new Error(`names ${file}, whose first line is empty: put the password there`);
  return new Secret(password);
}

async function readAuthority(file: string): Promise<string> {
  const pem = await readFile(file, 'utf8').catch(unreadable(file));
  try {
    if (new X509Certificate(pem).ca) return pem;
  } catch {
    throw new Error(`names ${file}, which holds no certificate in PEM`);
  }
  throw new Error(
    `names ${file}, whose certificate is not an authority's: give the one that issued the server's`,
  );
}

function unreadable(file: string): (error: NodeJS.ErrnoException) => never {
  return ({ code }) => {
    throw new Error(`names ${file}, which cannot be read (${code})`);
  };
}
