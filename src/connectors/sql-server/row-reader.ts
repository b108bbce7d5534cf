import type { ColumnMetadata } from 'tedious/lib/token/colmetadata-token-parser.js';

import type { Batch } from '#engine';
import type { SqlValue } from '#sql';

import type { SourceColumn } from '../connector.ts';
import { type ColumnDecoder, columnDecoder } from './column-decoder.ts';
import { PartsReader } from './parts-reader.ts';
import { WireCursor } from './wire-cursor.ts';

/** Bytes that have arrived, and how far they are read: the part of the driver's token parser that is used here. */
type Arrived = { readonly buffer: Buffer; position: number };

/**
 * The rows of one result, read from the wire straight into columns. A row may arrive in any number of pieces: `read`
 * throws when the data ends, and goes on where it was when it is called again.
 */
export class RowReader {
  readonly columns: readonly SourceColumn[];
  readonly #decoders: readonly ColumnDecoder[];
  readonly #cursor = new WireCursor();
  #values: SqlValue[][];
  #rowCount = 0;
  #column = 0;
  #parts: PartsReader | undefined;
  #nulls: Buffer | undefined;

  /** @throws SQL_TYPE for a column whose type the lake does not have */
  constructor(metadata: readonly ColumnMetadata[]) {
    this.#decoders = metadata.map(columnDecoder);
    this.columns = this.#decoders.map(({ column }) => column);
    this.#values = this.#decoders.map(() => []);
  }

  /** Rows that wait to be taken. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** Reads the rest of one row. With a bitmap of nulls (NBCROW) the columns marked there are not on the wire. */
  read(from: Arrived, hasNullBitmap: boolean): void {
    const cursor = this.#cursor;
    cursor.buffer = from.buffer;
    cursor.position = from.position;
    if (hasNullBitmap && this.#nulls === undefined) {
      // A copy: the driver puts the next data where this was.
      this.#nulls = Buffer.from(cursor.bytes(Math.ceil(this.#decoders.length / 8)));
      from.position = cursor.position;
    }
    for (; this.#column < this.#decoders.length; this.#column += 1) {
      const value = this.#readColumn(this.#column, from);
      from.position = cursor.position;
      this.#values[this.#column]?.push(value);
    }
    this.#column = 0;
    this.#nulls = undefined;
    this.#rowCount += 1;
  }

  #readColumn(index: number, from: Arrived): SqlValue {
    const decoder = this.#decoders[index];
    const isNull = this.#nulls !== undefined && ((this.#nulls[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
    if (isNull || decoder === undefined) return null;
    if (!decoder.inParts) return decoder.read(this.#cursor);
    this.#parts ??= new PartsReader(decoder.column.name);
    try {
      const bytes = this.#parts.read(this.#cursor);
      this.#parts = undefined;
      return bytes === null ? null : decoder.decode(bytes);
    } finally {
      // Parts that have arrived are kept: they are not read again.
      from.position = this.#cursor.position;
    }
  }

  /** The rows read since the last time. */
  take(): Batch {
    const batch = { rowCount: this.#rowCount, columns: this.#values };
    this.#values = this.#decoders.map(() => []);
    this.#rowCount = 0;
    return batch;
  }
}
