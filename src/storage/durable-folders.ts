import { fileErrorCode, isMissing } from './file-error.ts';
import type { FileSystem } from './file-system.ts';

/** Makes the folders of a store and remembers those whose names are durable all the way down from the root. */
export class DurableFolders {
  readonly #root: string;
  readonly #fs: FileSystem;
  readonly #known = new Set<string>();

  constructor(root: string, fileSystem: FileSystem) {
    this.#root = root;
    this.#fs = fileSystem;
  }

  /** Runs `work` once the folder of `target` is there for good; again when someone removed the folder meanwhile. */
  async within(target: string, work: () => Promise<void>): Promise<void> {
    await this.#makeDurable(parentOf(target));
    try {
      await work();
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#known.clear();
      await this.#makeDurable(parentOf(target));
      await work();
    }
  }

  async #makeDurable(folder: string): Promise<void> {
    if (this.#known.has(folder)) return;
    if (folder.length <= this.#root.length) {
      await this.make(folder);
    } else {
      await this.#makeDurable(parentOf(folder));
      await this.make(folder);
      // Also when another process made it: that one may not have come to its sync.
      await this.#fs.syncFolder(parentOf(folder));
    }
    this.#known.add(folder);
  }

  /** Makes a folder and those above it; nothing happens when it is there. Only the root's own name is made durable. */
  async make(folder: string): Promise<void> {
    try {
      await this.#fs.mkdir(folder);
    } catch (error) {
      if (fileErrorCode(error) === 'EEXIST') return;
      if (fileErrorCode(error) !== 'ENOENT') throw error;
      await this.make(parentOf(folder));
      await this.make(folder);
    }
    if (folder.length <= this.#root.length) await this.#fs.syncFolder(parentOf(folder));
  }
}

/** The folder that a path is in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}
