import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeWhole, writeWhole } from '@loadline/sdk/platform';

/**
 * What somebody has to do at the board itself, so that a provisioned gateway may be provisioned anew: put a file there
 * (in the boot partition), or close a contact (the value file of a GPIO line). It counts once: after the mode has ended
 * it counts again only when it was undone in between, over restarts too.
 */
export class PhysicalAct {
  readonly #file: string;
  readonly #spentFile: string;
  #isSpent: boolean;

  /** @param folder where it is kept that it has counted */
  static async open(file: string, folder: string): Promise<PhysicalAct> {
    const spentFile = join(folder, 'spent');
    const isSpent = await readFile(spentFile).then(
      () => true,
      () => false,
    );
    return new PhysicalAct(file, spentFile, isSpent);
  }

  private constructor(file: string, spentFile: string, isSpent: boolean) {
    this.#file = file;
    this.#spentFile = spentFile;
    this.#isSpent = isSpent;
  }

  /** Whether it is done, and has not counted yet. */
  async look(): Promise<boolean> {
    const isDone = isAct(await readFile(this.#file, 'latin1').catch(() => ''));
    if (!isDone && this.#isSpent) {
      this.#isSpent = false;
      await removeWhole(this.#spentFile);
    }
    return isDone && !this.#isSpent;
  }

  /** It has counted. */
  async spend(): Promise<void> {
    if (this.#isSpent || !(await this.look())) return;
    this.#isSpent = true;
    await writeWhole(this.#spentFile, 'the act was done, and has counted\n', 0o600);
  }
}

/** Not empty, and not the 0 of an open contact. */
function isAct(content: string): boolean {
  return content.trim() !== '' && content.trim() !== '0';
}
