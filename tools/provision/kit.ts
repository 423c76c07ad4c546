import { isGatewayId } from '@loadline/sdk/contract';
import { isExposed, readIfThere, writeWhole } from '@loadline/sdk/platform';
import { type ProvisioningKit, provisioningKit, serialNumber } from '@loadline/sdk/provisioning';
import { CalledWrongly } from '../cloud/outcome.ts';
import type { FieldCloud } from './field-cloud.ts';
import { ProvisionFailure } from './outcome.ts';

export type Board = ProvisioningKit['boards'][number];

/** A board that a kit is to be made for. */
export interface WantedBoard {
  readonly serialNumber: string;
  readonly gatewayId: string;
  readonly name: string;
}

export function isSerialNumber(text: string): boolean {
  return serialNumber.safeParse(text).success;
}

/** The boards in a file: a line each with serial number, id, and a name; `#` begins a comment. @throws CalledWrongly naming the line */
export function parseBoards(text: string, file: string): WantedBoard[] {
  const boards: WantedBoard[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [serial, id, ...name] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (!serial) continue;
    const where = `${file}:${index + 1}`;
    if (!isSerialNumber(serial)) throw new CalledWrongly(`${where}: ${serial} is no serial number`);
    if (id === undefined)
      throw new CalledWrongly(`${where}: after the serial number comes the id of the gateway`);
    if (!isGatewayId(id))
      throw new CalledWrongly(`${where}: ${id} is no id: 1 to 64 of a-z, 0-9 and inner hyphens`);
    if (boards.some((one) => one.serialNumber === serial || one.gatewayId === id)) {
      throw new CalledWrongly(`${where}: ${serial} or ${id} stands in an earlier line already`);
    }
    boards.push({ serialNumber: serial, gatewayId: id, name: name.join(' ') || id });
  }
  if (boards.length === 0) throw new CalledWrongly(`${file} names no board`);
  return boards;
}

/** Asks the cloud for what a place without a network needs: vouchers without a nonce, and enrolment secrets. */
export async function makeKit(
  cloud: FieldCloud,
  wanted: {
    readonly organisation: string;
    readonly boards: readonly WantedBoard[];
    /** The roots, PEM. */
    readonly authority: string;
    readonly uplink: ProvisioningKit['uplink'];
    readonly now: number;
    /** Milliseconds that an enrolment secret of the cloud is good for. */
    readonly lifetime: number;
  },
): Promise<ProvisioningKit> {
  const { organisation, authority, uplink, now, lifetime } = wanted;
  const boards: Board[] = [];
  const ends = [now + lifetime];
  for (const { serialNumber: serial, gatewayId, name } of wanted.boards) {
    const { voucher, expires } = await cloud.voucher(organisation, { serialNumber: serial, counter: 0 });
    const known = await cloud.known(organisation, gatewayId);
    const enrolmentSecret =
      known === undefined
        ? await cloud.takeIn(organisation, { id: gatewayId, name })
        : await cloud.enrolmentSecret(organisation, gatewayId);
    if (expires !== null) ends.push(Date.parse(expires));
    boards.push({ serialNumber: serial, gatewayId, name, voucher, enrolmentSecret });
  }
  return provisioningKit.parse({
    version: 1,
    organisation,
    authority,
    enrolmentUrl: cloud.origin,
    uplink,
    prepared: new Date(now).toISOString(),
    expires: new Date(Math.min(...ends)).toISOString(),
    boards,
  });
}

/** Writes a kit, for its owner alone. */
export async function writeKit(path: string, kit: ProvisioningKit): Promise<void> {
  await writeWhole(path, `${JSON.stringify(kit, null, 2)}\n`, 0o600);
}

/** @throws CalledWrongly where it is none, or others can read it */
export async function readKit(path: string): Promise<ProvisioningKit> {
  const text = await readIfThere(path);
  if (text === undefined) throw new CalledWrongly(`there is no kit ${path}`);
  if (await isExposed(path)) {
    throw new CalledWrongly(`${path} can be read by others, who could enrol as its gateways: chmod 600 it`);
  }
  const found = provisioningKit.safeParse(parseJson(text));
  if (!found.success) throw new CalledWrongly(`${path} is not a kit as loadline provision prepare writes it`);
  return found.data;
}

/** What a kit has for a board. @throws ProvisionFailure where it has nothing, or is over */
export function boardOf(kit: ProvisioningKit, serial: string, now: number): Board {
  const prepare = `prepare another one where there is a network: loadline provision prepare --serial ${serial}`;
  if (now > Date.parse(kit.expires)) {
    throw new ProvisionFailure('failed', `the kit was good until ${kit.expires}`, prepare);
  }
  const board = kit.boards.find(({ serialNumber: one }) => one === serial);
  if (board !== undefined) return board;
  const all = kit.boards.map(({ serialNumber: one }) => one).join(', ');
  throw new ProvisionFailure('failed', `the kit has nothing for ${serial}: it is for ${all}`, prepare);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
