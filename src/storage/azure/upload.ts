import { type FileHandle, open } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';

import type { BlobRequestConditions } from '@azure/storage-blob';

import { LakesteadError } from '#core';

import type { AzureRequests, BlobPlace } from './azure-requests.ts';

/** How an object is written: replacing, or only where none is. */
export type WriteMode = { readonly ifAbsent: boolean; readonly signal?: AbortSignal | undefined };

/** Metadata of a blob that says which call wrote it, so that a write whose answer was lost knows its own. */
const writerKey = 'lakestead_write';

/** Writes bytes as a blob in one request. */
export async function uploadBytes(requests: AzureRequests, place: BlobPlace, bytes: Uint8Array, mode: WriteMode): Promise<void> {
  await write(requests, place, mode, async ({ conditions, metadata, abortSignal }) => {
    await requests.blob(place).upload(bytes, bytes.length, { conditions, metadata, abortSignal });
    requests.wrote(bytes.length);
  });
}

/** Writes a local file as a blob: a small one in one request, else by blocks, a few at a time; nothing is visible until the last request. */
export async function uploadFile(
  requests: AzureRequests,
  place: BlobPlace,
  localPath: string,
  blockBytes: number,
  mode: WriteMode,
): Promise<{ readonly sizeBytes: number }> {
  await using file = await open(localPath);
  const { size } = await file.stat();
  if (size <= blockBytes) {
    await uploadBytes(requests, place, await readBlock(file, 0, size), mode);
    return { sizeBytes: size };
  }
  // A blob has 50,000 blocks at most.
  const blockSize = Math.max(blockBytes, Math.ceil(size / 50_000));
  const unique = randomUUID();
  const ids = Array.from({ length: Math.ceil(size / blockSize) }, (_, index) =>
    Buffer.from(`${unique}-${String(index).padStart(6, '0')}`).toString('base64'),
  );
  const remaining = ids.entries(); // shared: each worker takes the next block
  const sendBlocks = async () => {
    for (const [index, id] of remaining) await sendBlock(requests, place, { file, id, start: index * blockSize, end: Math.min(size, (index + 1) * blockSize) }, mode); // prettier-ignore
  };
  const settled = await Promise.allSettled(Array.from({ length: parallelBlocks }, sendBlocks));
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await write(requests, place, mode, async (options) => {
    await requests.blob(place).commitBlockList(ids, options);
  });
  return { sizeBytes: size };
}

const parallelBlocks = 4;

async function sendBlock(
  requests: AzureRequests,
  place: BlobPlace,
  { file, id, start, end }: { readonly file: FileHandle; readonly id: string; readonly start: number; readonly end: number },
  { signal }: WriteMode,
): Promise<void> {
  const bytes = await readBlock(file, start, end);
  await requests.sendWrite(
    `writing ${requests.root}/${requests.pathOf(place)}`,
    place.container,
    async (abortSignal) => {
      await requests.blob(place).stageBlock(id, bytes, bytes.length, { abortSignal });
      requests.wrote(bytes.length);
    },
    signal,
  );
}

async function readBlock(file: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) throw new LakesteadError('STORAGE_FAILED', 'a staged file was cut while it was sent');
    filled += bytesRead;
  }
  return bytes;
}

type WriteOptions = {
  readonly conditions: BlobRequestConditions;
  readonly metadata: Record<string, string>;
  readonly abortSignal: AbortSignal;
};

/**
 * The request that makes an object visible. An attempt whose answer was lost may have worked: the next one, or a proxy
 * that sent it twice, then finds the name taken, by us. The blob's own note says so.
 */
async function write(
  requests: AzureRequests,
  place: BlobPlace,
  { ifAbsent, signal }: WriteMode,
  send: (options: WriteOptions) => Promise<void>,
): Promise<void> {
  const token = randomUUID();
  const what = `writing ${requests.root}/${requests.pathOf(place)}`;
  const conditions: BlobRequestConditions = ifAbsent ? { ifNoneMatch: '*' } : {};
  try {
    await requests.sendWrite(
      what,
      place.container,
      async (abortSignal) => await send({ conditions, metadata: { [writerKey]: token }, abortSignal }),
      signal,
    );
  } catch (error) {
    if (!ifAbsent || !(error instanceof LakesteadError)) throw error;
    const isUncertain = error.code === 'STORAGE_UNREACHABLE' || (error.code === 'STORAGE_FAILED' && error.retryable);
    if (error.code !== 'STORAGE_EXISTS' && !isUncertain) throw error;
    const writer = await findWriter(requests, place, signal).catch((cause: unknown) => {
      if (isUncertain) throw error; // the storage is out of reach: the first error says so
      throw cause;
    });
    if (writer === token) return;
    if (error.code === 'STORAGE_EXISTS') throw error;
    if (writer === undefined) throw uncertain(error);
    throw new LakesteadError('STORAGE_EXISTS', `${what}: another writer has it`, { cause: error });
  }
}

function uncertain(error: LakesteadError): LakesteadError {
  return new LakesteadError(error.code, `${error.message}; the object is not there, but a request may still be on its way`, {
    cause: error,
    retryable: true,
    data: error.data,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** Who wrote a blob: a token of ours, '' for somebody who leaves none, `undefined` when it is not there. */
async function findWriter(requests: AzureRequests, place: BlobPlace, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const found = await requests.send(
      `looking for ${requests.root}/${requests.pathOf(place)}`,
      async (abortSignal) => await requests.blob(place).getProperties({ abortSignal }),
      signal,
    );
    return found.metadata?.[writerKey] ?? '';
  } catch (error) {
    if (error instanceof LakesteadError && error.code === 'STORAGE_NOT_FOUND') return undefined;
    throw error;
  }
}
