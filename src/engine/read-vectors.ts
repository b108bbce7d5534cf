import { DuckDBDataChunk, type DuckDBResult, DuckDBTypeId } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

import type { PlainVector, PlainVectorBatch } from './message.ts';
import { encodeColumn } from './value-codec.ts';

/** Bytes of a value of each type that has a fixed width; decimals and enums have one by their size. */
const widths: Readonly<Partial<Record<DuckDBTypeId, number>>> = {
  [DuckDBTypeId.BOOLEAN]: 1,
  [DuckDBTypeId.TINYINT]: 1,
  [DuckDBTypeId.SMALLINT]: 2,
  [DuckDBTypeId.INTEGER]: 4,
  [DuckDBTypeId.BIGINT]: 8,
  [DuckDBTypeId.UTINYINT]: 1,
  [DuckDBTypeId.USMALLINT]: 2,
  [DuckDBTypeId.UINTEGER]: 4,
  [DuckDBTypeId.UBIGINT]: 8,
  [DuckDBTypeId.HUGEINT]: 16,
  [DuckDBTypeId.UHUGEINT]: 16,
  [DuckDBTypeId.FLOAT]: 4,
  [DuckDBTypeId.DOUBLE]: 8,
  [DuckDBTypeId.DATE]: 4,
  [DuckDBTypeId.TIME]: 8,
  [DuckDBTypeId.TIMESTAMP]: 8,
  [DuckDBTypeId.TIMESTAMP_S]: 8,
  [DuckDBTypeId.TIMESTAMP_MS]: 8,
  [DuckDBTypeId.TIMESTAMP_NS]: 8,
  [DuckDBTypeId.TIMESTAMP_TZ]: 8,
  [DuckDBTypeId.UUID]: 16,
};

/** A string of the engine: its length, then up to 12 bytes, or 4 of them and where all are. */
const stringWidth = 16;
const inlineBytes = 12;
/** Texts with no more than this between them are fetched in one go: a call costs more than the bytes. */
const maxGap = 512;

if (new Uint8Array(new Uint32Array([1]).buffer)[0] !== 1) throw new Error('lakestead needs a little-endian machine');

/** The next rows of a result as vectors; null at its end. */
export async function fetchVectors(result: DuckDBResult): Promise<PlainVectorBatch | null> {
  const chunk = await result.fetchChunk();
  if (chunk === null || chunk.rowCount === 0) return null;
  const { rowCount } = chunk;
  const columns = Array.from({ length: result.columnCount }, (_, index) => readVector(chunk, result, index, rowCount));
  return { rowCount, columns };
}

function readVector(chunk: DuckDBDataChunk, result: DuckDBResult, index: number, rowCount: number): PlainVector {
  const type = result.columnTypeId(index);
  // The class keeps its handle to itself in its types only.
  const vector = duckdb.data_chunk_get_vector((chunk as unknown as { readonly chunk: duckdb.DataChunk }).chunk, index);
  if (type === DuckDBTypeId.VARCHAR || type === DuckDBTypeId.BLOB) return readBytes(vector, rowCount);
  const width = type === DuckDBTypeId.DECIMAL ? decimalWidth(duckdb.decimal_width(duckdb.column_logical_type(handleOf(result), index))) : widths[type];
  if (width === undefined) return { kind: 'values', values: encodeColumn(chunk.getColumnValues(index)) };
  return { kind: 'fixed', width, data: duckdb.vector_get_data(vector, rowCount * width), valid: validityOf(vector, rowCount) };
} // prettier-ignore

function handleOf(result: DuckDBResult): duckdb.Result {
  return (result as unknown as { readonly result: duckdb.Result }).result;
}

function decimalWidth(digits: number): number {
  return digits <= 4 ? 2 : digits <= 9 ? 4 : digits <= 18 ? 8 : 16;
}

function validityOf(vector: duckdb.Vector, rowCount: number): Uint8Array | null {
  const words = duckdb.vector_get_validity(vector, Math.ceil(rowCount / 64) * 8) as Uint8Array | null;
  return words === null || words.length === 0 ? null : words;
}

/** Texts of a vector, packed. The chunk must be held while this runs: it points into the engine's memory. */
function readBytes(vector: duckdb.Vector, rowCount: number): PlainVector {
  const data = duckdb.vector_get_data(vector, rowCount * stringWidth);
  const valid = validityOf(vector, rowCount);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const offsets = new Uint32Array(rowCount + 1);
  let total = 0;
  for (let row = 0; row < rowCount; row += 1) {
    if (isValid(valid, row)) total += view.getUint32(row * stringWidth, true);
    offsets[row + 1] = total;
  }
  const bytes = new Uint8Array(total);
  // Long texts lie one after the other in a few blocks of memory: [first row, start, end] of what is fetched together.
  let from = -1;
  let start = 0;
  let end = 0;
  const fetchTo = (last: number) => {
    if (from < 0) return;
    const segment = duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, data.byteOffset + from * stringWidth + 8, end - start);
    for (let row = from; row < last; row += 1) {
      const length = (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
      if (length <= inlineBytes) continue;
      const at = pointerAt(view, row) - start;
      bytes.set(segment.subarray(at, at + length), offsets[row]);
    }
  };
  for (let row = 0; row < rowCount; row += 1) {
    const length = (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
    if (length === 0) continue;
    if (length <= inlineBytes) {
      const at = row * stringWidth + 4;
      bytes.set(data.subarray(at, at + length), offsets[row]);
      continue;
    }
    const pointer = pointerAt(view, row);
    if (from >= 0 && pointer >= end && pointer - end <= maxGap) {
      end = pointer + length;
      continue;
    }
    fetchTo(row);
    from = row;
    start = pointer;
    end = pointer + length;
  }
  fetchTo(rowCount);
  return { kind: 'bytes', offsets, bytes, valid };
}

/** Addresses have 48 bits: a number holds them exactly. */
function pointerAt(view: DataView, row: number): number {
  const at = row * stringWidth + 8;
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

function isValid(valid: Uint8Array | null, row: number): boolean {
  return valid === null || (((valid[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}
