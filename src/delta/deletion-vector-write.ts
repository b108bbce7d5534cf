import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';

import type { ObjectStore } from '#storage';

import type { DeletionVectorDescriptor } from './actions.ts';
import { formatRoaringArray } from './roaring.ts';
import { encodeZ85 } from './z85.ts';

/** Vectors that are in the store and in no version yet. */
export type StagedVectors = {
  readonly descriptors: readonly DeletionVectorDescriptor[];
  /** The file's path in the store, for whoever has to remove it again; `undefined` without vectors. */
  readonly objectPath: string | undefined;
  readonly bytes: number;
};

/**
 * Writes the deleted rows of several files as one file of deletion vectors: its format's version, then for each vector its
 * size, its bytes and their CRC-32, numbers big-endian.
 *
 * @param rows for each file its deleted rows, ascending
 */
export async function writeDeletionVectors(
  store: ObjectStore,
  tablePath: string,
  rows: readonly (readonly number[])[],
): Promise<StagedVectors> {
  if (rows.length === 0) return { descriptors: [], objectPath: undefined, bytes: 0 };
  const uuid = randomUUID();
  const name = `deletion_vector_${uuid}.bin`;
  const pathOrInlineDv = encodeZ85(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
  const parts: Uint8Array[] = [Buffer.from([1])];
  let offset = 1;
  const descriptors = rows.map((deleted): DeletionVectorDescriptor => {
    const bytes = formatRoaringArray(deleted);
    const [size, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeInt32BE(bytes.length);
    checksum.writeUInt32BE(crc32(bytes));
    parts.push(size, bytes, checksum);
    const descriptor = { storageType: 'u', pathOrInlineDv, offset, sizeInBytes: bytes.length, cardinality: deleted.length };
    offset += 8 + bytes.length;
    return descriptor;
  });
  const objectPath = tablePath === '' ? name : `${tablePath}/${name}`;
  await store.put(objectPath, Buffer.concat(parts));
  return { descriptors, objectPath, bytes: offset };
}
