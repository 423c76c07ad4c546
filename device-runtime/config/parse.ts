import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, checkTable, type KeyIssue, keyName, parseToml } from '@loadline/sdk/toml';
import { type Config, configSchema } from './schema.ts';

/** A configuration as it stands in the gateway's own file, and what it says. */
export interface LocalConfig {
  readonly file: string;
  /** The TOML document, unchecked and as it stands. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly config: Config;
}

/**
 * Reads a configuration from TOML text. Relative paths in it are taken from the folder of `file`, which is
 * otherwise only named in errors.
 *
 * @throws ConfigError naming every wrong key, its line and what is allowed.
 */
export function parseConfig(text: string, file: string): LocalConfig {
  const document = parseToml(text, file);
  const checked = check(document.table, file);
  if ('config' in checked) return { file, document: document.table, config: checked.config };
  throw document.error(checked.issues);
}

/**
 * Reads the configuration file of a gateway.
 *
 * @throws ConfigError where the file cannot be read or its content cannot be used.
 */
export function loadConfig(file: string): LocalConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError(file, [{ key: '', line: 0, message: `cannot be read: ${message}` }]);
  }
  return parseConfig(text, file);
}

/** A whole configuration, or everything that is wrong with it. */
export type Checked =
  | { readonly config: Config }
  | { readonly problems: readonly { readonly key: string; readonly message: string }[] };

/** Sections that the gateway's own file alone may say: who it is, what it runs, which files it touches. */
const ownSections = ['gateway', 'enrolment', 'drivers', 'control', 'clock', 'journal'] as const;

/**
 * The configuration that a document from the cloud makes of the gateway's own file: each section it names replaces
 * the file's, the others stay. What only the file may say is refused.
 */
export function withDesired(local: LocalConfig, desired: Readonly<Record<string, unknown>>): Checked {
  const foreign = [
    ...ownSections.filter((section) => section in desired),
    ...['uplink.authority', 'uplink.proxy.password_file'].filter((name) => has(desired, name)),
    ...switchedOn(local.config, desired.ports),
  ];
  if (foreign.length > 0) {
    const message = "is only for the gateway's own file to say";
    return { problems: foreign.map((key) => ({ key, message })) };
  }
  const document: Record<string, unknown> = { ...local.document, ...desired };
  if (isTable(desired.uplink)) {
    const { authority, proxy: own } = local.config.uplink;
    const { proxy } = desired.uplink;
    // The password was put here for that proxy, and is for no other to learn.
    const same = isTable(proxy) && own?.password_file !== undefined && proxy.url === own.url;
    document.uplink = {
      ...desired.uplink,
      authority,
      ...(same && { proxy: { ...proxy, password_file: own.password_file } }),
    };
  }
  const checked = check(document, local.file);
  if ('config' in checked) return checked;
  return { problems: checked.issues.map(({ path, message }) => ({ key: keyName(path), message })) };
}

/** Transmission that a document from the cloud would switch on: whoever may set one could then move sensors. */
function switchedOn({ ports: own }: Config, ports: unknown): string[] {
  if (!Array.isArray(ports)) return [];
  const allowed = new Set(own.filter(({ transmit }) => transmit).map(({ name }) => name));
  return ports.flatMap((port: unknown, index) =>
    isTable(port) && port.transmit === true && !allowed.has(String(port.name))
      ? [`ports[${index + 1}].transmit`]
      : [],
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function has(document: Readonly<Record<string, unknown>>, name: string): boolean {
  let value: unknown = document;
  for (const part of name.split('.')) {
    if (!isTable(value) || !(part in value)) return false;
    value = value[part];
  }
  return true;
}

/** Checks a document and makes its paths absolute. */
function check(
  document: Readonly<Record<string, unknown>>,
  file: string,
): { readonly config: Config } | { readonly issues: readonly KeyIssue[] } {
  const result = checkTable(document, configSchema);
  if ('issues' in result) return result;
  const fromFile = (path: string): string => resolve(dirname(file), path);
  const { gateway, uplink, enrolment, control, clock, drivers } = result.value;
  const state = fromFile(gateway.state);
  const { proxy } = uplink;
  return {
    config: {
      ...result.value,
      gateway: { ...gateway, state },
      uplink: {
        ...uplink,
        authority: fromFile(uplink.authority),
        proxy: proxy?.password_file ? { ...proxy, password_file: fromFile(proxy.password_file) } : proxy,
      },
      enrolment: enrolment?.secret_file
        ? { ...enrolment, secret_file: fromFile(enrolment.secret_file) }
        : enrolment,
      control: {
        socket: control.socket === undefined ? join(state, 'control.sock') : fromFile(control.socket),
      },
      clock: {
        synchronized_file: fromFile(clock.synchronized_file),
        saved_file: fromFile(clock.saved_file),
      },
      drivers: drivers.map((driver) => ({ ...driver, module: fromFile(driver.module) })),
    },
  };
}
