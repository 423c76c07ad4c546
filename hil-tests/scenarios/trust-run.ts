// For power-cut-trust.test.ts: a gateway's look at a repository, in a process of its own.
// Arguments: the folder of what it believes, the folder of the repository.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder, TrustedReleases } from '@loadline/device-runtime/trust';
import { jsonLog } from '@loadline/sdk/platform';

const [folder = '', repository = ''] = process.argv.slice(2);

await TrustedReleases.open({
  ...{ folder, root: readFileSync(join(repository, 'metadata/1.root.json'), 'utf8') },
  source: repositoryFolder(repository),
  time: { kind: 'known', by: 'system', wall: Date.now(), uncertainty: 0 },
  built: undefined,
  log: jsonLog((line) => void process.stderr.write(line), Date.now),
});
