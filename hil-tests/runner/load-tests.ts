// load-tests.ts FILE: a file of tests in a process of its own, with a uvu that tells what a hook threw.
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Where uvu returns from: what a hook threw is lost there, and a test's failure never comes so far. */
const end = '} finally {';
const told = `} catch (error) { console.error('a hook threw, and no more tests were run:', error); throw error; ${end}`;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/uvu/dist/index.mjs')) return loaded;
    return { ...loaded, source: String(loaded.source).replace(end, told) };
  },
});

const [, , file = ''] = process.argv;
// The file finds the arguments that it would have if it had been started itself.
process.argv.splice(1, 1);
await import(pathToFileURL(resolve(file)).href);
