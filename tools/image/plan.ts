import { type Board, boardOf, kernelLine } from './boards.ts';
import { namesFor, type Order } from './build.ts';
import type { Inputs } from './inputs.ts';
import { architecture, recipeOf, suite } from './recipe.ts';

/** What a build would do. */
export interface Plan {
  readonly board: string;
  readonly release: string;
  readonly suite: string;
  readonly packages: readonly string[];
  readonly files: readonly string[];
  readonly lines: readonly string[];
}

/** Says what would be built of what: no network, no disk, no root. */
export function planOf(order: Order, inputs: Inputs): Plan {
  const board = boardOf(order.board);
  const { packages } = recipeOf(board, { hook: '', 'loadline-grow': '' });
  const files = Object.values(namesFor(order.out));
  const lines = [
    `Board: ${board.name}, ${board.is}; provisioned over ${board.console}`,
    `Release: ${inputs.release.version} (${inputs.release.commit.slice(0, 12)}), Node ${inputs.release.node}`,
    `Updates: ${inputs.root === undefined ? 'none are taken, ever' : `by ${order.releasesRoot}`}`,
    `Debian: ${suite} ${architecture}, ${order.base === 'archive' ? "from this machine's own mirrors" : 'as it is kept'}: ${packages.join(' ')}`,
    `Partitions: 1 FAT32 (${bootsBy(board)}), 2 ext4 read-only, 3 ext4 at /var, grown to the card`,
    `Kernel: ${kernelLine({ signature: '<disk>' })}`,
    `Cache: ${order.cache}`,
    ...files.map((file) => `Writes: ${file}`),
  ];
  return { board: board.name, release: inputs.release.version, suite, packages, files, lines };
}

function bootsBy({ boot }: Board): string {
  switch (boot.by) {
    case 'uefi':
      return 'UEFI, systemd-boot';
    case 'raspberry-pi':
      return `${boot.firmware.join(', ')}`;
  }
}
