import { type Operation, type OperationId, operations, parametersOf } from '@loadline/sdk/api';
import type { CloudClient, OrganisationClient } from '@loadline/sdk/client';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as z from 'zod';
import { withCloud } from './connection.ts';
import { type Field, fieldsOf, nameOf, optionOf, put, read } from './fields.ts';
import { organisationOf } from './organisation.ts';
import { attempt, CalledWrongly } from './outcome.ts';
import { askSure, canAsk } from './prompts.ts';
import { idOf, type Sole, soleOf, withIds } from './references.ts';
import { showItem, showItems, showOnce } from './show.ts';

/** An operation as a verb of a command: its parameters are words after it, its query and body are options. */
export interface Verb {
  readonly name: string;
  readonly calls: OperationId;
  /** What it says it does, where the operation's summary is not it. */
  readonly does?: string;
  /** Fields that are words, like the parameters before them. */
  readonly words?: readonly string[];
  /** The fields that it takes; all unless said. */
  readonly takes?: readonly string[];
  /** Fields of the body that are what this verb is for. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  /** Columns of a list. */
  readonly columns?: readonly string[];
  /** For people, rows of an answer that is not a page. */
  readonly rows?: (reply: unknown) => readonly Record<string, unknown>[];
  /** The property that is shown this once. */
  readonly once?: string;
  /** What an answer says is wrong: the command fails by it. */
  readonly wrong?: (reply: unknown) => string | undefined;
  /** Its last parameter may be left out: what is meant then is the one that is so. */
  readonly sole?: Sole;
  /** Cannot be undone: on a terminal it is asked for. */
  readonly final?: boolean;
}

/** Items that a list shows unless it is told how many. */
const usualItems = 1000;
/** Items that the cloud gives in one answer at most. */
const pageItems = 1000;

interface Flags {
  readonly json: boolean;
  readonly organisation?: string;
  readonly limit?: number;
  readonly yes?: boolean;
  readonly [field: string]: unknown;
}

/** A command with a verb for each thing that can be done to a resource. */
export function resource(
  name: string,
  does: string,
  verbs: readonly Verb[],
  others: readonly Command[] = [],
): Command {
  const command = new Command(name).description(does);
  for (const verb of verbs) command.addCommand(verbCommand(name, verb));
  for (const other of others) command.addCommand(other);
  return command;
}

/** The option of every command that asks a cloud. */
export function cloudOptions(command: Command): Command {
  return command.option('--json', 'for programs: JSON, a line each', false);
}

/** The option of every command that asks for something of an organisation. */
export function organisationOption(): Option {
  return new Option('--organisation <id>', 'which, where you are in several').env('LOADLINE_ORGANISATION');
}

function verbCommand(resourceName: string, verb: Verb): Command {
  const operation: Operation = operations[verb.calls];
  const inPath = parametersOf(operation.path);
  // What is one's own is about an organisation that one need not be in: it is a word like the others.
  const isInOne = operation.opens !== 'self' && inPath.includes('organisation');
  const parameters = isInOne ? inPath.filter((name) => name !== 'organisation') : inPath;
  const fields = fieldsOf(operation).filter((field) => verb.takes?.includes(nameOf(field)) ?? true);
  const words = (verb.words ?? []).map((word) => fieldNamed(fields, word));
  const options = fields.filter((field) => !words.includes(field));
  const command = cloudOptions(new Command(verb.name).description(verb.does ?? operation.summary));
  for (const name of parameters) {
    command.argument(verb.sole !== undefined && name === parameters.at(-1) ? `[${name}]` : `<${name}>`);
  }
  for (const field of words) command.argument(field.required ? `<${nameOf(field)}>` : `[${nameOf(field)}]`);
  for (const field of options) command.addOption(optionOf(field));
  if (isInOne) command.addOption(organisationOption());
  if (isList(operation)) command.option('--limit <number>', 'how many at most', limitOf, usualItems);
  if (verb.final) command.option('--yes', 'do not ask', false);
  return command.action(async (...all: unknown[]) => {
    const texts = all.slice(0, parameters.length + words.length) as (string | undefined)[];
    const flags = command.opts<Flags>();
    await attempt(`${resourceName} ${verb.name}`, async () => {
      const named = Object.fromEntries(parameters.map((name, at) => [name, texts[at]]));
      const given: [Field, unknown][] = [
        ...words.map((field, at) => [field, texts[parameters.length + at]] as const),
        ...options.map((field) => [field, flags[nameOf(field)]] as const),
      ].flatMap(([field, text]) => (typeof text === 'string' ? [[field, read(field, text)]] : []));
      if (operation.method === 'PATCH' && given.length === 0 && verb.fixed === undefined) {
        throw new CalledWrongly(
          `nothing to change: give ${options.map((one) => optionOf(one).long).join(' or ')}`,
        );
      }
      await withCloud(async (cloud) => {
        const organisation = isInOne
          ? cloud.organisation(await organisationOf(cloud, flags.organisation))
          : undefined;
        const input = await inputOf(operation, verb, { organisation, named, given });
        if (verb.final && !flags.yes && canAsk()) await askSure(`${operation.summary}?`);
        await carryOut(cloud, verb, input, flags);
      });
    });
  });
}

type Input = Record<string, unknown> & { readonly query?: Readonly<Record<string, unknown>> };

/** The operation's input from what a command line gave, names made ids, checked by the operation's own schemas. */
async function inputOf(
  operation: Operation,
  { fixed, sole }: Verb,
  line: {
    readonly organisation: OrganisationClient | undefined;
    readonly named: Readonly<Record<string, string | undefined>>;
    readonly given: readonly (readonly [Field, unknown])[];
  },
): Promise<Input> {
  const { organisation, named, given } = line;
  const parameters: Record<string, string> = {};
  for (const [name, word] of Object.entries(named)) {
    if (organisation === undefined) parameters[name] = word ?? '';
    else if (word === undefined && sole !== undefined) {
      parameters[name] = await soleOf(sole, organisation, parameters);
    } else parameters[name] = await idOf(name, word ?? '', organisation, parameters);
  }
  const parts = { query: {}, body: { ...fixed } };
  for (const [field, value] of given) {
    const meant = organisation === undefined ? value : await withIds(nameOf(field), value, organisation);
    put(parts[field.in], field.path, meant);
  }
  demandFits(operation, parts);
  return {
    ...parameters,
    ...(organisation !== undefined && { organisation: organisation.id }),
    ...(operation.query !== undefined && { query: parts.query }),
    ...(operation.body !== undefined && { body: parts.body }),
  };
}

function demandFits({ query, body }: Operation, parts: { query: unknown; body: unknown }): void {
  for (const [schema, part] of [
    [query, parts.query],
    [body, parts.body],
  ] as const) {
    const fault = schema?.safeParse(part).error;
    if (fault !== undefined)
      throw new CalledWrongly(`it cannot be asked like that:\n${z.prettifyError(fault)}`);
  }
}

async function carryOut(cloud: CloudClient, verb: Verb, input: Input, flags: Flags): Promise<void> {
  const { calls, columns, rows, once, wrong } = verb;
  if (isList(operations[calls])) {
    const limit = flags.limit ?? usualItems;
    const items: Record<string, unknown>[] = [];
    const query = { limit: Math.min(limit, pageItems), ...input.query };
    for await (const item of cloud.each(calls as never, { ...input, query } as never)) {
      if (items.length === limit) {
        process.stderr.write(`the first ${limit}: --limit shows more\n`);
        break;
      }
      items.push(item as Record<string, unknown>);
    }
    showItems(items, flags, columns);
    return;
  }
  const reply: unknown = await cloud.call(calls, input as never);
  if (reply === undefined) return;
  if (rows !== undefined && !flags.json) showItems(rows(reply), flags, columns);
  else if (once !== undefined) showOnce(reply as Record<string, unknown>, once, flags);
  else showItem(reply as Record<string, unknown>, flags);
  const fault = wrong?.(reply);
  if (fault !== undefined) throw new Error(fault);
}

function isList({ query }: Operation): boolean {
  return query !== undefined && 'after' in query.shape;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

function fieldNamed(fields: readonly Field[], name: string): Field {
  const field = fields.find((one) => nameOf(one) === name);
  if (field === undefined) throw new Error(`there is no field ${name}`);
  return field;
}
