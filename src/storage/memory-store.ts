import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Clock, LakesteadError, systemClock } from '#core';

import { checkCancelled } from './cancelled.ts';
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

/**
 * An object store in memory: for tests, where races can be played step by step. Files for the engine are written to a
 * temporary folder of the machine, which disposing removes.
 */
export function openMemoryStore(options: { readonly clock?: Clock; readonly name?: string } = {}): ObjectStore & AsyncDisposable {
  return new MemoryStore(options.name ?? 'memory', options.clock ?? systemClock);
}

type Stored = { readonly bytes: Uint8Array; readonly modifiedAt: Date; localPath?: Promise<string> };

class MemoryStore implements ObjectStore, AsyncDisposable {
  readonly root: string;
  readonly #clock: Clock;
  readonly #objects = new Map<string, Stored>();
  #folder: Promise<string> | undefined;
  #fileCount = 0;

  constructor(name: string, clock: Clock) {
    this.root = `${name}:`;
    this.#clock = clock;
  }

  async get(path: string, range?: ByteRange, { signal }: StoreCall = {}): Promise<Uint8Array> {
    checkCancelled(signal, `reading ${path}`);
    const { bytes } = this.#stored(path);
    return await Promise.resolve(bytes.slice(range?.start, range?.end));
  }

  async find(path: string, { signal }: StoreCall = {}): Promise<ObjectInfo | undefined> {
    checkCancelled(signal, `looking for ${path}`);
    const stored = this.#objects.get(checkObjectPath(path));
    return await Promise.resolve(stored && { path, sizeBytes: stored.bytes.length, modifiedAt: stored.modifiedAt });
  }

  async put(path: string, bytes: Uint8Array, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `writing ${path}`);
    this.#objects.set(checkObjectPath(path), { bytes: bytes.slice(), modifiedAt: this.#clock.now() });
    await Promise.resolve();
  }

  async putIfAbsent(path: string, bytes: Uint8Array, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `writing ${path}`);
    if (this.#objects.has(checkObjectPath(path))) throw new LakesteadError('STORAGE_EXISTS', `${this.root}${path} is there already`);
    await this.put(path, bytes);
  }

  async *list(prefix: string, { after, signal }: StoreCall & { readonly after?: string | undefined } = {}): AsyncGenerator<ObjectInfo> {
    const folder = checkFolderPath(prefix);
    const start = folder === '' ? '' : `${folder}/`;
    const paths = [...this.#objects.keys()].filter(
      (path) => path.startsWith(start) && (after === undefined || compareUtf8(path, after) > 0),
    );
    for (const path of paths.toSorted(compareUtf8)) {
      const info = await this.find(path, { signal });
      if (info !== undefined) yield info;
    }
  }

  async entries(folder: string, { signal }: StoreCall = {}): Promise<readonly FolderEntry[] | undefined> {
    checkCancelled(signal, `listing ${folder}`);
    const bare = checkFolderPath(folder);
    const start = bare === '' ? '' : `${bare}/`;
    const kinds = new Map<string, FolderEntry['kind']>();
    for (const path of this.#objects.keys()) {
      if (!path.startsWith(start)) continue;
      const [name = '', ...rest] = path.slice(start.length).split('/');
      kinds.set(name, rest.length > 0 ? 'folder' : 'file');
    }
    if (kinds.size === 0 && bare !== '') return await Promise.resolve(undefined);
    return [...kinds].map(([name, kind]) => ({ name, kind })).toSorted((a, b) => compareUtf8(a.name, b.name));
  }

  async delete(path: string, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `deleting ${path}`);
    this.#objects.delete(checkObjectPath(path));
    await Promise.resolve();
  }

  async deleteFolder(folder: string, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `deleting ${folder}`);
    const start = `${checkObjectPath(folder)}/`;
    for (const path of this.#objects.keys()) if (path.startsWith(start)) this.#objects.delete(path);
    await Promise.resolve();
  }

  async copy(from: string, to: string, { signal }: StoreCall = {}): Promise<void> {
    checkCancelled(signal, `copying ${from}`);
    await this.put(to, this.#stored(from).bytes);
  }

  async stage(path: string): Promise<StagedFile> {
    checkObjectPath(path);
    const localPath = await this.#newLocalPath();
    return {
      localPath,
      publish: async ({ ifAbsent = false } = {}) => {
        const bytes = await readFile(localPath);
        await rm(localPath);
        await (ifAbsent ? this.putIfAbsent(path, bytes) : this.put(path, bytes));
        return { sizeBytes: bytes.length };
      },
      discard: async () => await rm(localPath, { force: true }),
    };
  }

  async stageFolder(): Promise<StagedFolder> {
    await this.#newLocalPath();
    const localPath = await mkdtemp(join(await this.#localFolder(), 'staged-'));
    return {
      localPath,
      publish: async (files) => {
        for (const { from, path } of files) await this.put(path, await readFile(join(localPath, checkObjectPath(from))));
      },
      discard: async () => await rm(localPath, { recursive: true, force: true }),
    };
  }

  async readable(path: string, { signal }: ReadableOptions = {}): Promise<string> {
    checkCancelled(signal, `reading ${path}`);
    const stored = this.#stored(path);
    stored.localPath ??= this.#newLocalPath().then(async (localPath) => {
      await writeFile(localPath, stored.bytes);
      return localPath;
    });
    return await stored.localPath;
  }

  #stored(path: string): Stored {
    const stored = this.#objects.get(checkObjectPath(path));
    if (stored === undefined) throw new LakesteadError('STORAGE_NOT_FOUND', `${this.root}${path} is not there`);
    return stored;
  }

  async #newLocalPath(): Promise<string> {
    const name = String((this.#fileCount += 1)); // before the wait: another call may come meanwhile
    return join(await this.#localFolder(), name);
  }

  async #localFolder(): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'lakestead-memory-'));
    return await this.#folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }
}
