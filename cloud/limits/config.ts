import { readFile } from 'node:fs/promises';
import { ConfigError, checkTable, optionalTable, parseToml, table, text, whole } from '@loadline/sdk/toml';
import * as z from 'zod';
import { type AccountingOptions, usualAccounting } from '../accounting/index.ts';
import { type FleetLimits, settled, usualLimits } from './settings.ts';

const unlimited = 'unlimited';

/** A number above 0, or that there is no limit. */
const most = () => {
  const allowed = `must be a number above 0, or "${unlimited}"`;
  const number = z.number(allowed).positive(allowed).max(1e15, allowed);
  return z
    .union([number, z.literal(unlimited, allowed)], allowed)
    .transform((value) => (value === unlimited ? null : value))
    .optional();
};

/** Rates, and quotas. */
const ofAll = () => ({
  messages_per_second: most(),
  readings_per_second: most(),
  bytes_per_second: most(),
  connections_per_minute: most(),
  messages_per_day: most(),
  readings_per_day: most(),
  bytes_per_day: most(),
  connection_minutes_per_day: most(),
  messages_per_month: most(),
  readings_per_month: most(),
  bytes_per_month: most(),
  connection_minutes_per_month: most(),
});

const days = () => whole(1, 36_600).optional();

const schema = table({
  burst_seconds: whole(1, 3600).optional(),
  device: optionalTable(ofAll()),
  organisation: optionalTable({ ...ofAll(), connections: most(), requests_per_second: most() }),
  credential: optionalTable({ ...ofAll(), requests_per_second: most() }),
  address: optionalTable({
    ...ofAll(),
    connections: most(),
    exempt: z
      .array(text(3, 50).refine(isNetwork, 'must be a network in CIDR notation, as in "10.0.0.0/8"'))
      .optional(),
  }),
  cloud: optionalTable({
    connections: whole(1, 1_000_000).optional(),
    connections_per_second: whole(1, 1_000_000).optional(),
  }),
  accounting: optionalTable({
    interim_seconds: whole(1, 3600).optional(),
    idle_seconds: whole(1, 86_400).optional(),
    record_days: days(),
    source_days: days(),
    usage_days: days(),
  }),
});

/**
 * Reads the file that `--limits` names (TOML): what is limited where nobody has set anything else, and how accounts are
 * kept. What it leaves out is as usual.
 *
 * @throws ConfigError naming every wrong key, its line and what is allowed
 */
export async function loadLimits(
  file: string,
): Promise<{ readonly limits: FleetLimits; readonly accounting: AccountingOptions }> {
  const content = await readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigError(file, [{ key: '', line: 0, message: `cannot be read: ${error.message}` }]);
  });
  const document = parseToml(content, file);
  const checked = checkTable(document.table, schema);
  if ('issues' in checked) throw document.error(checked.issues);
  const { burst_seconds, device, organisation, credential, address, cloud, accounting } = checked.value;
  const { interim_seconds: interim, idle_seconds: idle, ...kept } = accounting;
  const usual = usualLimits;
  return {
    limits: {
      burstSeconds: burst_seconds ?? usual.burstSeconds,
      device: settled(usual.device, named(device)),
      organisation: settled(usual.organisation, named(organisation)),
      credential: settled(usual.credential, named(credential)),
      address: settled(usual.address, named(address)),
      cloud: settled(usual.cloud, named(cloud)),
    },
    accounting: {
      ...settled(usualAccounting, named(kept)),
      ...(interim !== undefined && { interimMilliseconds: interim * 1000 }),
      ...(idle !== undefined && { idleMilliseconds: idle * 1000 }),
    },
  };
}

/** `messages_per_day` is `messagesPerDay` in the program. */
function named<T extends object>(values: object): { readonly [K in keyof T]?: T[K] } {
  const entries = Object.entries(values).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries);
}

function isNetwork(text: string): boolean {
  return z.union([z.cidrv4(), z.cidrv6()]).safeParse(text).success;
}
