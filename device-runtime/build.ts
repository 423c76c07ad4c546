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
const platforms = ['linux-x64', 'linux-arm64', 'linux-arm'];

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

/** What CommonJS modules in the bundle expect around them, and ES modules lack. */
const variables = Object.entries(leanStart.environment).map(([name, value]) => `${name}=${value}`);
const banner = `#!/usr/bin/env -S ${[...variables, 'node', ...leanStart.nodeFlags].join(' ')}
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
const __dirname = import.meta.dirname;
const __filename = import.meta.filename;`;

/**
 * Bundles the gateway into one file that needs nothing but Node 24 and the native serial binding beside it:
 *
 *     dist/bundle/gateway.mjs
 *     dist/bundle/prebuilds/linux-x64/…
 *     dist/bundle/packaging/…              systemd units, egress policy
 */
export async function buildGateway(): Promise<{ file: string }> {
  const folder = join(room, 'dist', 'bundle');
  const file = join(folder, 'gateway.mjs');
  const fresh = `${file}.${process.pid}`;
  await build({
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
    plugins: [prebuildsBesideBundle, noLocales, shortNamesInLibraries],
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
  await copyPrebuilds(join(folder, 'prebuilds'));
  await copyPackaging(join(folder, 'packaging'));
  // Put into place whole: a gateway may be started from there at any moment.
  await rename(fresh, file);
  return { file };
}

async function copyPrebuilds(to: string): Promise<void> {
  for (const platform of platforms) {
    const from = join(bindingFolder, 'prebuilds', platform);
    await mkdir(join(to, platform), { recursive: true });
    for (const name of await readdir(from)) {
      const fresh = join(to, platform, `${name}.${process.pid}`);
      await copyFile(join(from, name), fresh);
      await rename(fresh, join(to, platform, name));
    }
  }
}

/** Units and policy, for whoever installs the bundle. */
async function copyPackaging(to: string): Promise<void> {
  const from = join(room, 'packaging');
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    if (!/^loadline-[a-z.-]+$/.test(name)) continue;
    const fresh = join(to, `.${name}.${process.pid}`);
    await copyFile(join(from, name), fresh);
    await rename(fresh, join(to, name));
  }
}

if (import.meta.main) {
  const { file } = await buildGateway();
  process.stdout.write(`${file}\n`);
}
