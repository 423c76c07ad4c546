import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { fingerprintInGroups, keyFingerprint, parseFingerprint } from '@loadline/sdk/identity';
import { makePrivateFolder, readIfThere, writeWhole } from '@loadline/sdk/platform';
import { databaseFiles } from './at-rest/index.ts';
import {
  AuthorityError,
  authorityFolder,
  type Ceremony,
  crossSign,
  distrustIssuer,
  forgetRootKey,
  hasSealed,
  heldBy,
  type Installation,
  install,
  makeRequest,
  overviewInWords,
  overviewOf,
  replaceIssuer,
  retireRoot,
  withdrawRequest,
} from './authority/index.ts';
import { type Keyring, KeysError, openKeys, readKeys } from './keys/index.ts';
import { takeFolder } from './store/index.ts';
import { longestTokenMilliseconds } from './tokens/index.ts';

const usage = `usage: loadline-cloud authority show --state DIR [--json]
       loadline-cloud authority request --state DIR --out FILE [--json]
       loadline-cloud authority install --state DIR [--expect FINGERPRINT] [--no-overlap] [--json] FILE...
       loadline-cloud authority withdraw --state DIR [--json]
       loadline-cloud authority renew --state DIR [--json]
       loadline-cloud authority cross-sign --state DIR --out FILE [--json] ROOT
       loadline-cloud authority forget-root-key --state DIR [--json] FINGERPRINT
       loadline-cloud authority retire --state DIR [--json] FINGERPRINT
       loadline-cloud authority distrust --state DIR [--json] FINGERPRINT

The fleet's authority, in the cloud's state folder: a root, which gateways trust, and an issuing certificate under it, by
which this cloud makes all others. A cloud at work takes up within seconds what is changed here; it need not be stopped.

  show             roots, issuing certificates, when they end, what waits, and what should be done
  request          makes a key for a new issuing certificate, which stays here, and writes the request for it: for
                   'loadline ca sign' where the root is. On an empty DIR too, before the first start
  install          installs what came back: the issuing certificate, its root, cross certificates. A root that is not
                   known here yet is shown, and must be compared with what 'loadline ca show' says of it
  withdraw         forgets the request that waits
  renew            replaces the issuing certificate now, where the key of the root is here. It does so by itself in the
                   last third of its life
  cross-sign       certifies the key of another root by the root that is here, so that gateways which know only this
                   one believe that one
  forget-root-key  destroys the key of a root that is here and that nothing is issued under any more
  retire           trusts a root no more, and revokes all that was issued under it
  distrust         revokes all that a replaced issuing certificate has issued: after a leak of its key

  --state DIR            the cloud's state folder; be its user
  --out FILE             where the result goes
  --expect FINGERPRINT   SHA-256 of the root that is to be installed, where nobody is at a terminal to compare it
  --no-overlap           installs although gateways that know only an older root will not believe this cloud
  --json                 one line of JSON on standard output

Ends with 0 where it was done, 1 where it was refused, 2 where it was called wrongly. The ceremonies, step by step: docs/identity.md
`;

interface Output {
  write(text: string): void;
}

interface Io {
  readonly out: Output;
  readonly err: Output;
  /** ms since 1970. */
  readonly now: () => number;
}

/** The ceremony, and how to speak of it: `tell` in words, `answer` as JSON where that was asked for. */
interface Call {
  readonly ceremony: Ceremony;
  readonly values: { readonly out?: string; readonly expect?: string; readonly 'no-overlap': boolean };
  readonly operands: readonly string[];
  readonly tell: (line: string) => void;
  readonly answer: (result: object) => void;
}

/** The error of a call that asks for what there is not. */
class CalledWrongly extends Error {}

const verbs = {
  show,
  request,
  install: installFiles,
  withdraw,
  renew,
  'cross-sign': certify,
  'forget-root-key': forget,
  retire,
  distrust,
} as const satisfies Record<string, (call: Call) => Promise<void>>;

/** Runs `loadline-cloud authority` with the arguments after it; the code to exit with. */
export async function authorityCommand(args: readonly string[], io: Io): Promise<number> {
  try {
    const [verb = '--help', ...rest] = args;
    if (verb === '--help') {
      io.out.write(usage);
      return args.length === 0 ? 2 : 0;
    }
    if (!Object.hasOwn(verbs, verb)) {
      throw new CalledWrongly(
        `authority ${verb}: no such command; there are ${Object.keys(verbs).join(', ')}`,
      );
    }
    const { values, positionals: operands } = parse(rest);
    if (values.help) {
      io.out.write(usage);
      return 0;
    }
    if (values.state === undefined) throw new CalledWrongly('--state is missing: whose authority?');
    const keys = await keysOf(values.state, io.now, verb === 'request');
    const ceremony = { folder: authorityFolder(values.state), keys, now: io.now };
    await verbs[verb as keyof typeof verbs]({
      ...{ ceremony, values, operands },
      tell: (line) => void (values.json ? io.err : io.out).write(`${line}\n`),
      answer: (result) => void (values.json && io.out.write(`${JSON.stringify(result)}\n`)),
    });
    return 0;
  } catch (error) {
    io.err.write(`loadline-cloud: ${(error as Error).message}\n`);
    return error instanceof CalledWrongly ? 2 : 1;
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        state: { type: 'string' },
        out: { type: 'string' },
        expect: { type: 'string' },
        'no-overlap': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new CalledWrongly((error as Error).message);
  }
}

/** The keys that private keys are sealed with; made where a folder is begun with a request, before its first start. */
async function keysOf(state: string, now: () => number, mayBegin: boolean): Promise<Keyring> {
  const keys = await readKeys(state);
  if (keys !== undefined) return keys;
  const { database } = databaseFiles(state);
  if (existsSync(database) || hasSealed(authorityFolder(state))) {
    throw new KeysError(
      'keys-missing',
      `${state}/keys.json is missing: restore it from the backup of the keys`,
    );
  }
  if (!mayBegin) throw new CalledWrongly(`${state} is not the state folder of a cloud: nothing is there`);
  await makePrivateFolder(state);
  const leave = takeFolder(state);
  try {
    return await openKeys(state, { now, isNew: true, longestTokenMilliseconds });
  } finally {
    leave();
  }
}

async function show({ ceremony, tell, answer }: Call): Promise<void> {
  const overview = overviewOf(await heldBy(ceremony.folder), ceremony.now());
  answer(overview);
  for (const line of overviewInWords(overview)) tell(line);
}

async function request({ ceremony, values, tell, answer }: Call): Promise<void> {
  const out = needed(values.out, '--out', 'where shall the request be?');
  const { requestPem, publicKeyPem, isNew } = await makeRequest(ceremony);
  await writeResult(out, requestPem);
  const key = keyFingerprint(publicKeyPem);
  answer({ request: out, key, isNew });
  tell(
    isNew
      ? 'Made a key for a new issuing certificate. It stays here, sealed; the request for it travels.'
      : 'A request waits already; this is it again.',
  );
  tell(`${out}: the request, for the key`);
  tell(`  ${fingerprintInGroups(key)}`);
  tell('Take the file to the machine with the root. There, compare these digits before it is signed:');
  tell(`  loadline ca sign --folder ROOT --request ${out} --out issuing.pem`);
}

async function installFiles({ ceremony, values, operands, tell, answer }: Call): Promise<void> {
  if (operands.length === 0) throw new CalledWrongly('install what? give the files that came from the root');
  const texts = await Promise.all(operands.map(readText));
  const done = await install(ceremony, texts.join('\n'), {
    overlap: values['no-overlap'] ? 'given-up' : 'demanded',
    agree: (installation) => agreeTo(installation, values.expect, tell),
  });
  answer({
    issuer: done.issuer?.details.fingerprint ?? null,
    roots: done.roots.map(({ details }) => details.fingerprint),
    crossCertificates: done.crosses.map(({ details }) => details.fingerprint),
  });
  tell(
    'Installed. A cloud at work on this folder takes it up within seconds (its log says authority-changed).',
  );
  if (done.issuer !== undefined && done.next.issuers.length > 1) {
    tell('What the replaced certificate has issued stays good until it ends; its key is destroyed.');
  }
}

/** Shows what would be changed. Nothing vouches for a new root but people who compare its fingerprint. */
async function agreeTo(
  { roots, crosses, issuer }: Installation,
  expected: string | undefined,
  tell: (line: string) => void,
): Promise<void> {
  if (issuer !== undefined)
    tell(`To issue from now on: ${issuer.details.commonName}, until ${iso(issuer.details.notAfter)}`);
  for (const cross of crosses)
    tell(`To be shown besides: the key of ${cross.details.commonName}, certified by a root that is known`);
  if (roots.length === 0) return;
  for (const root of roots) {
    tell(
      `To be trusted from now on: the root ${root.details.commonName}, until ${iso(root.details.notAfter)}, SHA-256`,
    );
    tell(`  ${fingerprintInGroups(root.details.fingerprint)}`);
  }
  if (roots.length > 1) {
    throw new AuthorityError(
      'installation-refused',
      'not installed: more than one new root; install one after the other',
    );
  }
  await mustBeTheRoot(roots[0]?.details.fingerprint ?? '', expected);
}

async function mustBeTheRoot(fingerprint: string, expected: string | undefined): Promise<void> {
  if (expected !== undefined) {
    if (fingerprintOf(expected, '--expect') === fingerprint) return;
    throw new AuthorityError(
      'installation-refused',
      'not installed: the root is not the one that --expect names',
    );
  }
  const said = await ask(
    "Are these the digits that 'loadline ca show' tells on the machine with the root? (yes/no) ",
  );
  if (said === undefined) {
    throw new CalledWrongly(
      "nobody is at a terminal to compare the root's fingerprint: give it with --expect, as 'loadline ca show' tells it",
    );
  }
  if (said.trim().toLowerCase() !== 'yes') throw new AuthorityError('installation-refused', 'not installed');
}

async function ask(question: string): Promise<string | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

async function withdraw({ ceremony, tell, answer }: Call): Promise<void> {
  const withdrawn = await withdrawRequest(ceremony);
  answer({ withdrawn });
  tell(withdrawn ? 'The request is forgotten, and its key destroyed.' : 'No request was waiting.');
}

async function renew({ ceremony, tell, answer }: Call): Promise<void> {
  const { details } = await replaceIssuer(ceremony);
  answer({ issuer: details.fingerprint, ends: iso(details.notAfter) });
  tell(`To issue from now on: ${details.commonName}, until ${iso(details.notAfter)}`);
}

async function certify({ ceremony, values, operands, tell, answer }: Call): Promise<void> {
  const out = needed(values.out, '--out', 'where shall the cross certificate be?');
  const [file, ...others] = operands;
  if (file === undefined || others.length > 0)
    throw new CalledWrongly('cross-sign which root? give one file');
  const { pem, details } = await crossSign(ceremony, await readText(file));
  await writeResult(out, pem);
  answer({ crossCertificate: out, fingerprint: details.fingerprint });
  tell(
    `${out}: the key of ${details.commonName}, certified by the root of this cloud. It changes nothing until it is installed,`,
  );
  tell('with the root and the issuing certificate under it. The key that was certified:');
  tell(`  ${fingerprintInGroups(keyFingerprint(details.publicKeyPem))}`);
}

async function forget({ ceremony, operands, tell, answer }: Call): Promise<void> {
  const fingerprint = oneFingerprint(operands, 'the key of which root?');
  const { details } = await forgetRootKey(ceremony, fingerprint);
  answer({ root: details.fingerprint });
  tell(
    `The key of ${details.commonName} is destroyed here. It is still in older backups of the keys: destroy those, too.`,
  );
}

async function retire({ ceremony, operands, tell, answer }: Call): Promise<void> {
  const { details } = await retireRoot(ceremony, oneFingerprint(operands, 'which root?'));
  answer({ root: details.fingerprint });
  tell(
    `${details.commonName} is trusted no more. A cloud at work revokes what was issued under it within seconds, others at`,
  );
  tell('their start: gateways with such a certificate must enrol anew.');
}

async function distrust({ ceremony, operands, tell, answer }: Call): Promise<void> {
  const { details } = await distrustIssuer(ceremony, oneFingerprint(operands, 'which issuing certificate?'));
  answer({ issuer: details.fingerprint });
  tell(
    `${details.commonName} is believed no more. A cloud at work revokes all it has issued within seconds, others at their`,
  );
  tell('start: those gateways must enrol anew.');
}

function oneFingerprint(operands: readonly string[], question: string): string {
  if (operands.length === 0) throw new CalledWrongly(`${question} give its fingerprint, as show tells it`);
  return fingerprintOf(operands.join(' '), 'the fingerprint');
}

function fingerprintOf(text: string, what: string): string {
  const fingerprint = parseFingerprint(text);
  if (fingerprint !== undefined) return fingerprint;
  throw new CalledWrongly(
    `${what} is not a whole fingerprint: SHA-256, 64 hex digits, with spaces or colons or without`,
  );
}

function needed(value: string | undefined, option: string, question: string): string {
  if (value === undefined) throw new CalledWrongly(`${option} is missing: ${question}`);
  return value;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CalledWrongly(`${path} cannot be read: ${(error as Error).message}`);
  }
}

/** What is there already stays: the file might be the one that another ceremony waits for. */
async function writeResult(path: string, text: string): Promise<void> {
  const there = await readIfThere(path);
  if (there === text) return;
  if (there !== undefined)
    throw new CalledWrongly(`${path} is there already: give another name, or remove it`);
  await writeWhole(path, text, 0o644);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
