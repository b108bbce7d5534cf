import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { LakesteadError } from '#core';

import { RemoteCache } from '../cache/remote-cache.ts';
import type { RemoteObject } from '../cache/remote-file.ts';
import { checkObjectPath } from '../object-path.ts';
import type {
  ByteRange,
  FolderEntry,
  ObjectInfo,
  ObjectStore,
  ReadableOptions,
  StagedFile,
  StagedFolder,
  StoreCall,
  StoreTraffic,
} from '../object-store.ts';
import { isBehindEnd } from './azure-error.ts';
import { listBlobs, listEntries } from './azure-list.ts';
import { AzureRequests } from './azure-requests.ts';
import type { AzureSettings } from './azure-settings.ts';
import { openClient } from './open-client.ts';
import { uploadBytes, uploadFile } from './upload.ts';

/**
 * An account of Azure Blob Storage or ADLS Gen2 as an object store. A container that is not there is made by the first
 * write. An object becomes visible by one request, only-if-absent by `If-None-Match: *`; requests that fail or get no
 * answer are tried again within the limits of the settings.
 *
 * @param cache where copies for the engine are; several stores share one
 */
export async function openAzureStore(settings: AzureSettings, cache?: RemoteCache): Promise<ObjectStore> {
  const requests = new AzureRequests(await openClient(settings), settings);
  return new AzureStore(requests, cache ?? (await RemoteCache.open()), settings.blockBytes ?? 8 * 1024 * 1024);
}

/** How often a read starts anew when the object was replaced under it. */
const maxReadsAnew = 5;

class AzureStore implements ObjectStore {
  readonly root: string;
  readonly #requests: AzureRequests;
  readonly #cache: RemoteCache;
  readonly #blockBytes: number;

  constructor(requests: AzureRequests, cache: RemoteCache, blockBytes: number) {
    this.root = requests.root;
    this.#requests = requests;
    this.#cache = cache;
    this.#blockBytes = blockBytes;
  }

  get traffic(): StoreTraffic {
    return this.#requests.traffic;
  }

  async get(path: string, range?: ByteRange, { signal }: StoreCall = {}): Promise<Uint8Array> {
    const { start, end } = range ?? { start: 0, end: undefined };
    if (end !== undefined && end <= start) {
      if ((await this.find(path, { signal })) === undefined) throw this.#missing(path);
      return new Uint8Array();
    }
    return await this.#read(path, { start, end }, undefined, signal);
  }

  async #read(
    path: string,
    { start, end }: { readonly start: number; readonly end: number | undefined },
    etag: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    const place = this.#requests.locate(path);
    if (place.name === '') throw this.#missing(path);
    return await this.#requests.send(
      `reading ${this.root}/${path}`,
      async (abortSignal) => {
        try {
          const answer = await this.#requests.blob(place).download(start, end === undefined ? undefined : end - start, {
            abortSignal,
            maxRetryRequests: 0,
            ...(etag === undefined ? {} : { conditions: { ifMatch: etag } }),
          });
          const bytes = await collect(answer.readableStreamBody);
          this.#requests.read(bytes.length);
          return bytes;
        } catch (error) {
          if (isBehindEnd(error)) return new Uint8Array();
          throw error;
        }
      },
      signal,
    );
  }

  async find(path: string, { signal }: StoreCall = {}): Promise<ObjectInfo | undefined> {
    const found = await this.#findState(path, signal);
    return found && { path, sizeBytes: found.sizeBytes, modifiedAt: found.modifiedAt };
  }

  async #findState(path: string, signal: AbortSignal | undefined) {
    const place = this.#requests.locate(path);
    if (place.name === '') return undefined;
    try {
      const found = await this.#requests.send(
        `looking for ${this.root}/${path}`,
        async (abortSignal) => await this.#requests.blob(place).getProperties({ abortSignal }),
        signal,
      );
      // With a hierarchical namespace a folder is a blob too.
      if (found.metadata?.['hdi_isfolder'] === 'true') return undefined;
      return { sizeBytes: found.contentLength ?? 0, modifiedAt: found.lastModified ?? new Date(0), etag: found.etag ?? '' };
    } catch (error) {
      if (error instanceof LakesteadError && error.code === 'STORAGE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async put(path: string, bytes: Uint8Array, { signal }: StoreCall = {}): Promise<void> {
    await uploadBytes(this.#requests, this.#target(path), bytes, { ifAbsent: false, signal });
  }

  async putIfAbsent(path: string, bytes: Uint8Array, { signal }: StoreCall = {}): Promise<void> {
    await uploadBytes(this.#requests, this.#target(path), bytes, { ifAbsent: true, signal });
  }

  async *list(prefix: string, options: StoreCall & { readonly after?: string | undefined } = {}): AsyncGenerator<ObjectInfo> {
    yield* listBlobs(this.#requests, prefix, options);
  }

  async entries(folder: string, { signal }: StoreCall = {}): Promise<readonly FolderEntry[] | undefined> {
    return await listEntries(this.#requests, folder, signal);
  }

  async delete(path: string, { signal }: StoreCall = {}): Promise<void> {
    const place = this.#requests.locate(path);
    if (place.name === '') return;
    try {
      await this.#requests.send(
        `deleting ${this.root}/${path}`,
        async (abortSignal) => await this.#requests.blob(place).deleteIfExists({ abortSignal, deleteSnapshots: 'include' }),
        signal,
      );
    } catch (error) {
      // The container is not there either.
      if (!(error instanceof LakesteadError) || error.code !== 'STORAGE_NOT_FOUND') throw error;
    }
  }

  async deleteFolder(folder: string, { signal }: StoreCall = {}): Promise<void> {
    checkObjectPath(folder);
    for await (const { path } of this.list(folder, { signal })) await this.delete(path, { signal });
  }

  async copy(from: string, to: string, { signal }: StoreCall = {}): Promise<void> {
    const source = this.#requests.locate(from);
    if (source.name === '') throw this.#missing(from);
    const target = this.#target(to);
    await this.#requests.sendWrite(
      `copying ${this.root}/${from} to ${to}`,
      target.container,
      async (abortSignal) => {
        const copying = await this.#requests
          .blob(target)
          .beginCopyFromURL(this.#requests.blob(source).url, { abortSignal, intervalInMs: 200 });
        const { copyStatus } = await copying.pollUntilDone();
        if (copyStatus !== 'success')
          throw new LakesteadError('STORAGE_FAILED', `copying ${from} to ${to} ended with ${String(copyStatus)}`);
      },
      signal,
    );
  }

  async stage(path: string): Promise<StagedFile> {
    this.#target(path);
    const localPath = await Promise.resolve(this.#cache.newStagingPath());
    return {
      localPath,
      publish: async ({ ifAbsent = false, signal } = {}) => {
        const sent = await this.#send(localPath, path, ifAbsent, signal);
        await rm(localPath, { force: true });
        return sent;
      },
      discard: async () => await rm(localPath, { force: true, recursive: true }),
    };
  }

  async stageFolder(): Promise<StagedFolder> {
    const localPath = await Promise.resolve(this.#cache.newStagingPath());
    mkdirSync(localPath);
    return {
      localPath,
      publish: async (files, { signal } = {}) => {
        const remaining = files.values(); // shared: each worker takes the next file
        const send = async () => {
          for (const { from, path } of remaining) await this.#send(join(localPath, checkObjectPath(from)), path, false, signal);
        };
        const settled = await Promise.allSettled(Array.from({ length: 4 }, send));
        const failed = settled.find((result) => result.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      },
      discard: async () => await rm(localPath, { force: true, recursive: true }),
    };
  }

  async #send(
    localPath: string,
    path: string,
    ifAbsent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly sizeBytes: number }> {
    return await uploadFile(this.#requests, this.#target(path), localPath, this.#blockBytes, { ifAbsent, signal });
  }

  async readable(path: string, options: ReadableOptions = {}): Promise<string> {
    for (let reads = 1; ; reads += 1) {
      const state = await this.#findState(path, options.signal);
      if (state === undefined) throw this.#missing(path);
      const object: RemoteObject = {
        key: `${this.root}/${path} ${state.etag}`,
        sizeBytes: state.sizeBytes,
        read: async (range, signal) => await this.#read(path, range, state.etag, signal),
      };
      try {
        return await this.#cache.readable(object, options);
      } catch (error) {
        // The condition on its ETag failed: it was replaced. What was fetched belongs to the old one.
        if (!(error instanceof LakesteadError) || error.code !== 'STORAGE_EXISTS') throw error;
        if (reads >= maxReadsAnew) {
          throw new LakesteadError('STORAGE_FAILED', `${this.root}/${path} is replaced again and again while it is read`, { cause: error, retryable: true }); // prettier-ignore
        }
      }
    }
  }

  #target(path: string) {
    const place = this.#requests.locate(path);
    if (place.name === '') throw new LakesteadError('STORAGE_FAILED', `${this.root}/${path} is a container: an object needs a name in one`);
    return place;
  }

  #missing(path: string): LakesteadError {
    return new LakesteadError('STORAGE_NOT_FOUND', `${this.root}/${path} is not there`);
  }
}

async function collect(body: NodeJS.ReadableStream | undefined): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  // A response's body gives Buffers.
  for await (const piece of body ?? []) pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  const [first] = pieces;
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
}
