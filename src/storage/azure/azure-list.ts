import { LakesteadError } from '#core';

import { compareUtf8 } from '../object-path.ts';
import type { FolderEntry, ObjectInfo, StoreCall } from '../object-store.ts';
import type { AzureRequests, BlobPlace } from './azure-requests.ts';

/** One entry of a folder: a blob, or a folder (`name` ends with `/`). */
type Found = { readonly name: string; readonly info?: Omit<ObjectInfo, 'path'> };

/**
 * Every object below a folder in the order of UTF-8 bytes. Folder by folder: a flat listing of an account with a
 * hierarchical namespace has another order, and so has one with names beyond the BMP. Holds one folder at a time.
 */
export async function* listBlobs(
  requests: AzureRequests,
  prefix: string,
  { after, signal }: StoreCall & { readonly after?: string | undefined },
): AsyncGenerator<ObjectInfo> {
  const folder = requests.locateFolder(prefix);
  if (folder !== undefined) {
    yield* walk(requests, folder, after, signal);
    return;
  }
  for (const container of await listContainers(requests, signal)) {
    const key = `${container}/`;
    if (isPast(key, after) && after?.startsWith(key) !== true) continue;
    yield* walk(requests, { container, name: '' }, after, signal);
  }
}

async function* walk(
  requests: AzureRequests,
  folder: BlobPlace,
  after: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  const found = (await readFolder(requests, folder, signal)) ?? [];
  found.sort((a, b) => compareUtf8(a.name, b.name));
  for (const { name, info } of found) {
    const path = requests.pathOf({ container: folder.container, name });
    if (info !== undefined) {
      if (!isPast(path, after)) yield { path, ...info };
    } else if (!isPast(path, after) || after?.startsWith(path) === true) {
      yield* walk(requests, { container: folder.container, name }, after, signal);
    }
  }
}

function isPast(path: string, after: string | undefined): boolean {
  return after !== undefined && compareUtf8(path, after) <= 0;
}

/** The direct content of a folder, sorted; `undefined` when there is none. */
export async function listEntries(
  requests: AzureRequests,
  path: string,
  signal?: AbortSignal,
): Promise<readonly FolderEntry[] | undefined> {
  const folder = requests.locateFolder(path);
  if (folder === undefined) return (await listContainers(requests, signal)).map((name) => ({ name, kind: 'folder' }));
  const found = await readFolder(requests, folder, signal);
  if (found === undefined || (found.length === 0 && folder.name !== '')) return path === '' ? [] : undefined;
  return found
    .map(({ name, info }): FolderEntry => ({
      name: name.slice(folder.name.length).replace(/\/$/, ''),
      kind: info === undefined ? 'folder' : 'file',
    }))
    .toSorted((a, b) => compareUtf8(a.name, b.name));
}

async function listContainers(requests: AzureRequests, signal: AbortSignal | undefined): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await requests.send(
      `listing ${requests.root}`,
      async (abortSignal) => {
        const pages = requests.client.listContainers({ abortSignal }).byPage(requests.page(token));
        return (await pages.next()).value; // one request a page, so that a failed one is asked again
      },
      signal,
    );
    for (const { name } of page?.containerItems ?? []) names.push(name);
    token = page?.continuationToken;
  } while (token !== undefined && token !== '');
  return names.toSorted(compareUtf8);
}

/** `undefined` when the container is not there. */
async function readFolder(requests: AzureRequests, folder: BlobPlace, signal: AbortSignal | undefined): Promise<Found[] | undefined> {
  const found: Found[] = [];
  const folders = new Set<string>();
  let token: string | undefined;
  do {
    const page = await readPage(requests, folder, token, signal);
    if (page === undefined) return undefined;
    for (const { name } of page.segment.blobPrefixes ?? []) folders.add(name);
    for (const { name, properties, metadata } of page.segment.blobItems) {
      // With a hierarchical namespace a folder is a blob too, without content.
      if (metadata?.['hdi_isfolder'] === 'true') folders.add(`${name}/`);
      else found.push({ name, info: { sizeBytes: properties.contentLength ?? 0, modifiedAt: properties.lastModified } });
    }
    token = page.continuationToken;
  } while (token !== undefined && token !== '');
  return [...found, ...[...folders].map((name) => ({ name }))];
}

async function readPage(
  requests: AzureRequests,
  { container, name }: BlobPlace,
  token: string | undefined,
  signal: AbortSignal | undefined,
) {
  try {
    return await requests.send(
      `listing ${requests.root}/${requests.pathOf({ container, name })}`,
      async (abortSignal) => {
        const pages = requests
          .containerClient(container)
          .listBlobsByHierarchy('/', { abortSignal, includeMetadata: true, ...(name === '' ? {} : { prefix: name }) })
          .byPage(requests.page(token));
        return (await pages.next()).value;
      },
      signal,
    );
  } catch (error) {
    if (error instanceof LakesteadError && error.code === 'STORAGE_NOT_FOUND') return undefined;
    throw error;
  }
}
