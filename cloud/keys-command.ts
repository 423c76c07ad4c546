import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseFiles, type KeySources, openingKey } from './at-rest/index.ts';
import { authorityFolder, resealFolder } from './authority/index.ts';
import { type Keys, openKeys, openSealed, type RingName, ringNames, sealValue } from './keys/index.ts';
import { resealQueue } from './mail/index.ts';
import { factorContext } from './people/index.ts';
import { resealOnlineKeys } from './releases/index.ts';
import { type Step, Store, step, takeFolder } from './store/index.ts';
import { longestTokenMilliseconds } from './tokens/index.ts';

const usage = `usage: loadline-cloud keys list --state DIR
       loadline-cloud keys rotate --state DIR --ring NAME...
       loadline-cloud keys replace --state DIR --ring NAME...

The keys of keys.json. The cloud must not be running.

  list      shows each ring's versions; the newest is the one that is worked with
  rotate    adds a version to a ring; what was made with the older ones stays good
  replace   adds a version, seals anew what was sealed, and forgets the older ones: for a leak of keys.json.
            Of the ring token it ends every API token; of derive every application secret, and which devices
            are known; of seal it ends nothing. After a leak of keys.json together with authority/ the keys of the
            authority have leaked, too: see docs/identity.md, Rotation

  --state DIR   the cloud's state folder
  --ring NAME   token, seal or derive; may be repeated

Ends with 0 where it was done, 2 where not.
`;

interface Output {
  write(text: string): void;
}

type Verb = 'list' | 'rotate' | 'replace';

const isVerb = (text: string | undefined): text is Verb =>
  text === 'list' || text === 'rotate' || text === 'replace';

const isRing = (text: string): text is RingName => (ringNames as readonly string[]).includes(text);

/** Runs `loadline-cloud keys` with the arguments after it; the code to exit with. `now`: ms since 1970. */
export async function keysCommand(
  args: readonly string[],
  { out, err, now, sources }: { out: Output; err: Output; now: () => number; sources: KeySources },
): Promise<number> {
  try {
    const [verb, ...rest] = args;
    if (verb === undefined || verb === '--help') {
      out.write(usage);
      return verb === undefined ? 2 : 0;
    }
    if (!isVerb(verb)) throw new Error(`keys ${verb}: no such command; there are list, rotate and replace`);
    const { values } = parseArgs({
      args: rest,
      options: {
        state: { type: 'string' },
        ring: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      out.write(usage);
      return 0;
    }
    if (values.state === undefined) throw new Error('--state is missing: whose keys?');
    const rings = values.ring.map((name) => {
      if (isRing(name)) return name;
      throw new Error(`--ring ${name}: no such ring; there are ${ringNames.join(', ')}`);
    });
    if (verb !== 'list' && rings.length === 0) throw new Error(`--ring is missing: which keys to ${verb}?`);
    await act(verb, { folder: values.state, sources, rings: [...new Set(rings)], out, now });
    return 0;
  } catch (error) {
    err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return 2;
  }
}

async function act(
  verb: Verb,
  parts: {
    folder: string;
    sources: KeySources;
    rings: readonly RingName[];
    out: Output;
    now: () => number;
  },
): Promise<void> {
  const { folder, sources, rings, out, now } = parts;
  const { database: file } = databaseFiles(folder);
  if (!existsSync(file)) throw new Error(`${folder} is not the state folder of a cloud: ${file} is missing`);
  const leave = takeFolder(folder);
  let failure: string | undefined;
  const key = await openingKey(folder, sources);
  const store = await Store.open({ file, key }, (reason) => {
    failure = reason;
  });
  try {
    const keys = await openKeys(folder, { now, isNew: false, longestTokenMilliseconds });
    for (const ring of rings) {
      const old = keys.ids(ring);
      await keys.rotate(ring);
      if (verb === 'rotate') await note(store, { ring, forgotten: 0 }, now());
      else await replace(ring, { folder, keys, store, old, now });
    }
    for (const ring of ringNames) {
      const ids = keys.ids(ring);
      out.write(`${ring}: ${ids.map((id) => describe(keys, ring, id)).join(', ')}\n`);
    }
  } finally {
    await store.close();
    leave();
  }
  if (failure !== undefined) throw new Error(failure);
}

/** The old versions go last: what was broken off before is whole with them, and is taken up by the next try. */
async function replace(
  ring: RingName,
  parts: { folder: string; keys: Keys; store: Store; old: readonly string[]; now: () => number },
): Promise<void> {
  const { folder, keys, store, old, now } = parts;
  if (ring === 'seal') {
    await resealFactors(keys, store);
    await resealQueue(folder, keys);
    await resealFolder(authorityFolder(folder), keys);
    await resealOnlineKeys(folder, keys);
  }
  await note(store, { ring, forgotten: old.length }, now());
  await keys.forget(ring, old);
}

async function resealFactors(keys: Keys, store: Store): Promise<void> {
  const factors = await store.read('sealedFactors', {});
  const steps: Step[] = [];
  for (const { person, secret, offered } of factors) {
    const again = async (known: string) => {
      const context = factorContext(person);
      return {
        person,
        known,
        sealed: await sealValue(keys, context, await openSealed(keys, context, known)),
      };
    };
    if (secret !== null) steps.push(step('resealFactor', await again(secret), 'some'));
    if (offered !== null) steps.push(step('resealOffer', await again(offered), 'some'));
  }
  const { done } = await store.change({ steps, audit: [] });
  if (!done) throw new Error('the second factors were changed meanwhile: is a cloud running on this folder?');
}

/** Writes into the fleet's audit log that keys were changed on the machine itself. */
async function note(
  store: Store,
  { ring, forgotten }: { ring: RingName; forgotten: number },
  at: number,
): Promise<void> {
  await store.change({
    steps: [],
    audit: [
      {
        organisation: null,
        at,
        actor: { kind: 'machine', id: '' },
        channel: 'command-line',
        action: forgotten > 0 ? 'keys.replace' : 'keys.rotate',
        target: { kind: 'ring', id: ring },
        outcome: 'done',
        code: null,
        before: null,
        after: { forgotten },
        personal: null,
      },
    ],
  });
}

function describe(keys: Keys, ring: RingName, id: string): string {
  const purpose = ({ token: 'api-token', seal: 'sealed-value', derive: 'application-secret' } as const)[ring];
  const made = keys.version(purpose, id)?.made ?? 0;
  return `${id} of ${new Date(made).toISOString().slice(0, 10)}`;
}
