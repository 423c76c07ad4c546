import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import {
  newReleasesBody,
  newReleasesReply,
  newRolloutBody,
  newUploadBody,
  newUploadReply,
  releasePartBody,
  releasePartReply,
  releaseReply,
  repositoryReply,
  retriedReply,
  rolloutChangeBody,
  rolloutReply,
  updateChangeBody,
  updateListReply,
  updateReply,
} from '../update-shapes.ts';

const update = '/organisations/:organisation/devices/:device/update';

/** Bytes of a request that brings metadata: targets are the largest. */
const metadataBytes = 16 * 1024 * 1024;

/** Releases of gateways: what there is, its way to them, and what each of them runs. */
export const updateOperations = {
  listReleases: {
    method: 'GET',
    path: '/fleet/releases',
    opens: 'releases.get',
    summary: 'List the releases that gateways can be updated to',
    query: pageQuery,
    status: 200,
    reply: page(releaseReply),
  },
  getRepository: {
    method: 'GET',
    path: '/fleet/releases/repository',
    opens: 'repository.get',
    summary: 'Read how it stands with the repository of releases, and the keys the cloud signs by',
    status: 200,
    reply: repositoryReply,
  },
  beginUpload: {
    method: 'POST',
    path: '/fleet/releases/uploads',
    opens: 'releases.create',
    summary: 'Ask which files of a release have to be sent, and from which byte on',
    description:
      'Files are known by their SHA-256: what is here is not sent again. What nobody brings metadata for within a week is removed.',
    body: newUploadBody,
    bodyBytes: 256 * 1024,
    status: 200,
    reply: newUploadReply,
  },
  putReleasePart: {
    method: 'PUT',
    path: '/fleet/releases/files/:file',
    opens: 'release-file.set',
    summary: 'Send a part of a file of a release',
    description:
      'The parts of a file in their order; with the last its digest is checked, or, where all of it is here and it is still ' +
      'missing, with an empty one behind it. Where a part does not begin where what is here ends, ' +
      'it is refused (conflict): ask again from where (beginUpload).',
    body: releasePartBody,
    bodyBytes: 1024 * 1024,
    perMinute: 6000,
    status: 200,
    reply: releasePartReply,
    refuses: ['conflict'],
  },
  addReleases: {
    method: 'POST',
    path: '/fleet/releases',
    opens: 'releases.create',
    summary: 'Put signed metadata into force: the releases in it can be rolled out, others no more',
    description:
      'Judged as gateways would judge it: the roots follow from one another, enough keys signed the targets, nothing is older than ' +
      'what was in force, and every manifest and file has been sent. The same once more changes nothing.',
    body: newReleasesBody,
    bodyBytes: metadataBytes,
    status: 200,
    reply: newReleasesReply,
  },
  listRollouts: {
    method: 'GET',
    path: '/fleet/rollouts',
    opens: 'rollouts.get',
    summary: 'List rollouts and how they go, the newest first',
    query: pageQuery,
    status: 200,
    reply: page(rolloutReply),
  },
  createRollout: {
    method: 'POST',
    path: '/fleet/rollouts',
    opens: 'rollouts.create',
    summary: 'Begin to roll a release out to gateways of one target',
    description:
      'One of a target is under way at a time. It is halted by itself where it ends badly on haltCount gateways (default 3, in the ' +
      'canary ring 1) that are haltPercent of all on which it has ended (default 5): they went back from it, refused it, or took it ' +
      'and did not confirm it within haltMinutes (default 60).',
    body: newRolloutBody,
    status: 201,
    reply: rolloutReply,
    refuses: ['conflict'],
  },
  getRollout: {
    method: 'GET',
    path: '/fleet/rollouts/:rollout',
    opens: 'rollout.get',
    summary: 'Read a rollout and how it goes',
    status: 200,
    reply: rolloutReply,
  },
  patchRollout: {
    method: 'PATCH',
    path: '/fleet/rollouts/:rollout',
    opens: 'rollout.patch',
    summary: 'Widen a rollout, or pause, resume, finish or halt it',
    description:
      'Paused, it is offered to nobody new, and what is not in a slot yet is given up. Finished, it is offered to those that it ' +
      'reaches still, and not watched any more. Halted, it is offered to nobody, for good. Those that confirmed it keep it.',
    body: rolloutChangeBody,
    status: 200,
    reply: rolloutReply,
    refuses: ['conflict'],
  },
  retryRollout: {
    method: 'POST',
    path: '/fleet/rollouts/:rollout/retry',
    opens: 'rollout.retry',
    summary: 'Offer a release once more to the gateways that went back from it or refused it',
    status: 200,
    reply: retriedReply,
    refuses: ['conflict'],
  },
  listUpdates: {
    method: 'GET',
    path: '/organisations/:organisation/updates',
    opens: 'updates.get',
    summary: 'List the gateways of an organisation with what they run and how far they are',
    query: pageQuery,
    status: 200,
    reply: page(updateListReply),
  },
  getUpdate: {
    method: 'GET',
    path: update,
    opens: 'update.get',
    summary: 'Read which release a gateway runs, is to run, and was offered',
    status: 200,
    reply: updateReply,
  },
  patchUpdate: {
    method: 'PATCH',
    path: update,
    opens: 'update.set',
    summary: 'Mark a gateway as a canary, or pin it to a release',
    description:
      'A pin goes before every rollout, and may be to an older release. Where the organisation has its gateways wait, they wait.',
    body: updateChangeBody,
    status: 200,
    reply: updateReply,
    refuses: ['conflict'],
  },
  retryUpdate: {
    method: 'POST',
    path: `${update}/retry`,
    opens: 'update.retry',
    summary: 'Offer a gateway once more what it went back from or refused',
    status: 200,
    reply: updateReply,
    refuses: ['conflict'],
  },
} as const satisfies Record<string, Operation>;
