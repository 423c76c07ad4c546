import { chmod, copyFile, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, transform } from 'esbuild';
import { leanStart } from './bundle.ts';

const room = dirname(fileURLToPath(import.meta.url));
const bindingFolder = dirname(
  createRequire(import.meta.url).resolve('@serialport/bindings-cpp/package.json'),
);

/** The platforms a gateway runs on. */
const everyPlatform = ['linux-x64', 'linux-arm64', 'linux-arm'];

/**
 * The binding looks for its native half beside its own package, which a bundle does not have: it is told to look
 * beside the bundle.
 */
const prebuildsBesideBundle: Plugin = {
  name: 'prebuilds-beside-bundle',
  setup({ onLoad }) {
    onLoad({ filter: /bindings-cpp[/\\]dist[/\\]serialport-bindings\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const own = "(0, path_1.join)(__dirname, '../')";
      if (!source.includes(own)) throw new Error(`${path} does not look for its prebuilds as expected`);
      return { contents: source.replace(own, '__dirname'), loader: 'js' };
    });
  },
};

/** zod's messages in fifty languages are half of it, and the configuration's errors are our own. */
const noLocales: Plugin = {
  name: 'no-locales',
  setup({ onLoad }) {
    onLoad({ filter: /zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      loader: 'js',
    }));
  },
};

/** Names inside libraries are made short. Our own stay: a stack trace out of the field is to be read. */
const shortNamesInLibraries: Plugin = {
  name: 'short-names-in-libraries',
  setup({ onLoad }) {
    onLoad({ filter: /node_modules[/\\].*\.[cm]?js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      return { contents: (await transform(source, { minifyIdentifiers: true })).code, loader: 'js' };
    });
  },
};

/** The bundle says the version it is built as, which need not be the one in its sources. */
function versionOf(version: string): Plugin {
  return {
    name: 'version',
    setup({ onLoad }) {
      onLoad({ filter: /package\.json$/ }, ({ path }) =>
        path === join(room, 'package.json')
          ? { contents: JSON.stringify({ version }), loader: 'json' }
          : null,
      );
    },
  };
}

/** What CommonJS modules in the bundle expect around them, and ES modules lack. */
const variables = Object.entries(leanStart.environment).map(([name, value]) => `${name}=${value}`);
const banner = `#!/usr/bin/env -S ${[...variables, 'node', ...leanStart.nodeFlags].join(' ')}
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __dirname = import.meta.dirname;
const __filename = import.meta.filename;`;

export interface GatewayBuild {
  /** Where to; by default `dist/bundle` of this package. */
  readonly folder?: string;
  /** Whose serial binding comes along; by default that of every platform, for any libc. */
  readonly platform?: string;
  /** What it says its version is; by default that of the package. */
  readonly version?: string;
}

export interface GatewayBundle {
  readonly file: string;
  /** Each file that something of is in the bundle, relative to the root of the workspace. */
  readonly sources: readonly string[];
}

/**
 * Bundles the gateway into one file that needs nothing but Node 24 and the native serial binding beside it:
 *
 *     dist/bundle/gateway.mjs
 *     dist/bundle/prebuilds/linux-x64/…
 *     dist/bundle/packaging/…              systemd units, egress policy
 *     dist/bundle/launcher/…               what starts it, and goes back to the release before it
 *
 * The same sources give the same bytes, wherever they lie and whoever builds.
 */
export async function buildGateway({
  folder = join(room, 'dist', 'bundle'),
  platform,
  version,
}: GatewayBuild = {}): Promise<GatewayBundle> {
  const file = join(folder, 'gateway.mjs');
  const fresh = `${file}.${process.pid}`;
  const { metafile } = await build({
    // Paths in the bundle (names of CommonJS modules) are relative to this, and not to where the build was started.
    absWorkingDir: dirname(room),
    metafile: true,
    entryPoints: [join(room, 'main.ts')],
    outfile: fresh,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['loadline-source'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: banner },
    plugins: [
      prebuildsBesideBundle,
      noLocales,
      shortNamesInLibraries,
      ...(version === undefined ? [] : [versionOf(version)]),
    ],
    // Native, optional, and loaded only where a port is USB HID: found in a node_modules above the bundle.
    external: ['node-hid'],
    alias: {
      // A copy of Node's own streams for browsers.
      'readable-stream': 'node:stream',
      // Timers that MQTT.js takes in browsers only.
      'worker-timers': 'node:timers',
    },
    logLevel: 'warning',
  });
  await chmod(fresh, 0o755);
  await copyPrebuilds(join(folder, 'prebuilds'), platform);
  await copyAsItIs('packaging', folder);
  await copyAsItIs('launcher', folder);
  // Put into place whole: a gateway may be started from there at any moment.
  await rename(fresh, file);
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const sources = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  return { file, sources: sources.sort() };
}

async function copyPrebuilds(to: string, platform: string | undefined): Promise<void> {
  for (const each of platform === undefined ? everyPlatform : [platform]) {
    const from = join(bindingFolder, 'prebuilds', each);
    await mkdir(join(to, each), { recursive: true });
    for (const name of await readdir(from)) {
      // A release brings its own Node, which is linked to glibc.
      if (platform !== undefined && !name.includes('.glibc.')) continue;
      const fresh = join(to, each, `${name}.${process.pid}`);
      await copyFile(join(from, name), fresh);
      await rename(fresh, join(to, each, name));
    }
  }
}

/** What is no JavaScript of a folder of this room: units, policy and scripts, for whoever installs the bundle. */
async function copyAsItIs(name: 'packaging' | 'launcher', folder: string): Promise<void> {
  const [from, to] = [join(room, name), join(folder, name)];
  await mkdir(to, { recursive: true });
  for (const each of await readdir(from)) {
    if (!/^loadline-[a-z.-]+$/.test(each)) continue;
    const fresh = join(to, `.${each}.${process.pid}`);
    await copyFile(join(from, each), fresh);
    await rename(fresh, join(to, each));
  }
}

if (import.meta.main) {
  const { file } = await buildGateway();
  process.stdout.write(`${file}\n`);
}
