import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { until } from '../rig/index.ts';

/** The mails of a cloud that has no mail server: files in the `outbox` of its state folder. */
export class Mails {
  readonly #folder: string;
  readonly #read = new Map<string, { to: string; kind: string; text: string }>();
  readonly #taken = new Set<string>();

  constructor(state: string) {
    this.#folder = join(state, 'outbox');
  }

  /** The oldest mail of a kind to an address that nobody took yet; waits for it. */
  async take(kind: string, to: string): Promise<string> {
    return await until(
      async () => {
        await this.#look();
        for (const [file, mail] of this.#read) {
          if (this.#taken.has(file) || mail.kind !== kind || mail.to !== to) continue;
          this.#taken.add(file);
          return mail.text;
        }
        return undefined;
      },
      { limitMs: 30_000, what: `a mail ${kind} to ${to}` },
    );
  }

  /** The secret of the link in such a mail. */
  async link(kind: string, to: string): Promise<string> {
    const text = await this.take(kind, to);
    const secret = linkIn(text);
    if (secret === undefined) throw new Error(`the mail ${kind} to ${to} has no link:\n${text}`);
    return secret;
  }

  /** Every mail that there is, by its kind. */
  async texts(): Promise<{ readonly kind: string; readonly to: string; readonly text: string }[]> {
    await this.#look();
    return [...this.#read.values()];
  }

  /** The secret of every link in them. */
  async links(): Promise<string[]> {
    const texts = await this.texts();
    return texts.flatMap(({ text }) => linkIn(text) ?? []);
  }

  /** How many of a kind there are. */
  async count(kind: string): Promise<number> {
    await this.#look();
    return [...this.#read.values()].filter((mail) => mail.kind === kind).length;
  }

  async #look(): Promise<void> {
    for (const file of readdirSync(this.#folder).sort()) {
      const kind = /^[0-9TZ]+-(.+)-[0-9a-f]{8}\.eml$/.exec(file)?.[1];
      if (kind === undefined || this.#read.has(file)) continue;
      const mail = await PostalMime.parse(readFileSync(join(this.#folder, file)));
      this.#read.set(file, { to: mail.to?.[0]?.address ?? '', kind, text: mail.text ?? '' });
    }
  }
}

/** The secret in the fragment of a mail's link; undefined where it has none. */
function linkIn(text: string): string | undefined {
  const [, secret] = /https:\/\/\S+\/#[a-z-]+=([\w%-]+)/.exec(text) ?? [];
  return secret === undefined ? undefined : decodeURIComponent(secret);
}
