import { createPrivateKey } from 'node:crypto';
import { columnBytes, formsOf, foundIn, type Needle } from './needles.ts';
import { allRows, openStateDatabase } from './state-database.ts';

/** The lines of a PEM file's body, each of which would give it away. */
export function pemLines(name: string, pem: string): Needle[] {
  return pem
    .split('\n')
    .filter((line) => line.length >= 32 && !line.startsWith('-'))
    .map((line, index) => ({ name: `line ${index} of ${name}`, bytes: Buffer.from(line) }));
}

/**
 * A private key (RSA, PKCS#8 in PEM) in every form it could travel in: its file line by line, whole in DER, and each of
 * the numbers that only its holder knows; as they are, in hex, and in both base64 at every alignment.
 */
export function privateKeyNeedles(name: string, pem: string): Needle[] {
  const key = createPrivateKey(pem);
  const { d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  return [
    // The first lines hold the modulus, which is public: it is in the certificate too.
    ...pemLines(name, pem).slice(8),
    ...formsOf(`${name} in PKCS#8`, key.export({ type: 'pkcs8', format: 'der' })),
    ...formsOf(`${name} in PKCS#1`, key.export({ type: 'pkcs1', format: 'der' })),
    ...Object.entries({ d, p, q, dp, dq, qi }).flatMap(([part, value]) =>
      formsOf(`${part} of ${name}`, Buffer.from(value as string, 'base64url')),
    ),
  ];
}

/** Searches all that the database of a cloud keeps, behind its encryption: `table.column: needle` for each that is found. */
export function foundInDatabase(state: string, needles: readonly Needle[]): string[] {
  const database = openStateDatabase(state);
  const tables = allRows(database);
  database.close();
  return [...tables].flatMap(([table, rows]) =>
    rows.flatMap((row) =>
      Object.entries(row).flatMap(([column, value]) =>
        foundIn(columnBytes(value), needles).map((name) => `${table}.${column}: ${name}`),
      ),
    ),
  );
}
