import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const gitHubJob = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      'runs-on': z.string(),
      steps: z.array(
        z.strictObject({
          run: z.string().optional(),
          uses: z
            .string()
            .regex(/^actions\/[a-z-]+@v\d+$/)
            .optional(),
          with: z.record(z.string(), z.unknown()).optional(),
          if: z.string().optional(),
        }),
      ),
    }),
  ),
});

const gitLabJob = z.record(
  z.string(),
  z.object({
    image: z.string(),
    script: z.array(z.string()),
    artifacts: z.object({ when: z.literal('always'), reports: z.object({ junit: z.string() }) }),
  }),
);

/** A job of GitHub Actions or GitLab CI: the lines it types, in their order, and the Node it has. */
export interface Job {
  readonly lines: readonly string[];
  readonly nodeMajor: number;
}

/** Reads a workflow of GitHub Actions with one job. Throws where it is none. */
export function readGitHubJob(path: string): Job {
  const [job] = Object.values(gitHubJob.parse(parse(readFileSync(path, 'utf8'))).jobs);
  const steps = job?.steps ?? [];
  const setUp = steps.find(({ uses }) => uses?.startsWith('actions/setup-node@'));
  return {
    lines: steps.flatMap(({ run }) => (run === undefined ? [] : [run])),
    nodeMajor: Number(setUp?.with?.['node-version']),
  };
}

/** Reads a file of GitLab CI with one job. Throws where it is none. */
export function readGitLabJob(path: string): Job {
  const [job] = Object.values(gitLabJob.parse(parse(readFileSync(path, 'utf8'))));
  return { lines: job?.script ?? [], nodeMajor: Number(/^node:(\d+)$/.exec(job?.image ?? '')?.[1]) };
}
