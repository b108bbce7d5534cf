import type { ByteRange } from '../object-store.ts';
import { CompactReader, compactType } from './thrift-compact.ts';

/** Where the columns of a Parquet file are. */
export type ParquetLayout = {
  /** The footer with its length and magic, up to the file's end. */
  readonly footer: ByteRange;
  /** By top-level column: pages and Bloom filters of all its leaves, of all row groups. */
  readonly columns: ReadonlyMap<string, readonly ByteRange[]>;
  /** Field ids of top-level columns, where the writer gave them. */
  readonly fieldIds: ReadonlyMap<number, string>;
};

/** Old writers leave the header of the dictionary page out of `total_compressed_size` (PARQUET-816). */
const missingHeaderBytes = 100;

/**
 * How many bytes of a file's end hold its footer, read from its last 8 bytes; `undefined` for a file that is no Parquet
 * or has an encrypted footer.
 */
export function footerLength(tail: Uint8Array): number | undefined {
  if (tail.length < 8 || new TextDecoder('latin1').decode(tail.subarray(-4)) !== 'PAR1') return undefined;
  return new DataView(tail.buffer, tail.byteOffset + tail.length - 8, 4).getUint32(0, true) + 8;
}

/**
 * Reads a footer; `undefined` when columns cannot be told apart by it (they are encrypted, or in other files).
 *
 * @param footer the bytes that {@link footerLength} speaks of
 * @throws {LakesteadError} `STORAGE_FAILED` for a damaged one
 * @see Parquet format, parquet.thrift: FileMetaData
 */
export function readLayout(footer: Uint8Array, fileBytes: number): ParquetLayout | undefined {
  const reader = new CompactReader(footer.subarray(0, -8));
  const columns = new Map<string, ByteRange[]>();
  const elements: SchemaElement[] = [];
  let isPlain = true;
  const addChunk = (chunk: Chunk) => {
    const ranges = columns.get(chunk.column) ?? [];
    columns.set(chunk.column, ranges);
    ranges.push(...rangesOf(chunk, fileBytes - footer.length));
    if (!chunk.isPlain) isPlain = false;
  };
  reader.struct((id, type) => {
    if (id === 2 && type === compactType.list) reader.list(() => elements.push(readElement(reader)));
    else if (id === 4 && type === compactType.list) reader.list(() => readRowGroup(reader, addChunk));
    else return false;
    return true;
  });
  if (!isPlain) return undefined;
  return { footer: { start: fileBytes - footer.length, end: fileBytes }, columns, fieldIds: topLevelIds(elements) };
}

type SchemaElement = { name: string; children: number; fieldId: number | undefined };

function readElement(reader: CompactReader): SchemaElement {
  const element: SchemaElement = { name: '', children: 0, fieldId: undefined };
  reader.struct((id) => {
    if (id === 4) element.name = reader.text();
    else if (id === 5) element.children = reader.integer();
    else if (id === 9) element.fieldId = reader.integer();
    else return false;
    return true;
  });
  return element;
}

function topLevelIds(elements: readonly SchemaElement[]): Map<number, string> {
  const ids = new Map<number, string>();
  let index = 1; // the first is the root; the others follow depth first
  while (index < elements.length) {
    const element = elements[index];
    if (element?.fieldId !== undefined) ids.set(element.fieldId, element.name);
    let open = 1;
    for (; open > 0 && index < elements.length; index += 1) open += (elements[index]?.children ?? 0) - 1;
  }
  return ids;
}

type Chunk = {
  column: string;
  dataPage: number;
  dictionaryPage: number;
  bytes: number;
  bloomStart: number;
  bloomBytes: number;
  isPlain: boolean;
};

function readRowGroup(reader: CompactReader, addChunk: (chunk: Chunk) => void): void {
  reader.struct((id, type) => {
    if (id !== 1 || type !== compactType.list) return false;
    reader.list(() => addChunk(readChunk(reader)));
    return true;
  });
}

function readChunk(reader: CompactReader): Chunk {
  const chunk: Chunk = { column: '', dataPage: 0, dictionaryPage: 0, bytes: 0, bloomStart: 0, bloomBytes: 0, isPlain: false };
  let isElsewhere = false;
  reader.struct((id, type) => {
    if (id === 1 || id === 8 || id === 9) isElsewhere = true; // another file, or encryption
    if (id !== 3 || type !== compactType.struct) return false;
    readColumn(reader, chunk);
    return true;
  });
  chunk.isPlain = !isElsewhere && chunk.column !== '';
  return chunk;
}

function readColumn(reader: CompactReader, chunk: Chunk): void {
  reader.struct((id) => {
    switch (id) {
      case 3:
        reader.list((_, index) => {
          const part = reader.text();
          if (index === 0) chunk.column = part;
        });
        return true;
      case 7:
        chunk.bytes = reader.integer();
        return true;
      case 9:
        chunk.dataPage = reader.integer();
        return true;
      case 11:
        chunk.dictionaryPage = reader.integer();
        return true;
      case 14:
        chunk.bloomStart = reader.integer();
        return true;
      case 15:
        chunk.bloomBytes = reader.integer();
        return true;
      default:
        return false;
    }
  });
}

function rangesOf(chunk: Chunk, dataEnd: number): ByteRange[] {
  // Some writers set the offset of a dictionary page that is not there to 0.
  const start = chunk.dictionaryPage > 0 ? Math.min(chunk.dictionaryPage, chunk.dataPage) : chunk.dataPage;
  const ranges = [{ start, end: Math.min(dataEnd, start + chunk.bytes + missingHeaderBytes) }];
  if (chunk.bloomStart > 0) {
    // Some writers leave the length of a Bloom filter out: then all up to the footer may be one. A filter that is cut would
    // say of values that are there that they are not.
    ranges.push({ start: chunk.bloomStart, end: chunk.bloomBytes > 0 ? Math.min(dataEnd, chunk.bloomStart + chunk.bloomBytes) : dataEnd });
  }
  return ranges;
}
