import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { LakesteadError } from '#core';

import { nodeFileSystem } from '../file-system.ts';
import { ownStagingName, stagingName, sweepStaging } from '../staging-area.ts';
import type { ReadableOptions } from '../object-store.ts';
import { RemoteFile, type RemoteObject } from './remote-file.ts';

/** 4 GiB. */
const defaultCacheBytes = 4 * 1024 ** 3;

export type RemoteCacheOptions = {
  /** Where the cache's files are: a folder for this alone. Default: in the machine's folder for temporary files. */
  readonly folder?: string | undefined;
  /** How many bytes of remote files are kept. Default 4 GiB. */
  readonly limitBytes?: number | undefined;
};

/** What is in a cache. */
export type RemoteCacheState = { readonly files: number; readonly bytes: number; readonly limitBytes: number };

/**
 * Local, sparse copies of remote files for the engine, which can only read what is on this machine. Shared by all readers
 * of a process: each piece is fetched once, what was not read for longest goes first, and what somebody reads stays.
 */
export class RemoteCache implements AsyncDisposable {
  readonly #folder: string;
  readonly #limitBytes: number;
  /** Last read, last in the order. */
  readonly #files = new Map<string, RemoteFile>();
  #bytes = 0;

  private constructor(folder: string, limitBytes: number) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Removes what ended processes left behind. */
  static async open({
    folder = join(tmpdir(), 'lakestead-cache'),
    limitBytes = defaultCacheBytes,
  }: RemoteCacheOptions = {}): Promise<RemoteCache> {
    const root = folder.replaceAll('\\', '/');
    await sweepStaging(nodeFileSystem, root, new Date());
    return new RemoteCache(`${root}/${stagingName}/${ownStagingName}/${randomUUID()}`, limitBytes);
  }

  get state(): RemoteCacheState {
    return { files: this.#files.size, bytes: this.#bytes, limitBytes: this.#limitBytes };
  }

  /** A local path at which the columns asked for can be read, until the scope ends. */
  async readable(object: RemoteObject, { columns, scope, signal }: ReadableOptions = {}): Promise<string> {
    const file = this.#file(object);
    file.pins += 1;
    try {
      await file.fetch(object, columns, signal);
    } catch (error) {
      file.pins -= 1;
      throw error;
    }
    scope?.defer(() => {
      file.pins -= 1;
    });
    return file.localPath;
  }

  /** A path for a file that will be written and sent; whoever asks removes it. */
  newStagingPath(): string {
    mkdirSync(this.#folder, { recursive: true });
    return `${this.#folder}/${randomUUID()}`;
  }

  #file(object: RemoteObject): RemoteFile {
    let file = this.#files.get(object.key);
    if (file === undefined) {
      file = new RemoteFile(`${this.newStagingPath()}.parquet`, object.sizeBytes, {
        take: (bytes) => this.#take(bytes),
        giveBack: (bytes) => {
          this.#bytes -= bytes;
        },
      });
    }
    this.#files.delete(object.key);
    this.#files.set(object.key, file);
    return file;
  }

  #take(bytes: number): void {
    for (const [key, file] of this.#files) {
      if (this.#bytes + bytes <= this.#limitBytes) break;
      if (file.pins > 0) continue;
      this.#files.delete(key);
      this.#bytes -= file.bytes;
      rmSync(file.localPath, { force: true });
    }
    if (this.#bytes + bytes > this.#limitBytes) {
      throw new LakesteadError(
        'STORAGE_CACHE_FULL',
        `${bytes} bytes of remote files are needed, and ${this.#bytes} of the cache's ${this.#limitBytes} are being read`,
        { hint: 'raise engine.remoteCacheLimit in lakestead.yaml, or read fewer columns or files at a time', retryable: true },
      );
    }
    this.#bytes += bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files.clear();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
