import { createHash, randomUUID } from 'node:crypto';
import { resolve, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Clock, LakesteadError, systemClock } from '#core';

import { checkCancelled } from './cancelled.ts';
import { DurableFolders, parentOf } from './durable-folders.ts';
import { classifyFileError, fileErrorCode, isMissing } from './file-error.ts';
import { type FileSystem, nodeFileSystem } from './file-system.ts';
import { checkFolderPath, checkObjectPath, compareUtf8 } from './object-path.ts';
import type {
  ByteRange,
  FolderEntry,
  ObjectInfo,
  ObjectStore,
  ReadableOptions,
  StagedFile,
  StagedFolder,
  StoreCall,
} from './object-store.ts';
import { ownStagingName, stagingName, sweepStaging } from './staging-area.ts';

export type LocalStoreOptions = {
  /** Default: the machine's own. */
  readonly fileSystem?: FileSystem | undefined;
  readonly clock?: Clock | undefined;
};

/** How long a putIfAbsent waits for another one's lock where the file system knows no links. */
const lockPatienceMs = 30_000;

/**
 * A folder of this machine as an object store. Every write goes to a temporary file in a hidden folder of the same file
 * system, is synced, and then gets its name by rename (replacing) or by link (never replacing); then the folder is
 * synced. So an object is there whole or not at all, and survives a power cut once the call has returned.
 *
 * Where the file system knows no links (FAT, some network mounts), putIfAbsent takes a lock file in the hidden folder,
 * looks whether the name is free, and renames. A process that dies between leaves that lock: the next writer of the same
 * name fails after 30 seconds and names the lock file, because breaking it could let two writers win.
 *
 * The root need not exist: the first write makes it. Opening removes what ended processes left behind.
 */
export async function openLocalStore(root: string, options: LocalStoreOptions = {}): Promise<ObjectStore> {
  const { fileSystem = nodeFileSystem, clock = systemClock } = options;
  const absolute = resolve(root).split(sep).join('/');
  await sweepStaging(fileSystem, absolute, clock.now());
  return new LocalStore(absolute, fileSystem);
}

class LocalStore implements ObjectStore {
  readonly root: string;
  readonly #fs: FileSystem;
  readonly #folders: DurableFolders;

  constructor(root: string, fileSystem: FileSystem) {
    this.root = root;
    this.#fs = fileSystem;
    this.#folders = new DurableFolders(root, fileSystem);
  }

  async get(path: string, range?: ByteRange, { signal }: StoreCall = {}): Promise<Uint8Array> {
    checkCancelled(signal, `reading ${path}`);
    const file = this.#locate(path);
    return await this.#try(`reading ${file}`, async () => await this.#fs.read(file, range));
  }

  async find(path: string, { signal }: StoreCall = {}): Promise<ObjectInfo | undefined> {
    checkCancelled(signal, `looking for ${path}`);
    const file = this.#locate(path);
    try {
      const { kind, sizeBytes, modifiedAt } = await this.#fs.stat(file);
      return kind === 'file' ? { path, sizeBytes, modifiedAt } : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw classifyFileError(error, `looking for ${file}`);
    }
  }

  async put(path: string, bytes: Uint8Array, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `writing ${path}`);
    await this.#write(path, false, async (temporary) => await this.#fs.create(temporary, bytes));
  }

  async putIfAbsent(path: string, bytes: Uint8Array, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `writing ${path}`);
    await this.#write(path, true, async (temporary) => await this.#fs.create(temporary, bytes));
  }

  async copy(from: string, to: string, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `copying ${from}`);
    const source = this.#locate(from);
    await this.#write(to, false, async (temporary) => await this.#fs.copy(source, temporary));
  }

  async *list(prefix: string, { after, signal }: StoreCall & { readonly after?: string | undefined } = {}): AsyncGenerator<ObjectInfo> {
    const folder = checkFolderPath(prefix);
    for await (const info of this.#walk(folder === '' ? '' : `${folder}/`, after)) {
      checkCancelled(signal, `listing ${prefix}`);
      yield info;
    }
  }

  async *#walk(prefix: string, after: string | undefined): AsyncGenerator<ObjectInfo> {
    const found = (await this.#readFolder(prefix)) ?? [];
    // A folder sorts as its name with the slash: "a-b" comes before what is in "a".
    const keys = found.map(({ name, kind }) => ({ key: `${prefix}${name}${kind === 'folder' ? '/' : ''}`, kind }));
    keys.sort((a, b) => compareUtf8(a.key, b.key));
    for (const { key, kind } of keys) {
      const isPast = after !== undefined && compareUtf8(key, after) <= 0;
      if (kind === 'folder') {
        if (!isPast || after.startsWith(key)) yield* this.#walk(key, after);
      } else if (!isPast) {
        const info = await this.find(key);
        if (info !== undefined) yield info;
      }
    }
  }

  async entries(folder: string, { signal }: StoreCall = {}): Promise<readonly FolderEntry[] | undefined> {
    checkCancelled(signal, `listing ${folder}`);
    const path = checkFolderPath(folder);
    const found = await this.#readFolder(path === '' ? '' : `${path}/`);
    return found?.toSorted((a, b) => compareUtf8(a.name, b.name));
  }

  async #readFolder(prefix: string): Promise<FolderEntry[] | undefined> {
    const folder = `${this.root}/${prefix}`;
    try {
      const found = await this.#fs.entries(folder);
      return found.flatMap(({ name, kind }) => (kind === 'other' || (prefix === '' && name === stagingName) ? [] : [{ name, kind }]));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw classifyFileError(error, `listing ${folder}`);
    }
  }

  async delete(path: string, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `deleting ${path}`);
    const file = this.#locate(path);
    try {
      await this.#fs.unlink(file);
      await this.#fs.syncFolder(parentOf(file));
    } catch (error) {
      if (!isMissing(error)) throw classifyFileError(error, `deleting ${file}`);
    }
  }

  async deleteFolder(folder: string, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `deleting ${folder}`);
    const place = this.#locate(folder);
    await this.#try(`deleting ${place}`, async () => {
      await this.#fs.removeTree(place);
      await this.#fs.syncFolder(parentOf(place)).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    });
  }

  async stage(path: string): Promise<StagedFile> {
    this.#locate(path);
    const localPath = await this.#try(`staging ${path}`, async () => await this.#temporary());
    return {
      localPath,
      publish: async ({ ifAbsent = false } = {}) => {
        await this.#publish(localPath, path, ifAbsent);
        const info = await this.find(path);
        return { sizeBytes: info?.sizeBytes ?? 0 };
      },
      discard: async () => await this.#fs.removeTree(localPath),
    };
  }

  async stageFolder(): Promise<StagedFolder> {
    const localPath = await this.#try('staging a folder', async () => {
      const folder = await this.#temporary();
      await this.#fs.mkdir(folder);
      return folder;
    });
    return {
      localPath,
      publish: async (files) => {
        const folders = new Set<string>();
        for (const { from, path } of files) {
          const temporary = `${localPath}/${checkObjectPath(from)}`;
          const target = this.#locate(path);
          await this.#try(`writing ${target}`, async () => {
            await this.#fs.syncFile(temporary);
            await this.#folders.within(target, async () => await this.#fs.rename(temporary, target));
          });
          folders.add(parentOf(target));
        }
        for (const folder of folders) await this.#try(`writing ${folder}`, async () => await this.#fs.syncFolder(folder));
      },
      discard: async () => await this.#fs.removeTree(localPath),
    };
  }

  async readable(path: string, { signal }: ReadableOptions = {}): Promise<string> {
    checkCancelled(signal, `reading ${path}`);
    return await Promise.resolve(this.#locate(path));
  }

  #locate(path: string): string {
    if (path === stagingName || path.startsWith(`${stagingName}/`)) {
      throw new LakesteadError('STORAGE_FAILED', `${path} is inside the folder that Lakestead keeps for itself`);
    }
    return `${this.root}/${checkObjectPath(path)}`;
  }

  async #write(path: string, ifAbsent: boolean, fill: (temporary: string) => Promise<void>): Promise<void> {
    const target = this.#locate(path);
    const temporary = await this.#try(`writing ${target}`, async () => await this.#temporary());
    try {
      await this.#try(`writing ${target}`, async () => await fill(temporary));
    } catch (error) {
      await this.#fs.removeTree(temporary).catch(() => undefined); // the first error says more
      throw error;
    }
    await this.#publish(temporary, path, ifAbsent);
  }

  /** Gives a temporary file its name. The file is gone from the staging folder afterwards, also when this throws. */
  async #publish(temporary: string, path: string, ifAbsent: boolean): Promise<void> {
    const target = this.#locate(path);
    try {
      await this.#fs.syncFile(temporary);
      await this.#folders.within(target, async () => {
        if (ifAbsent) await this.#nameIfFree(temporary, target);
        else await this.#fs.rename(temporary, target);
      });
      await this.#fs.syncFolder(parentOf(target));
    } catch (error) {
      await this.#fs.removeTree(temporary).catch(() => undefined); // the first error says more
      if (fileErrorCode(error) === 'EEXIST') throw new LakesteadError('STORAGE_EXISTS', `${target} is there already`, { cause: error });
      throw classifyFileError(error, `writing ${target}`);
    }
  }

  async #nameIfFree(temporary: string, target: string): Promise<void> {
    try {
      await this.#fs.link(temporary, target);
    } catch (error) {
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(fileErrorCode(error) ?? '')) throw error;
      await this.#renameUnderLock(temporary, target);
      return;
    }
    // A temporary name that cannot be removed is a leftover for the next sweep; the object itself is there.
    await this.#fs.unlink(temporary).catch(() => undefined);
  }

  async #renameUnderLock(temporary: string, target: string): Promise<void> {
    const lock = `${this.root}/${stagingName}/lock-${createHash('sha256').update(target).digest('hex').slice(0, 32)}`;
    const giveUpAt = performance.now() + lockPatienceMs;
    for (;;) {
      try {
        await this.#fs.create(lock, Buffer.from(ownStagingName));
        break;
      } catch (error) {
        if (fileErrorCode(error) !== 'EEXIST') throw error;
        if (performance.now() > giveUpAt) {
          throw new LakesteadError('STORAGE_FAILED', `${target} is locked by another writer; nothing was written`, {
            retryable: true,
            hint: `when no process is writing there, remove ${lock}: its owner ended before it could`,
          });
        }
        await sleep(5);
      }
    }
    try {
      const isTaken = await this.#fs.stat(target).then(
        () => true,
        (error: unknown) => {
          if (isMissing(error)) return false;
          throw error;
        },
      );
      if (isTaken) throw new LakesteadError('STORAGE_EXISTS', `${target} is there already`);
      await this.#fs.rename(temporary, target);
    } finally {
      await this.#fs.unlink(lock);
    }
  }

  async #temporary(): Promise<string> {
    const folder = `${this.root}/${stagingName}/${ownStagingName}`;
    await this.#folders.make(folder); // each time: someone may have removed the lake to start anew
    return `${folder}/${randomUUID()}`;
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw classifyFileError(error, what);
    }
  }
}
