/** Cookies of one host, by name: what it set last. How long they last is the host's to judge. */
export class Cookies {
  readonly #values: Map<string, string>;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries(values));
  }

  /** Takes the `Set-Cookie` headers of an answer (RFC 6265, section 4.1); an empty value takes a cookie away. */
  take(headers: readonly string[]): void {
    for (const header of headers) {
      const [pair = ''] = header.split(';');
      const at = pair.indexOf('=');
      if (at < 1) continue;
      const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (value === '') this.#values.delete(name);
      else this.#values.set(name, value);
    }
  }

  get values(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#values);
  }

  /** The `Cookie` header; undefined where there is none to send. */
  get header(): string | undefined {
    if (this.#values.size === 0) return undefined;
    return [...this.#values].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}
