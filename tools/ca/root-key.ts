/**
 * A private key, closed with a passphrase: JWE compact serialisation (RFC 7516), PBES2-HS512+A256KW (RFC 7518,
 * section 4.8) with A256GCM, so that any program that speaks JOSE opens it, too, in twenty years.
 *
 *     {"alg":"PBES2-HS512+A256KW","enc":"A256GCM","typ":"loadline-root-key","kid":"<its id>","p2c":…,"p2s":…}
 */
import { keyFingerprint } from '@loadline/sdk/identity';
import type { Secret } from '@loadline/sdk/platform';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';

const alg = 'PBES2-HS512+A256KW';
const enc = 'A256GCM';

/** What a key is for: a file of one kind is not opened as another. */
export interface KeyKind {
  readonly typ: string;
  /** Such as "the key of a root as 'loadline ca init' writes it". */
  readonly words: string;
}

const rootKind: KeyKind = {
  typ: 'loadline-root-key',
  words: "the key of a root as 'loadline ca init' writes it",
};

/** Rounds of PBKDF2 that each guess costs. */
const rounds = 600_000;

/** Rounds above which a file is not opened: one that was made to hold the machine up. */
const mostRounds = 20_000_000;

/** Characters that a passphrase needs: whoever copies the file may guess for years. */
const shortestPassphrase = 12;

/** The same text, however a keyboard composes it (RFC 8265, section 4.2). */
const bytesOf = (passphrase: Secret) => new TextEncoder().encode(passphrase.reveal().normalize('NFC'));

/** @throws Error where the passphrase is too short */
export function mustBeLongEnough(passphrase: Secret): void {
  if ([...passphrase.reveal()].length >= shortestPassphrase) return;
  throw new Error(
    `the passphrase is shorter than ${shortestPassphrase} characters: take six words by chance; whoever copies the file may guess for years`,
  );
}

export async function closeRootKey(
  privateKeyPem: string,
  publicKeyPem: string,
  passphrase: Secret,
): Promise<string> {
  return await closeKey(rootKind, privateKeyPem, keyFingerprint(publicKeyPem), passphrase);
}

/** @throws Error where it is no such file, or the passphrase is another one */
export async function openRootKey(closed: string, path: string, passphrase: Secret): Promise<string> {
  return await openKey(rootKind, closed, path, passphrase);
}

export async function closeKey(
  { typ }: KeyKind,
  privateKeyPem: string,
  kid: string,
  passphrase: Secret,
): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(privateKeyPem))
    .setProtectedHeader({ alg, enc, typ, kid })
    .setKeyManagementParameters({ p2c: rounds })
    .encrypt(bytesOf(passphrase));
}

/** @throws Error where it is no file of this kind, or the passphrase is another one */
export async function openKey(
  { typ, words }: KeyKind,
  closed: string,
  path: string,
  passphrase: Secret,
): Promise<string> {
  if (!isOfKind(typ, closed)) throw new Error(`${path} is not ${words}`);
  try {
    const { plaintext } = await compactDecrypt(closed, bytesOf(passphrase), {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: [enc],
      maxPBES2Count: mostRounds,
    });
    return new TextDecoder().decode(plaintext);
  } catch {
    throw new Error(`the passphrase does not open ${path}: it is another one, or the file is damaged`);
  }
}

function isOfKind(typ: string, closed: string): boolean {
  try {
    const header = decodeProtectedHeader(closed);
    return header.alg === alg && header.enc === enc && header.typ === typ;
  } catch {
    return false;
  }
}
