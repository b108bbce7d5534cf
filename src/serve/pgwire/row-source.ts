import type { Column, VectorBatch, VectorStream } from '#engine';

import type { ByteWriter } from './byte-writer.ts';
import { type Format, isNull, type ValueStyle, valueWriter } from './encode-column.ts';

/** How a row is written, and where what is written goes when there is much of it. */
export type RowSink = { readonly out: ByteWriter; flush(): Promise<void> };

/** Writes row `row` of a batch. */
export type RowWriter = (row: number) => void;

/** The rows of a statement, taken some at a time. */
export class RowSource {
  readonly columns: readonly Column[];
  readonly #batches: AsyncIterator<VectorBatch>;
  #current: VectorBatch | undefined;
  #at = 0;
  #kept: VectorBatch[] = [];
  #isRead = false;
  /** How many rows were written. */
  taken = 0;

  constructor({ columns, batches }: Pick<VectorStream, 'columns' | 'batches'>) {
    this.columns = columns;
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /**
   * Writes up to `most` rows (0 for all).
   *
   * @returns false where there may be more
   */
  async write(most: number, sink: RowSink, writerOf: (batch: VectorBatch) => RowWriter): Promise<boolean> {
    let left = most === 0 ? Number.POSITIVE_INFINITY : most;
    for (;;) {
      if (this.#current === undefined) {
        // Asked only when a row is wanted: a portal that gave as many as were asked for is suspended, as in PostgreSQL.
        if (left === 0) return false;
        this.#current = await this.#next();
        this.#at = 0;
        if (this.#current === undefined) return true;
      }
      const write = writerOf(this.#current);
      const end = Math.min(this.#current.rowCount, this.#at + left);
      left -= end - this.#at;
      this.taken += end - this.#at;
      for (; this.#at < end; this.#at += 1) {
        write(this.#at);
        if (sink.out.isFull) await sink.flush();
      }
      if (this.#at >= this.#current.rowCount) this.#current = undefined;
      else return false;
    }
  }

  /** Skips up to so many rows; says how many. */
  async skip(most: number): Promise<number> {
    const before = this.taken;
    await this.write(most, { out: { isFull: false } as ByteWriter, flush: async () => undefined }, () => () => undefined);
    return this.taken - before;
  }

  /** Takes what is left into memory, so that the connection can do something else. Says how many bytes that are. */
  async keepRest(maxBytes: number): Promise<boolean> {
    if (this.#isRead) return true;
    let bytes = 0;
    for (;;) {
      const batch = await this.#next();
      if (batch === undefined) break;
      this.#kept.push(batch);
      bytes += sizeOf(batch);
      if (bytes > maxBytes) return false;
    }
    this.#isRead = true;
    return true;
  }

  async close(): Promise<void> {
    this.#kept = [];
    this.#current = undefined;
    if (!this.#isRead) await this.#batches.return?.();
    this.#isRead = true;
  }

  async #next(): Promise<VectorBatch | undefined> {
    if (this.#isRead) return this.#kept.shift();
    const { done, value } = await this.#batches.next();
    if (done !== true) return value;
    this.#isRead = true;
    return undefined;
  }
}

function sizeOf({ columns, rowCount }: VectorBatch): number {
  return columns.reduce((sum, column) => {
    if (column.kind === 'values') return sum + rowCount * 64;
    return sum + (column.kind === 'fixed' ? column.data.byteLength : column.bytes.byteLength + column.offsets.byteLength);
  }, 0);
}

/** Writes rows as DataRow messages. */
export function dataRows(columns: readonly Column[], formatAt: (index: number) => Format, style: ValueStyle, out: ByteWriter) {
  return ({ columns: vectors }: VectorBatch): RowWriter => {
    const writers = vectors.map((vector, index) => valueWriter(vector, columns[index]?.type ?? 'VARCHAR', formatAt(index), style));
    const write = (row: number) => {
      out.byte(0x44); // D
      const start = out.startCount();
      out.int16(vectors.length);
      for (let index = 0; index < vectors.length; index += 1) {
        const vector = vectors[index];
        if (vector === undefined || isNull(vector, row)) {
          out.int32(-1);
          continue;
        }
        const at = out.startCount();
        writers[index]?.(row, out);
        out.endCount(at);
      }
      out.endCount(start, 4);
    };
    return (row) => out.whole(() => write(row));
  };
}
