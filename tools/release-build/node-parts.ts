/** A library that is linked into Node's binary. */
export interface NodePart {
  readonly name: string;
  readonly version: string;
  /** The name by which the vulnerability database of NIST knows it. */
  readonly cpe?: string;
}

/** Keys of `process.versions` that are no library: Node itself, its interfaces, and data inside ICU. */
const notLibraries: ReadonlySet<string> = new Set(['node', 'modules', 'napi', 'unicode', 'cldr', 'tz']);

/** Where the name in `process.versions` is not the library's own, or NIST knows it. `vendor:product` of its CPE. */
const known: Readonly<Record<string, { readonly name?: string; readonly cpe?: string }>> = {
  ares: { name: 'c-ares', cpe: 'c-ares:c-ares' },
  brotli: { cpe: 'google:brotli' },
  icu: { cpe: 'icu-project:international_components_for_unicode' },
  llhttp: { cpe: 'llhttp:llhttp' },
  nghttp2: { cpe: 'nghttp2:nghttp2' },
  openssl: { cpe: 'openssl:openssl' },
  sqlite: { cpe: 'sqlite:sqlite' },
  undici: { cpe: 'nodejs:undici' },
  uv: { name: 'libuv', cpe: 'libuv:libuv' },
  v8: { cpe: 'google:v8' },
  zlib: { cpe: 'zlib:zlib' },
  zstd: { cpe: 'facebook:zstandard' },
};

/** The libraries inside a Node, by the `process.versions` it gives, by name. */
export function partsOfNode(versions: NodeJS.ProcessVersions): NodePart[] {
  const parts = Object.entries(versions).flatMap(([key, version = '']) => {
    // What this Node was built without has no version.
    if (version === '' || notLibraries.has(key)) return [];
    const { name = key, cpe } = known[key] ?? {};
    return [
      {
        name,
        version,
        ...(cpe === undefined ? {} : { cpe: `cpe:2.3:a:${cpe}:${plain(version)}:*:*:*:*:*:*:*` }),
      },
    ];
  });
  return parts.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The version without what Node's own build adds to it: `1.3.2.1-motley-8002e91`, `13.6.233.17-node.53`. */
function plain(version: string): string {
  return version.replace(/-.*$/, '');
}
