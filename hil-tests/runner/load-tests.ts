// load-tests.ts FILE: a file of tests in a process of its own, with a uvu that tells what a `before` hook threw.
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Where uvu calls what is to come before the first test. It returns out of a `finally`, so what is thrown there is lost. */
const before = 'for (hook of before) await hook(state);';
const told = `try { ${before} } catch (error) { console.error('a hook threw before the first test:', error); throw error; }`;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/uvu/dist/index.mjs')) return loaded;
    return { ...loaded, source: String(loaded.source).replace(before, told) };
  },
});

const [, , file = ''] = process.argv;
// The file finds the arguments that it would have if it had been started itself.
process.argv.splice(1, 1);
await import(pathToFileURL(resolve(file)).href);
