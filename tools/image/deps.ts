import { readFile, writeFile } from 'node:fs/promises';
import { CalledWrongly } from '../cloud/outcome.ts';
import { debianPackages } from './packages.ts';
import { run } from './run.ts';

const formats = '/proc/sys/fs/binfmt_misc';
/** Of Debian's package qemu-user-static: which programs its emulator runs, in the form that the kernel takes (binfmt.d(5)). */
const registration = '/usr/lib/binfmt.d/qemu-aarch64.conf';

/**
 * Installs what images need, and has the kernel run programs of arm64.
 *
 * @throws CalledWrongly where this is no Debian, or not root
 */
export async function installDependencies(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new CalledWrongly(`only root may: sudo apt-get install ${debianPackages.join(' ')}`);
  }
  const environment = { DEBIAN_FRONTEND: 'noninteractive' };
  if (!(await areInstalled())) {
    await run('apt-get', ['update', '-q'], { environment });
    await run(
      'apt-get',
      ['install', '-qy', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...debianPackages],
      {
        environment,
      },
    );
  }
  process.stdout.write(`${debianPackages.length} packages are installed\n`);
  await letRunArm();
  process.stdout.write('programs of arm64 run on this machine\n');
}

async function areInstalled(): Promise<boolean> {
  const said = await run('dpkg-query', ['-s', ...debianPackages]).catch(() => '');
  return (
    said.split('\n').filter((line) => line === 'Status: install ok installed').length ===
    debianPackages.length
  );
}

/** systemd does it at the start of a machine; in a container, or where it does not run, nobody has. */
async function letRunArm(): Promise<void> {
  if (process.arch === 'arm64') return;
  const isRegistered = async () =>
    (await readFile(`${formats}/qemu-aarch64`, 'utf8').catch(() => '')).startsWith('enabled');
  if (await isRegistered()) return;
  const isMounted = await readFile(`${formats}/status`, 'utf8').catch(() => undefined);
  if (isMounted === undefined) await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', formats]);
  if (await isRegistered()) return;
  const rule = (await readFile(registration, 'latin1')).split('\n').find((line) => line.startsWith(':'));
  if (rule === undefined)
    throw new Error(`${registration} has no rule for the kernel: is qemu-user-static whole?`);
  await writeFile(`${formats}/register`, Buffer.from(rule, 'latin1'));
  if (!(await isRegistered())) throw new Error(`the kernel did not take the rule of ${registration}`);
}
