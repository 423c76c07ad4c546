import type { Trap } from './trap.ts';

/** What npm, esbuild and systemd do with what is built, installed and started. */
export const toolTraps: readonly Trap[] = [
  {
    name: 'systemd-notify',
    bites:
      'Node cannot send a datagram to a path: the word comes from a child, which systemd does not listen to.',
    guard: 'The unit takes the word of all of its processes.',
    removals: [
      {
        file: 'device-runtime/packaging/loadline-gateway.service',
        text: 'NotifyAccess=all',
        by: 'NotifyAccess=main',
      },
    ],
    heldBy: ['device-runtime/packaging/units.test.ts'],
  },
  {
    name: 'directions-unchecked',
    bites: 'A tool that checks the directions of imports looks at nothing, and passes.',
    guard: 'Each check is seen to fail on violations that are put there.',
    removals: [
      {
        file: 'tools/check/steps.ts',
        text: '...DIRECTION_RULES.map((rule) => `--only=',
        by: "...['suspicious/noDebugger'].map((rule) => `--only=",
      },
    ],
    heldBy: ['tools/check/check.test.ts'],
  },
  {
    name: 'launcher-system-node',
    bites: 'npm does not link .bin/node where several packages bring it, and an older Node runs.',
    guard: 'One launcher finds the Node 24 that was installed.',
    removals: [
      {
        file: 'tools/launch.mjs',
        text: `const manifest = createRequire(import.meta.url).resolve(\`\${packageName}/package.json\`);`,
        by: 'const manifest = process.execPath;',
      },
    ],
    heldBy: ['tools/launch.test.ts'],
  },
  {
    name: 'npm-install-scripts',
    bites: 'An install runs compilers for what is prebuilt, and fails where there are none.',
    guard: "The workspace's install runs no scripts.",
    removals: [{ file: '.npmrc', text: 'ignore-scripts=true', by: 'ignore-scripts=false' }],
    heldBy: ['tools/check/manifests.test.ts'],
  },
  {
    name: 'npm-cbor-extract',
    bites: 'cbor-extract compiles from 2.2.3 on.',
    guard: 'The last one that is prebuilt is asked for by an override.',
    removals: [{ file: 'package.json', text: '"cbor-extract": "2.2.2"', by: '"cbor-extract": "2.2.3"' }],
    heldBy: ['tools/check/manifests.test.ts'],
  },
  {
    name: 'npm-forge-unpinned',
    bites: 'node-forge has had releases day after day: what is installed tomorrow is another one.',
    guard: 'Every dependency is named by one version.',
    removals: [{ file: '.npmrc', text: 'save-exact=true', by: 'save-exact=false' }],
    heldBy: ['tools/check/manifests.test.ts'],
  },
  {
    name: 'esbuild-serialport',
    bites: 'A plain bundle fails at its start: the native binding is looked for beside its package.',
    guard: 'It is told to look beside the bundle.',
    removals: [
      {
        file: 'device-runtime/build.ts',
        text: '      prebuildsBesideBundle,\n',
        by: '',
      },
    ],
    heldBy: ['device-runtime/bundle.test.ts'],
  },
  {
    name: 'esbuild-require',
    bites: 'An ES module has no require: what was CommonJS in the bundle fails where it calls it.',
    guard: 'A banner makes one.',
    removals: [
      {
        file: 'device-runtime/build.ts',
        text: 'const require = __createRequire(import.meta.url);\n',
        by: '',
      },
    ],
    heldBy: ['device-runtime/bundle.test.ts'],
  },
];
