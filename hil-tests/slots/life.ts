import type { CallEvent } from '../scenarios/system-calls.ts';
import { DiskTree } from './disk-tree.ts';
import { type Act, Installation, releaseOf } from './installation.ts';
import { type SmallRelease, SmallRepository } from './releases.ts';

/** One process at work on the disk, and which releases may be started after a cut in it. */
interface Phase {
  readonly name: string;
  readonly events: readonly CallEvent[];
  readonly may: readonly string[];
}

/** What an installation has been through, call by call, and the disk as it was before. */
export interface Life {
  readonly installation: Installation;
  readonly releases: ReadonlyMap<string, SmallRelease>;
  readonly phases: readonly Phase[];
  readonly disks: Readonly<Record<'honoured' | 'ignored', DiskTree>>;
}

const id = (number: number) => `00000000-0000-4000-8000-00000000000${number}`;
/** Neither did a gateway that ends by itself here die, nor does one that hangs take its time. */
const patient = { LOADLINE_QUICK_SECONDS: '0' };
const hurried = { LOADLINE_TRIAL_SECONDS: '0.2', LOADLINE_GRACE_SECONDS: '0.2' };

/**
 * Has an installation go through all that there is: an update that is confirmed, with a newer launcher; one that dies; one that
 * hangs, in the slot of the one before; and a confirmed release that dies.
 */
export async function live(folder: string): Promise<Life> {
  const repository = new SmallRepository();
  const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'];
  const releases = new Map(
    versions.map((version, index) => [version, releaseOf(version, index === 0 ? 1 : 2)]),
  );
  const release = (version: string) => releases.get(version) as SmallRelease;
  const installation = Installation.make(folder, release('1.0.0'), repository.root);
  const disks = {
    honoured: new DiskTree(installation.disk),
    ignored: new DiskTree(installation.disk, 'ignored'),
  };
  const phases: Phase[] = [];
  const install = async (version: string, may: readonly string[]) => {
    repository.publish(release(version));
    repository.stage(installation.layout, release(version), id(phases.length % 10));
    phases.push({ name: `installing ${version}`, events: await installation.install(), may });
  };
  const launch = async (act: Act, more: Readonly<Record<string, string>>, may: readonly string[]) => {
    const events = await installation.launch(act, more);
    phases.push({ name: `launching a gateway: ${act}`, events, may });
  };
  await install('1.1.0', ['1.0.0']);
  await launch('switch', patient, ['1.0.0', '1.1.0']);
  await launch('confirm', patient, ['1.0.0', '1.1.0']);
  await install('1.2.0', ['1.1.0']);
  await launch('switch', patient, ['1.1.0', '1.2.0']);
  for (let start = 0; start < 3; start++) await launch('die', patient, ['1.1.0', '1.2.0']);
  await launch('report', patient, ['1.1.0', '1.2.0']);
  await install('1.3.0', ['1.1.0']);
  await launch('switch', patient, ['1.1.0', '1.3.0']);
  await launch('hang', { ...patient, ...hurried }, ['1.1.0', '1.3.0']);
  await launch('report', patient, ['1.1.0']);
  for (let start = 0; start < 3; start++) await launch('die', {}, ['1.1.0', '1.3.0']);
  await launch('die', {}, ['1.0.0', '1.3.0']);
  return { installation, releases, phases, disks };
}
