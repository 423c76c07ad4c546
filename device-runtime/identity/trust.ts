import { createHash, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { type Log, readIfThere } from '@loadline/sdk/platform';
import { rootsOf, succession, type Told, type TrustedRoot } from '@loadline/sdk/trust';
import * as z from 'zod';
import { keptFile, StateFile } from '../downlink/index.ts';

const kept = z.strictObject({
  version: z.literal(1),
  /** Of which `uplink.authority` this has come: SHA-256 of its certificates. */
  file: z.string().regex(/^[0-9a-f]{64}$/),
  roots: z
    .array(z.strictObject({ pem: z.string(), since: z.number().int().nonnegative() }))
    .min(1)
    .max(64),
});

export interface TrustOptions {
  /** The state folder; what has become of the file's roots is kept in `trust.json` in it. */
  readonly state: string;
  /** The file `uplink.authority` of the configuration, PEM. */
  readonly authorityPem: string;
  readonly log: Log;
}

/**
 * Which authorities this gateway believes. It begins with those of the file `uplink.authority`, follows what the fleet makes
 * of them (`succession` of `sdk/trust`), and begins anew where somebody puts another file there.
 */
export class Trust {
  readonly #file: StateFile<z.infer<typeof kept>>;
  readonly #origin: string;
  #roots: readonly TrustedRoot[];

  private constructor(file: StateFile<z.infer<typeof kept>>, origin: string, roots: readonly TrustedRoot[]) {
    this.#file = file;
    this.#origin = origin;
    this.#roots = roots;
  }

  /** @throws Error where the file holds no certificate, or one that cannot be read */
  static async open({ state, authorityPem, log }: TrustOptions): Promise<Trust> {
    const file = new StateFile({ file: keptFile(trustFile(state)), name: 'trust.json', schema: kept, log });
    const given = rootsOf(authorityPem);
    const origin = digestOf(given);
    const found = await file.read();
    return new Trust(
      file,
      origin,
      (typeof found === 'object' ? rootsIn(found.state, origin) : undefined) ?? given,
    );
  }

  /** Every root that is believed, PEM. */
  get pem(): string {
    return this.#roots.map(({ pem }) => pem).join('');
  }

  /** Takes up what a server that was believed has told. Resolves, once it is kept, with what changed in words. */
  async hear(told: Omit<Told, 'roots'>): Promise<string | undefined> {
    const { roots, adopted, dropped } = succession({ ...told, roots: this.#roots });
    if (adopted.length + dropped.length === 0) return undefined;
    this.#roots = roots;
    await this.#file.keep({ version: 1, file: this.#origin, roots: [...roots] });
    return [
      ...adopted.map((pem) => `believes ${nameOf(pem)}`),
      ...dropped.map((pem) => `believes ${nameOf(pem)} no more`),
    ].join('; ');
  }

  /** No further attempts to keep it. */
  stop(): void {
    this.#file.stop();
  }
}

/** Of the certificates, in whatever order and form they stand in the file. */
function digestOf(roots: readonly TrustedRoot[]): string {
  const fingerprints = roots.map(({ pem }) => new X509Certificate(pem).fingerprint256).sort();
  return createHash('sha256').update(fingerprints.join()).digest('hex');
}

/** Undefined where they are of another file, or unreadable. */
function rootsIn({ file, roots }: z.infer<typeof kept>, origin: string): readonly TrustedRoot[] | undefined {
  if (file !== origin) return undefined;
  try {
    return roots.every(({ pem }) => rootsOf(pem).length === 1) ? roots : undefined;
  } catch {
    return undefined;
  }
}

const trustFile = (state: string): string => join(state, 'trust.json');

/**
 * What a gateway with this state folder believes, PEM, for whoever looks at it from outside: the doctor.
 *
 * @throws Error as `Trust.open` does
 */
export async function trustedPem(state: string, authorityPem: string): Promise<string> {
  const given = rootsOf(authorityPem);
  const found = kept.safeParse(jsonOf(await readIfThere(trustFile(state)).catch(() => undefined)));
  const roots = found.success ? rootsIn(found.data, digestOf(given)) : undefined;
  return (roots ?? given).map(({ pem }) => pem).join('');
}

function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Its name, and enough of its fingerprint to tell it from another of that name. */
function nameOf(pem: string): string {
  const { subject, fingerprint256 } = new X509Certificate(pem);
  return `${subject.replaceAll('\n', ', ')} (SHA-256 ${fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase()}…)`;
}
