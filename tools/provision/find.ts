import { CalledWrongly } from '../cloud/outcome.ts';
import { askChoice, canAsk } from '../cloud/prompts.ts';
import { type DiscoverOptions, discover, type Found, serialPorts } from './discover.ts';
import type { ProvisionEvent, Report } from './events.ts';
import { ProvisionFailure } from './outcome.ts';

export type FoundGateway = Extract<Found, { kind: 'gateway' }>;

export interface FindOptions extends Pick<DiscoverOptions, 'baud' | 'patience'> {
  /** Ports to ask on; none: all of this machine. */
  readonly ports: readonly string[];
}

/** Whether somebody may be asked which of several gateways is meant. */
export type Asking = 'may-ask' | 'never-asks';

/** Milliseconds in which a gateway answers: it hears a call twice a second. */
const answerMs = 8000;

/** Asks on every port, and tells what is there. */
export async function findAll({ ports, baud, patience }: FindOptions, report: Report): Promise<Found[]> {
  const paths = ports.length > 0 ? ports : await serialPorts();
  const onLife = (life: 'lost' | 'back') =>
    report({
      event: 'note',
      says: life === 'lost' ? 'the line is gone; waiting for it' : 'the line is back: it goes on',
    });
  const found = await discover(paths, { baud, limitMs: answerMs, patience, onLife });
  try {
    for (const one of found) report(eventOf(one));
    return found;
  } catch (error) {
    // A line that is left open keeps the program alive.
    await closeAll(found);
    throw error;
  }
}

function eventOf(found: Found): ProvisionEvent {
  if (found.kind === 'silent') {
    return { event: 'note', says: `no gateway on ${found.path}: ${found.says}; ${found.act}` };
  }
  const { nonce: _, maker: __, ...description } = found.description;
  return { event: 'gateway', port: found.path, description };
}

/**
 * The gateway that is meant; lines to others are closed.
 *
 * @param serialNumber of the only board that is meant
 * @throws ProvisionFailure where there is none
 * @throws CalledWrongly where there are several, and nobody to ask
 */
export async function findOne(
  options: FindOptions,
  report: Report,
  asking: Asking,
  serialNumber?: string,
): Promise<FoundGateway> {
  const found = await findAll(options, report);
  const gateways = found.filter((one) => one.kind === 'gateway');
  try {
    const chosen = await choose(found, asking, serialNumber);
    await closeAll(gateways.filter((one) => one !== chosen));
    return chosen;
  } catch (error) {
    await closeAll(gateways);
    throw error;
  }
}

export async function closeAll(found: readonly Found[]): Promise<void> {
  await Promise.all(found.map(async (one) => one.kind === 'gateway' && (await one.line.close())));
}

/** Of what was found, the gateway that is meant. @throws as `findOne` */
export async function choose(
  found: readonly Found[],
  asking: Asking,
  serialNumber: string | undefined,
): Promise<FoundGateway> {
  const gateways = found.filter((one) => one.kind === 'gateway');
  const [only, second] = gateways;
  if (only === undefined) throw nothingFound(found);
  if (second === undefined) return only;
  const meant = gateways.find(({ description }) => description.serialNumber === serialNumber);
  if (meant !== undefined) return meant;
  const paths = gateways.map(({ path, description }) => `${description.serialNumber} on ${path}`);
  if (asking === 'never-asks' || !canAsk()) {
    throw new CalledWrongly(`several gateways answer: --port says which, ${paths.join(', ')}`);
  }
  const path = await askChoice(
    'Which gateway?',
    gateways.map((one, index) => ({ value: one.path, label: paths[index] as string })),
  );
  return gateways.find((one) => one.path === path) as FoundGateway;
}

function nothingFound(found: readonly Found[]): ProvisionFailure {
  const [first, second] = found.filter((one) => one.kind === 'silent');
  if (first !== undefined && second === undefined) {
    return new ProvisionFailure('failed', `no gateway on ${first.path}: ${first.says}`, first.act);
  }
  return new ProvisionFailure(
    'failed',
    found.length === 0
      ? 'this machine has no serial port'
      : `no gateway answers on any of ${found.map(({ path }) => path).join(', ')}`,
    'connect its console or USB-gadget port; bring it into provisioning mode (docs/provisioning.md); --port names a port that is in no list',
  );
}
