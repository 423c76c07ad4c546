import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SlotName } from '@loadline/sdk/contract';
import type { Log } from '@loadline/sdk/platform';
import { type ReleaseManifest, type ReleaseTarget, writeManifest } from '@loadline/sdk/release';
import { layOut, type TestRelease, testRelease, testRepository } from '../update/test-releases.ts';
import { install } from './install.ts';
import { type Layout, layoutOf, slotFolder } from './layout.ts';
import type { InstallResult } from './requests.ts';

export const target: ReleaseTarget = 'linux-arm64';
export const id = '0b6a3c1e-7d9f-4d0e-9c54-3f1f0b8f1a11';

/** A release of this version, whose Node is the same in all, and with more in it or others in their place. */
export function makeRelease(
  version: string,
  more: Readonly<Record<string, string | Buffer>> = {},
  facts: Partial<ReleaseManifest> = {},
): TestRelease {
  const made = testRelease(version, target, {
    'bin/node': '#!/bin/sh\necho the same in all\n',
    'gateway.mjs': `export default '${version}';\n`,
    'packaging/loadline-egress': '#!/bin/sh\n',
    ...more,
  });
  const manifest = { ...made.manifest, ...facts };
  return { ...made, manifest, bytes: writeManifest(manifest) };
}

/** What is on a disk: digests do for content, so content it is. */
export type Tree = Readonly<Record<string, string>>;

/** An installation in a folder of its own, that trusts a repository of its own. */
export class TestInstallation {
  readonly folder: string;
  readonly roots: Record<'LOADLINE_PREFIX' | 'LOADLINE_STORE' | 'LOADLINE_STATE', string>;
  readonly layout: Layout;
  readonly repository = testRepository();
  /** What the installer has said, by event. */
  readonly said: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];

  constructor(folder = mkdtempSync(join(tmpdir(), 'loadline-install-'))) {
    this.folder = folder;
    this.roots = {
      LOADLINE_PREFIX: join(folder, 'opt'),
      LOADLINE_STORE: join(folder, 'store'),
      LOADLINE_STATE: join(folder, 'state'),
    };
    this.layout = layoutOf(this.roots);
    mkdirSync(dirname(this.layout.trustedRoot), { recursive: true });
    writeFileSync(this.layout.trustedRoot, this.repository.root);
    mkdirSync(this.roots.LOADLINE_STATE);
    mkdirSync(this.roots.LOADLINE_STORE);
  }

  async put(slot: SlotName, release: TestRelease): Promise<void> {
    rmSync(slotFolder(this.layout, slot), { recursive: true, force: true });
    await layOut(slotFolder(this.layout, slot), release);
  }

  /** Puts the state of slots there, as a line. */
  state(line: string): void {
    mkdirSync(this.layout.boot.folder, { recursive: true });
    writeFileSync(this.layout.boot.state, `${line}\n`);
  }

  /** Stages a release as the gateway does, after it was published; with the blobs of these files, or of all. */
  stage(release: TestRelease, paths?: readonly string[]): void {
    const { staging } = this.layout;
    rmSync(staging.folder, { recursive: true, force: true });
    mkdirSync(staging.metadata, { recursive: true });
    mkdirSync(staging.blobs);
    for (const [path, content] of this.repository.files) {
      if (path.startsWith('metadata/')) writeFileSync(join(staging.folder, path), content);
    }
    writeFileSync(staging.manifest, release.bytes);
    for (const { path, packed } of release.manifest.files) {
      const blob = release.blobs.get(packed.sha256);
      if (blob && (paths?.includes(path) ?? true)) writeFileSync(join(staging.blobs, packed.sha256), blob);
    }
    this.ask(release);
  }

  ask(release: TestRelease, more: Readonly<Record<string, unknown>> = {}): void {
    const { version } = release.manifest;
    writeFileSync(this.layout.staging.request, JSON.stringify({ id, release: version, target, ...more }));
  }

  async install(): Promise<InstallResult | undefined> {
    const say = (event: string, fields: object = {}) => this.said.push({ event, fields: { ...fields } });
    const log: Log = { info: say, warn: say, error: say };
    return await install({ layout: this.layout, target, built: 0, log });
  }

  /** Publishes and stages a release, and has it installed. */
  async update(release: TestRelease): Promise<InstallResult | undefined> {
    this.repository.publish(release);
    this.stage(release);
    return await this.install();
  }

  /** Which files came out of a slot, and which were unpacked, in the last installation. */
  came(from: 'slot' | 'blob'): string[] {
    const begun = this.said.findLastIndex(({ event }) => event === 'install-begun');
    return this.said
      .slice(begun)
      .filter(({ event, fields }) => event === 'install-file' && fields.from === from)
      .map(({ fields }) => fields.path as string);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Every file below a folder with its mode and its content; links and the like by what they are. */
export async function treeIn(folder: string): Promise<Tree> {
  const tree: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0).toString(8);
    const content = entry.isFile() ? await readFile(path, 'latin1') : '';
    tree[path.slice(folder.length + 1)] = `${mode} ${content}`;
  }
  return tree;
}

/** What a release is on a disk. */
export function treeOf({ files, bytes, manifest }: TestRelease): Tree {
  const tree: Record<string, string> = {
    'manifest.json': `100644 ${Buffer.from(bytes).toString('latin1')}`,
  };
  for (const { path, executable } of manifest.files) {
    tree[path] = `${executable ? '100755' : '100644'} ${files.get(path)?.toString('latin1')}`;
    for (let above = dirname(path); above !== '.'; above = dirname(above)) tree[above] = '40755 ';
  }
  return tree;
}
