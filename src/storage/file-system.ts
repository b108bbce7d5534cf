import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';

/** What the local store needs of a file system. Errors carry Node's `code`. Handed in, so that a test can lose what was not synced. */
export type FileSystem = {
  /** Creates one folder. `EEXIST` when it is there. */
  mkdir(path: string): Promise<void>;
  /** Creates a file with these bytes. `EEXIST` when it is there. */
  create(path: string, bytes: Uint8Array): Promise<void>;
  /** Makes a file's bytes durable. */
  syncFile(path: string): Promise<void>;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file. `EEXIST` when the name is taken: never replaces. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes a folder with all in it; nothing happens when it is not there. */
  removeTree(path: string): Promise<void>;
  copy(from: string, to: string): Promise<void>;
  read(path: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
  /** Follows symbolic links. */
  stat(path: string): Promise<{ readonly kind: 'file' | 'folder' | 'other'; readonly sizeBytes: number; readonly modifiedAt: Date }>;
  entries(path: string): Promise<readonly { readonly name: string; readonly kind: 'file' | 'folder' | 'other' }[]>;
};

/** The machine's own file system. */
export const nodeFileSystem: FileSystem = {
  mkdir: async (path) => {
    await mkdir(path);
  },
  create: async (path, bytes) => await writeFile(path, bytes, { flag: 'wx' }),
  syncFile: async (path) => {
    await using file = await open(path, 'r+');
    await file.sync();
  },
  syncFolder: async (path) => {
    // Windows opens no folders; NTFS journals names by itself.
    if (process.platform === 'win32') return;
    await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.sync();
  },
  rename: async (from, to) => await rename(from, to),
  link: async (from, to) => await link(from, to),
  unlink: async (path) => await unlink(path),
  removeTree: async (path) => await rm(path, { recursive: true, force: true }),
  copy: async (from, to) => await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE),
  read: async (path, range) => {
    if (range === undefined) return await readFile(path);
    await using file = await open(path, 'r');
    const bytes = new Uint8Array(Math.max(0, range.end - range.start));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, range.start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  },
  stat: async (path) => {
    const found = await stat(path);
    return { kind: kindOf(found), sizeBytes: found.size, modifiedAt: found.mtime };
  },
  entries: async (path) => {
    const found = await readdir(path, { withFileTypes: true });
    return await Promise.all(
      found.map(async (entry) => ({
        name: entry.name,
        // A link that leads nowhere is neither: it must not end the listing.
        kind: entry.isSymbolicLink() ? await stat(`${path}/${entry.name}`).then(kindOf, () => 'other' as const) : kindOf(entry),
      })),
    );
  },
};

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): 'file' | 'folder' | 'other' {
  if (entry.isFile()) return 'file';
  return entry.isDirectory() ? 'folder' : 'other';
}
