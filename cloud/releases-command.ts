import { parseArgs } from 'node:util';
import { readKeys } from './keys/index.ts';
import { type OnlineRole, onlineRoles, readOnlineKeys, rotateOnlineKeys } from './releases/index.ts';

const usage = `usage: loadline-cloud releases keys --state DIR [--json]
       loadline-cloud releases rotate --state DIR --role ROLE... [--json]

The keys by which a cloud signs, by itself, which releases are the newest (snapshot) and that they are still so (timestamp).
Their public halves are put into the root that gateways trust: 'loadline release init' and 'loadline release rotate', where the
keys of the root are. A cloud at work need not be stopped.

  keys     shows them; with --json as those two take them: {"snapshot": {…}, "timestamp": {…}}
  rotate   makes another one. The cloud signs with the one before until a root names this, and forgets that then

  --state DIR   the cloud's state folder; be its user
  --role ROLE   snapshot or timestamp; may be repeated
  --json        for programs

Exit codes: 0 done, 1 failed, 2 called wrongly.
`;

interface Output {
  write(text: string): void;
}

class CalledWrongly extends Error {}

/** Runs `loadline-cloud releases` with the arguments after it; the code to exit with. */
export async function releasesCommand(
  args: readonly string[],
  { out, err, now }: { readonly out: Output; readonly err: Output; readonly now: () => number },
): Promise<number> {
  try {
    const [verb, ...rest] = args;
    if (verb === undefined || verb === '--help') {
      out.write(usage);
      return verb === undefined ? 2 : 0;
    }
    if (verb !== 'keys' && verb !== 'rotate') {
      throw new CalledWrongly(`releases ${verb}: no such command; there are keys and rotate`);
    }
    const { state, role, json, help } = parse(rest);
    if (help) {
      out.write(usage);
      return 0;
    }
    if (state === undefined) throw new CalledWrongly('--state is missing: whose keys?');
    if (verb === 'rotate') await rotate(state, role, now());
    await show(state, json, out);
    return 0;
  } catch (error) {
    err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return error instanceof CalledWrongly ? 2 : 1;
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        state: { type: 'string' },
        role: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new CalledWrongly((error as Error).message);
  }
}

async function rotate(state: string, roles: readonly string[], now: number): Promise<void> {
  if (roles.length === 0) throw new CalledWrongly('--role is missing: which key?');
  const isRole = (one: string): one is OnlineRole => (onlineRoles as readonly string[]).includes(one);
  const wrong = roles.find((one) => !isRole(one));
  if (wrong !== undefined) throw new CalledWrongly(`--role ${wrong}: there are ${onlineRoles.join(' and ')}`);
  const keys = await readKeys(state);
  if (keys === undefined)
    throw new Error(`${state}/keys.json is missing: restore it from the backup of the keys`);
  await rotateOnlineKeys(state, [...new Set(roles.filter(isRole))], keys, now);
}

async function show(state: string, json: boolean, out: Output): Promise<void> {
  const keys = await readOnlineKeys(state);
  if (keys.length === 0)
    throw new Error(`${state} has no such keys yet: a cloud makes them at its first start`);
  const newest = (role: OnlineRole) => keys.find((one) => one.role === role)?.key;
  if (json) {
    out.write(`${JSON.stringify(Object.fromEntries(onlineRoles.map((role) => [role, newest(role)])))}\n`);
    return;
  }
  for (const { role, id, key, made } of keys) {
    const day = new Date(made).toISOString().slice(0, 10);
    out.write(`${role}: ${id}, made on ${day}, ed25519 ${key.keyval.public}\n`);
  }
}
