import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fingerprintInGroups, keyFingerprint, parseFingerprint } from '@loadline/sdk/identity';
import { writeWhole } from '@loadline/sdk/platform';
import { Command, InvalidArgumentError } from 'commander';
import { attempt, CalledWrongly } from '../cloud/outcome.ts';
import { addresses, answer, clock, iso, mustBeExpected, mustBeFree, teller } from './ceremony.ts';
import { newPassphrase, passphraseOf } from './passphrase.ts';
import { type Made, makeRoot, openRoot, readRoot, rootFiles, rootsIn, signAuthority } from './root-folder.ts';
import { asItem, itemsIn, readText, requestIn } from './travelling.ts';

const day = 24 * 3_600_000;

interface Common {
  readonly folder: string;
  readonly passphraseFile?: string;
  readonly json: boolean;
}

/** `loadline ca`: the root of a fleet, on a machine of its own. */
export function caCommand(): Command {
  const ca = new Command('ca').description(
    "make and keep the root of a fleet's authority offline, and sign with it; needs neither a network nor a cloud",
  );
  ca.addCommand(init()).addCommand(sign()).addCommand(crossSign()).addCommand(show());
  ca.addHelpText(
    'after',
    `
What a person does, step by step, is in docs/identity.md (Ceremonies). Only requests and certificates travel.
Exit codes: 0 done, 1 refused, 2 called wrongly.`,
  );
  return ca;
}

const json = '--json';
const jsonWords = 'one line of JSON on standard output';

function withRoot(command: Command): Command {
  return command
    .requiredOption('--folder <dir>', 'the folder of the root, such as on a stick that is locked away')
    .option('--passphrase-file <file>', "the passphrase of the root's key; asked for where it is left out")
    .option(json, jsonWords, false);
}

function init(): Command {
  return withRoot(new Command('init'))
    .description('make a root: a key, closed with a passphrase, and its certificate')
    .option(
      '--offline',
      'say that this machine is the place for it: it has no network, and the folder is locked away',
      false,
    )
    .option('--name <text>', 'the name of the root, which every error that names it will say', rootName)
    .option('--years <n>', 'how long it lives, 2 to 30', count(2, 30), 20)
    .action((flags: Common & { offline: boolean; name?: string; years: number }) =>
      attempt('ca init', async () => {
        if (!flags.offline) {
          throw new CalledWrongly(
            'a root is made where there is no network: run this on such a machine, and say so with --offline. A cloud that ' +
              'is to have its root itself needs none of this: it makes one at its first start',
          );
        }
        const now = clock();
        const tell = teller(flags.json);
        tell(
          `To make in ${flags.folder}: an RSA key of 4096 bits, closed with a passphrase, and a root for ${flags.years} years.`,
        );
        tell(
          'Without the passphrase the key is lost, and nobody can look it up. Keep a copy of the folder in a second place.',
        );
        for (const address of addresses()) tell(`note: this machine has a network: ${address}`);
        const passphrase = await newPassphrase(flags.passphraseFile);
        const name =
          flags.name ?? `Fleet root of ${iso(now).slice(0, 10)}, ${randomBytes(2).toString('hex')}`;
        const root = await makeRoot(flags.folder, { name, years: flags.years, passphrase, now });
        answer(flags.json, { root: join(flags.folder, rootFiles.certificate), ...shown(root) });
        tell(
          `Made ${root.details.commonName}, until ${iso(root.details.notAfter)}. Write its fingerprint down on paper (SHA-256):`,
        );
        tell(`  ${fingerprintInGroups(root.details.fingerprint)}`);
      }),
    );
}

function sign(): Command {
  return withRoot(new Command('sign'))
    .description("sign a cloud's request for an issuing certificate")
    .requiredOption('--request <file>', "what 'loadline-cloud authority request' wrote")
    .requiredOption('--out <file>', 'the certificate, with the root behind it; it must not be there yet')
    .option('--days <n>', 'how long it lives, 30 to 3650', count(30, 3650), 1095)
    .option(
      '--expect <fingerprint>',
      'SHA-256 of the key in the request, where nobody is at a terminal to compare it',
      fingerprint,
    )
    .action((flags: Common & { request: string; out: string; days: number; expect?: string }) =>
      attempt('ca sign', async () => {
        const now = clock();
        const tell = teller(flags.json);
        const subject = requestIn(await readText(flags.request), flags.request);
        const key = keyFingerprint(subject.publicKeyPem);
        const root = await readRoot(flags.folder);
        tell(
          `To sign by ${root.details.commonName}: ${subject.commonName} may issue for ${flags.days} days. Its key (SHA-256):`,
        );
        tell(`  ${fingerprintInGroups(key)}`);
        await mustBeFree(flags.out);
        await mustBeExpected(
          [key],
          flags.expect === undefined ? [] : [flags.expect],
          "Are these the digits that 'loadline-cloud authority request' told?",
        );
        const issuer = await openRoot(flags.folder, await passphraseOf(flags.passphraseFile));
        const order = {
          what: 'sign',
          subject,
          pathLength: 0,
          notAfter: now + flags.days * day,
          now,
        } as const;
        const made = await signAuthority(flags.folder, issuer, order);
        await writeWhole(flags.out, made.pem + root.pem, 0o644);
        answer(flags.json, { out: flags.out, ...shown(made), root: root.details.fingerprint });
        tell(
          `${flags.out}: ${made.details.commonName}, until ${iso(made.details.notAfter)}, and the root. Back at the cloud:`,
        );
        tell(`  loadline-cloud authority install --state DIR ${flags.out}`);
        tell('and compare there the fingerprint of the root (SHA-256):');
        tell(`  ${fingerprintInGroups(root.details.fingerprint)}`);
      }),
    );
}

function crossSign(): Command {
  return withRoot(new Command('cross-sign'))
    .description(
      'certify the key of a newer root by this one, so that who knows only this one believes that one',
    )
    .requiredOption('--root <file>', 'the newer root, PEM; what ca sign wrote by it will do')
    .requiredOption('--out <file>', 'the cross certificate; it must not be there yet')
    .option(
      '--expect <fingerprint>',
      'SHA-256 of the newer root, where nobody is at a terminal to compare it',
      fingerprint,
    )
    .action((flags: Common & { root: string; out: string; expect?: string }) =>
      attempt('ca cross-sign', async () => {
        const now = clock();
        const tell = teller(flags.json);
        const signing = await readRoot(flags.folder);
        const other = otherRoot(rootsIn(await readText(flags.root)), signing, flags.root);
        tell(
          `To certify by ${signing.details.commonName}: the root ${other.details.commonName} may issue whatever this one may (SHA-256):`,
        );
        tell(`  ${fingerprintInGroups(other.details.fingerprint)}`);
        await mustBeFree(flags.out);
        await mustBeExpected(
          [other.details.fingerprint],
          flags.expect === undefined ? [] : [flags.expect],
          'Are these the digits that were written down when that root was made?',
        );
        const issuer = await openRoot(flags.folder, await passphraseOf(flags.passphraseFile));
        const { commonName, publicKeyPem, notAfter } = other.details;
        const order = { what: 'cross-sign', subject: { commonName, publicKeyPem }, notAfter, now } as const;
        const made = await signAuthority(flags.folder, issuer, order);
        await writeWhole(flags.out, made.pem, 0o644);
        answer(flags.json, { out: flags.out, ...shown(made) });
        tell(
          `${flags.out}: the key of ${commonName}, certified until ${iso(made.details.notAfter)}. At the cloud, install it together with`,
        );
        tell('the issuing certificate that the newer root has signed:');
        tell(`  loadline-cloud authority install --state DIR issuing.pem ${flags.out}`);
      }),
    );
}

function show(): Command {
  return new Command('show')
    .description('show fingerprints: of the root in a folder, and of requests and certificates in files')
    .argument('[files...]', 'requests and certificates, PEM')
    .option('--folder <dir>', 'the folder of a root')
    .option(json, jsonWords, false)
    .action((files: string[], flags: { folder?: string; json: boolean }) =>
      attempt('ca show', async () => {
        if (flags.folder === undefined && files.length === 0)
          throw new CalledWrongly('show what? give --folder, or files');
        const root = flags.folder === undefined ? [] : [await readRoot(flags.folder)];
        const items = [...root.map(asItem), ...(await Promise.all(files.map(itemsIn))).flat()];
        if (flags.json) return void process.stdout.write(`${JSON.stringify({ items })}\n`);
        for (const item of items) {
          console.log(`${item.kind}: ${item.name}${item.until === null ? '' : `, until ${item.until}`}`);
          if (item.fingerprint !== null) console.log(`  SHA-256  ${fingerprintInGroups(item.fingerprint)}`);
          console.log(`  its key  ${fingerprintInGroups(item.key)}`);
        }
      }),
    );
}

function otherRoot(roots: readonly Made[], signing: Made, path: string): Made {
  const [other, ...rest] = roots;
  if (other === undefined || rest.length > 0)
    throw new CalledWrongly(`${path} must hold one root, and it holds ${roots.length}`);
  if (other.details.publicKeyPem === signing.details.publicKeyPem) {
    throw new CalledWrongly(
      `${path} is the root that was to sign it: cross-sign is for two roots, by the older one`,
    );
  }
  return other;
}

function shown({ details }: Made) {
  const { commonName: name, fingerprint, serial, notAfter, publicKeyPem } = details;
  return { name, fingerprint, key: keyFingerprint(publicKeyPem), serial, until: iso(notAfter) };
}

function count(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,5}$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`give a number from ${from} to ${to}`);
  };
}

function rootName(text: string): string {
  if (/^[\x20-\x7e]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('give 1 to 64 characters of ASCII');
}

function fingerprint(text: string): string {
  const digits = parseFingerprint(text);
  if (digits !== undefined) return digits;
  throw new InvalidArgumentError(
    'not a whole fingerprint: SHA-256, 64 hex digits, with spaces or colons or without',
  );
}
