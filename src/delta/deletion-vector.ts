import { crc32 } from 'node:zlib';

import { LakesteadError } from '#core';
import type { ObjectStore } from '#storage';

import type { DeletionVectorDescriptor } from './actions.ts';
import { decodeFilePath, isAbsolutePath } from './file-path.ts';
import { parseRoaringArray } from './roaring.ts';
import { decodeZ85 } from './z85.ts';

/**
 * The deleted row numbers of a file, ascending, from its deletion vector: inline, in a file of the table, or at an
 * absolute path. The checksum and the number of rows are verified.
 *
 * @param tablePath the table's folder in the store
 * @throws {LakesteadError} `DELTA_CORRUPT` when the vector is not what the log says of it
 */
export async function loadDeletionVector(
  store: ObjectStore,
  tablePath: string,
  vector: DeletionVectorDescriptor,
): Promise<readonly number[]> {
  const bytes = await loadBytes(store, tablePath, vector);
  const rows = parseRoaringArray(bytes, describe(vector));
  if (rows.length !== vector.cardinality) {
    throw new LakesteadError(
      'DELTA_CORRUPT',
      `the deletion vector ${describe(vector)} has ${rows.length} rows where the log says ${vector.cardinality}`,
    );
  }
  return rows;
}

async function loadBytes(store: ObjectStore, tablePath: string, vector: DeletionVectorDescriptor): Promise<Uint8Array> {
  switch (vector.storageType) {
    case 'i':
      return decodeZ85(vector.pathOrInlineDv, describe(vector)).subarray(0, vector.sizeInBytes);
    case 'u':
      return await loadRelative(store, tablePath, vector);
    case 'p':
      return await loadFromFile(store, absolutePath(store, vector), vector);
    default:
      throw new LakesteadError('DELTA_UNSUPPORTED', `deletion vectors of storage type ${vector.storageType} are not read`, {
        data: { features: ['deletionVectors'] },
      });
  }
}

/** Where a vector's file is below the table's folder: `<random prefix><20 characters of Z85>`, a folder and a UUID. None where it has no file there. */
export function vectorPath(vector: DeletionVectorDescriptor): string | undefined {
  if (vector.storageType !== 'u') return undefined;
  const encoded = vector.pathOrInlineDv;
  const prefix = encoded.slice(0, -20);
  const hex = Buffer.from(decodeZ85(encoded.slice(-20), describe(vector))).toString('hex');
  const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
  return inFolder(prefix, `deletion_vector_${uuid}.bin`);
}

async function loadRelative(store: ObjectStore, tablePath: string, vector: DeletionVectorDescriptor): Promise<Uint8Array> {
  const path = inFolder(tablePath, vectorPath(vector) ?? '');
  const [folder, name] = [path.slice(0, Math.max(0, path.lastIndexOf('/'))), path.slice(path.lastIndexOf('/') + 1)];
  try {
    return await loadFromFile(store, inFolder(folder, name), vector);
  } catch (error) {
    if (!(error instanceof LakesteadError) || error.code !== 'STORAGE_NOT_FOUND') throw error;
    // Some builds of Spark put a prefix before the name; the UUID is what tells the file, and the checksum is verified.
    const found = (await store.entries(folder))?.find((entry) => entry.kind === 'file' && entry.name.endsWith(name));
    if (found === undefined) throw error;
    return await loadFromFile(store, inFolder(folder, found.name), vector);
  }
}

function inFolder(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}

function absolutePath(store: ObjectStore, vector: DeletionVectorDescriptor): string {
  const path = decodeFilePath(vector.pathOrInlineDv, 'a deletion vector');
  if (isAbsolutePath(path) && path.startsWith(`${store.root}/`)) return path.slice(store.root.length + 1);
  throw new LakesteadError('STORAGE_NOT_FOUND', `the deletion vector ${path} is outside ${store.root}, and cannot be read from there`, {
    hint: 'the table was copied or is a shallow clone: copy it with its source, or write it anew with the engine that it came from',
  });
}

async function loadFromFile(store: ObjectStore, path: string, vector: DeletionVectorDescriptor): Promise<Uint8Array> {
  // The vector's size, big-endian, then its bytes, then their CRC-32.
  const start = vector.offset ?? 1;
  const bytes = Buffer.from(await store.get(path, { start, end: start + 4 + vector.sizeInBytes + 4 }));
  const size = bytes.length < 4 ? -1 : bytes.readInt32BE(0);
  const isWhole = size === vector.sizeInBytes && bytes.length === 8 + size;
  if (!isWhole || bytes.readUInt32BE(4 + size) !== crc32(bytes.subarray(4, 4 + size))) {
    throw new LakesteadError(
      'DELTA_CORRUPT',
      `the deletion vector at ${start} of ${path} is damaged: its size or checksum is not what it must be`,
    );
  }
  return bytes.subarray(4, 4 + size);
}

function describe(vector: DeletionVectorDescriptor): string {
  return `${vector.storageType}:${vector.pathOrInlineDv.slice(0, 60)}${vector.offset === undefined ? '' : `@${vector.offset}`}`;
}
