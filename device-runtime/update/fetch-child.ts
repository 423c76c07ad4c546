// A process that fetches a release until it is killed: `node fetch-child.ts PARAMETERS`, which is a file of JSON.
import { readFileSync, writeSync } from 'node:fs';
import { jsonLog } from '@loadline/sdk/platform';
import { layoutOf } from '../slots/index.ts';
import { CloudSource } from './cloud-source.ts';
import type { FetchParameters } from './fetch-killed.test.ts';
import { fetchRelease } from './fetch-release.ts';
import { TrustedReleases } from './trusted.ts';

const given = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as FetchParameters;
const { url, identity, authorityPem, root, folders, offer, target } = given;
const signal = new AbortController().signal;
const time = () => ({ kind: 'known', by: 'cloud', wall: Date.now(), uncertainty: 10 }) as const;
const source = new CloudSource({ url, identity, authorityPem, time, proxy: undefined, signal });
const log = jsonLog(() => {}, Date.now);
await fetchRelease({
  ...{ offer, target, layout: layoutOf(folders.layout), parts: folders.parts, source, signal },
  trust: () =>
    TrustedReleases.open({ folder: folders.trust, root, source, time: time(), built: undefined, log }),
  ...{ reserve: () => 0, pace: async () => {}, monotonic: () => performance.now(), stallMilliseconds: 5000 },
  onProgress: (done, total) => writeSync(1, `${done} ${total}\n`),
});
source.close();
writeSync(1, 'staged\n');
