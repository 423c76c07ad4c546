import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { readIfThere, writeWhole } from '@loadline/sdk/platform';
import { type ProvisioningRecord, provisioningRecord } from '@loadline/sdk/provisioning';
import * as z from 'zod';
import { CalledWrongly } from '../cloud/outcome.ts';

/** A record as a gateway signed it, and whether the cloud has it. */
export interface KeptRecord {
  /** JSON text, byte for byte as it was signed. */
  readonly record: string;
  /** Base64. */
  readonly signature: string;
  readonly kept: boolean;
}

const content = z.strictObject({
  version: z.literal(1),
  record: z.string(),
  signature: z.string(),
  kept: z.boolean(),
});

/** The text of a record that is to be signed. @throws Error where a member is not as the contract has it */
export function recordText(record: ProvisioningRecord): string {
  return JSON.stringify(provisioningRecord.parse(record));
}

/** What a record's text says. @throws CalledWrongly */
export function readRecord(text: string, path: string): ProvisioningRecord {
  const found = provisioningRecord.safeParse(parseJson(text));
  if (found.success) return found.data;
  throw new CalledWrongly(`${path} holds no record of a provisioning`);
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where records are kept: beside the session of `loadline login`. */
export function recordsFolder(env: Environment): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), '.config'), 'loadline', 'provisionings');
}

/** Where a record is put if nobody says where. Times sort by their text; colons are nothing for Windows. */
export function recordPath(
  env: Environment,
  { gatewayId, at }: Pick<ProvisioningRecord, 'gatewayId' | 'at'>,
) {
  return join(recordsFolder(env), `${gatewayId}-${at.replaceAll(':', '')}.json`);
}

/** Keeps a record, for its owner alone: it says where things are. */
export async function keepRecord(path: string, record: KeptRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeWhole(path, `${JSON.stringify({ version: 1, ...record }, null, 2)}\n`, 0o600);
}

/** A record that was kept. @throws CalledWrongly where it is none */
export async function readKept(path: string): Promise<KeptRecord> {
  const text = await readIfThere(path);
  if (text === undefined) throw new CalledWrongly(`there is no ${path}`);
  const found = content.safeParse(parseJson(text));
  if (!found.success) throw new CalledWrongly(`${path} is not as it was written`);
  const { version: _, ...record } = found.data;
  return record;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
