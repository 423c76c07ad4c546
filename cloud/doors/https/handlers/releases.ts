import type { Operations, ReplyOf } from '@loadline/sdk/api';
import { releasePartBytes } from '@loadline/sdk/api';
import { compareVersions, ReleaseError } from '@loadline/sdk/release';
import { readTargets } from '@loadline/sdk/release/repository';
import { type KeptRelease, OtherPlace, type Releases } from '../../../releases/index.ts';
import type { Store } from '../../../store/index.ts';
import type { Handlers } from '../call.ts';
import { pageOf } from '../pages.ts';
import { Problem } from '../problem.ts';
import { isoTime } from './editing.ts';

/** The repository of releases: what is in it, and how it gets there. */
export function releaseHandlers({
  releases,
  store,
}: {
  releases: Releases;
  store: Store;
}): Pick<Handlers, 'listReleases' | 'getRepository' | 'beginUpload' | 'putReleasePart' | 'addReleases'> {
  return {
    listReleases({ input: { query } }) {
      const newestFirst = (a: KeptRelease, b: KeptRelease) =>
        compareVersions(b.signed.version, a.signed.version) || (a.signed.target < b.signed.target ? -1 : 1);
      return pageOf([...releases.all].sort(newestFirst).map(describe), query, ({ id }) => id);
    },

    async getRepository() {
      const { root, targets, fault, keys } = await releases.state();
      const signed = (one: typeof root) => one && { version: one.version, expires: isoTime(one.expires) };
      return {
        root: signed(root) ?? null,
        targets: signed(targets) ?? null,
        fault: fault ?? null,
        keys: keys.map(({ role, id, key, made }) => ({
          ...{ role, id, public: key.keyval.public, made: isoTime(made) },
        })),
      };
    },

    async beginUpload({ input: { body }, entry }) {
      const missing = await releases.missing(body.files);
      const after = { files: body.files.length, missing: missing.length };
      await store.change({ steps: [], audit: [entry({ target: repository, after })] });
      return { missing };
    },

    async putReleasePart({ input: { file, body }, entry }) {
      const bytes = Buffer.from(body.data, 'base64');
      const { from, length } = body;
      // Nothing is sent of what is here to its end: a cloud that was killed there had not come to look at the digest.
      const fewest = from === length ? 0 : 1;
      // What is no base64 is passed over by the decoder, and would be missing in the middle of a file.
      if (
        bytes.length < fewest ||
        bytes.length > releasePartBytes ||
        bytes.toString('base64') !== body.data
      ) {
        throw new Problem(400, 'request-invalid', `body/data: not base64 of 1 to ${releasePartBytes} bytes`);
      }
      const taken = await orProblem(releases.take({ sha256: file, from, length, bytes }));
      if (taken.isWhole) {
        await store.change({ steps: [], audit: [entry({ target: repository, after: { file, length } })] });
      }
      return taken;
    },

    async addReleases({ input: { body }, entry }) {
      const before = releases.all.length;
      const changed = await orProblem(
        releases.add(body, async (signed) => {
          const after = {
            targets: readTargets(body.targets).version,
            releases: signed.map(({ version, target }) => `${version}/${target}`),
          };
          const draft = entry({ target: repository, before: { releases: before }, after });
          await store.change({ steps: [], audit: [draft] });
        }),
      );
      const { root, targets } = await releases.state();
      return {
        changed,
        ...{ root: root?.version ?? 0, targets: targets?.version ?? 0, releases: releases.all.length },
      };
    },
  };
}

const repository = { kind: 'repository', id: 'releases' } as const;

function describe({ signed, manifest }: KeptRelease): ReplyOf<Operations['listReleases']>['items'][number] {
  const { version, target, sha256 } = signed;
  const { commit, committed, node, files } = manifest;
  return {
    ...{ id: `${version}/${target}`, version, target, commit, built: isoTime(committed * 1000), node },
    ...{ files: files.length, manifest: sha256 },
    bytes: files.reduce((sum, { packed }) => sum + packed.length, 0),
  };
}

async function orProblem<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof OtherPlace) throw new Problem(409, 'conflict', error.message);
    if (error instanceof ReleaseError) {
      throw new Problem(400, 'request-invalid', `${error.code}: ${error.message}`);
    }
    throw error;
  }
}
