import type { BlobServiceClient, BlockBlobClient, ContainerClient } from '@azure/storage-blob';

import { LakesteadError, Limiter } from '#core';

import { cancelled } from '../cancelled.ts';
import { checkFolderPath, checkObjectPath } from '../object-path.ts';
import type { StoreTraffic } from '../object-store.ts';
import type { AzureSettings } from './azure-settings.ts';
import { azureCode, classifyAzureError } from './azure-error.ts';
import { defaultRetryLimits, type RetryLimits, withRetries } from './retry.ts';

/** A place in an account: `name` is the blob's name, or a folder's with its `/`; '' for the container. */
export type BlobPlace = { readonly container: string; readonly name: string };

/** The requests of one store: places of its paths, each request bounded, tried again, counted, and its errors ours. */
export class AzureRequests {
  /** For messages: the address that the store's paths are under. */
  readonly root: string;
  readonly #client: BlobServiceClient;
  readonly #settings: AzureSettings;
  readonly #limits: RetryLimits;
  readonly #limiter: Limiter;
  readonly #traffic = { requests: 0, bytesRead: 0, bytesWritten: 0 };

  constructor(client: BlobServiceClient, settings: AzureSettings) {
    const { container, folder, retry } = settings;
    if (folder !== undefined && container === undefined) {
      throw new LakesteadError('CONFIG_INVALID', `a folder of the storage account ${settings.account} needs its container`);
    }
    this.#client = client;
    this.#settings = settings;
    this.#limits = { ...defaultRetryLimits, ...withoutUndefined(retry ?? {}) };
    this.#limiter = new Limiter(settings.maxParallel ?? 16);
    const bare = client.url.replace(/\?.*$/s, '').replace(/\/+$/, ''); // a SAS stands in the query
    this.root = [bare, container, folder].filter((part) => part !== undefined).join('/');
  }

  get traffic(): StoreTraffic {
    return { ...this.#traffic };
  }

  read(bytes: number): void {
    this.#traffic.bytesRead += bytes;
  }

  wrote(bytes: number): void {
    this.#traffic.bytesWritten += bytes;
  }

  /** Where a listing goes on. */
  page(token: string | undefined): { readonly continuationToken?: string; readonly maxPageSize?: number } {
    const { pageSize } = this.#settings;
    return { ...(token === undefined ? {} : { continuationToken: token }), ...(pageSize === undefined ? {} : { maxPageSize: pageSize }) };
  }

  get client(): BlobServiceClient {
    return this.#client;
  }

  containerClient(name: string): ContainerClient {
    return this.#client.getContainerClient(name);
  }

  blob({ container, name }: BlobPlace): BlockBlobClient {
    return this.containerClient(container).getBlockBlobClient(name);
  }

  /** Where an object is. A path that is a container alone has no object. */
  locate(path: string): BlobPlace {
    return this.#place(checkObjectPath(path));
  }

  /** Where a folder is; `undefined` for the account itself, whose folders are its containers. */
  locateFolder(folder: string): BlobPlace | undefined {
    const path = checkFolderPath(folder);
    if (path === '' && this.#settings.container === undefined) return undefined;
    const { container, name } = this.#place(path);
    return { container, name: name === '' ? '' : `${name}/` };
  }

  #place(path: string): BlobPlace {
    const { container, folder } = this.#settings;
    if (container !== undefined) return { container, name: [folder, path].filter((part) => part !== undefined && part !== '').join('/') };
    const [first = '', ...rest] = path.split('/');
    return { container: first, name: rest.join('/') };
  }

  /** The store's path of a blob's name: the inverse of {@link AzureRequests.locate}. */
  pathOf({ container, name }: BlobPlace): string {
    if (this.#settings.container === undefined) return `${container}/${name}`;
    const { folder } = this.#settings;
    return folder === undefined ? name : name.slice(folder.length + 1);
  }

  /** One request with its attempts. */
  async send<T>(what: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const attempt = async (trySignal: AbortSignal) => {
      this.#traffic.requests += 1;
      return await work(trySignal);
    };
    await this.#limiter.acquire(signal, () => cancelled(signal, 'waiting for the storage'));
    try {
      return await withRetries(attempt, { limits: this.#limits, classify: (error) => classifyAzureError(error, what), signal, what });
    } finally {
      this.#limiter.release();
    }
  }

  /** A request that writes into a container: makes the container when it is not there, as a folder is made. */
  async sendWrite<T>(what: string, container: string, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let isMissing = false;
    const noticing = async (trySignal: AbortSignal) => {
      try {
        return await work(trySignal);
      } catch (error) {
        isMissing = azureCode(error) === 'ContainerNotFound';
        throw error;
      }
    };
    try {
      return await this.send(what, noticing, signal);
    } catch (error) {
      if (!isMissing) throw error;
      const make = async (abortSignal: AbortSignal) => await this.containerClient(container).createIfNotExists({ abortSignal });
      await this.send(`making the container ${container}`, make, signal);
      return await this.send(what, work, signal);
    }
  }
}

function withoutUndefined(limits: NonNullable<AzureSettings['retry']>): Partial<RetryLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
