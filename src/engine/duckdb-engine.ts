import { DuckDBDataChunk, type DuckDBConnection, DuckDBInstance, type DuckDBResult } from '@duckdb/node-api';

import { LakesteadError, Limiter } from '#core';
import { render, type Sql } from '#sql';

import { classifyDuckdbError } from './duckdb-error.ts';
import type { Batch, Column, Engine, Lease, ResultStream, Row, StatementOptions, TableName } from './engine.ts';

export type EngineOptions = {
  /** How much memory DuckDB may use, as it writes it: `512MB`, `4GB`. Default: 80 % of the machine's. */
  readonly memoryLimit?: string | undefined;
  /** Threads of one engine. Default: the machine's processors. */
  readonly threads?: number | undefined;
  /** Where what does not fit in memory goes. Default: nothing may spill. */
  readonly tempDirectory?: string | undefined;
  /** Leases given out at a time; more wait in order. Default 8. */
  readonly maxLeases?: number | undefined;
};

const maxRows = 100_000;

/** How often the progress of a statement is told. */
const progressIntervalMs = 500;

/** An engine in this process: an in-memory DuckDB to which databases can be attached. */
export async function openDuckdbEngine(options: EngineOptions = {}): Promise<Engine> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...(options.memoryLimit === undefined ? {} : { memory_limit: options.memoryLimit }),
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    ...(options.tempDirectory === undefined ? {} : { temp_directory: options.tempDirectory }),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  connection.closeSync();
  return new DuckdbEngine(instance, options.maxLeases ?? 8);
}

class DuckdbEngine implements Engine {
  readonly #instance: DuckDBInstance;
  readonly #leases: Limiter;

  constructor(instance: DuckDBInstance, maxLeases: number) {
    this.#instance = instance;
    this.#leases = new Limiter(maxLeases);
  }

  async lease(options: StatementOptions = {}): Promise<Lease> {
    await this.#leases.acquire(options.signal, () => classifyDuckdbError(undefined, options.signal));
    try {
      const connection = await this.#instance.connect();
      return new DuckdbLease(connection, () => this.#leases.release());
    } catch (error) {
      this.#leases.release();
      throw classifyDuckdbError(error, options.signal);
    }
  }

  async withLease<T>(work: (lease: Lease) => Promise<T>, options: StatementOptions = {}): Promise<T> {
    await using lease = await this.lease(options);
    return await work(lease);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#instance.closeSync();
  }
}

class DuckdbLease implements Lease {
  readonly #connection: DuckDBConnection;
  readonly #release: () => void;
  readonly #deferred: (() => void)[] = [];
  #closed = false;

  constructor(connection: DuckDBConnection, release: () => void) {
    this.#connection = connection;
    this.#release = release;
  }

  defer(release: () => void): void {
    this.#deferred.push(release);
  }

  async run(statement: Sql, options: StatementOptions = {}): Promise<{ rowsChanged: number }> {
    const { text, values } = render(statement);
    return await this.#interruptible(options.signal, async () => {
      const stop = options.onProgress === undefined ? undefined : await this.#watch(options.onProgress);
      try {
        const result = await this.#connection.run(text, [...values]);
        return { rowsChanged: result.rowsChanged };
      } finally {
        stop?.();
      }
    });
  }

  /** Asks the connection now and then how far its statement is, until it is told to stop. */
  async #watch(onProgress: NonNullable<StatementOptions['onProgress']>): Promise<() => void> {
    // DuckDB counts only for whoever wants a progress bar.
    await this.#connection.run('SET enable_progress_bar = true');
    await this.#connection.run('SET enable_progress_bar_print = false');
    const timer = setInterval(() => {
      const { percentage, rows_processed: rows, total_rows_to_process: total } = this.#connection.progress;
      if (percentage >= 0) onProgress({ rows: Number(rows), ...(total > 0n ? { totalRows: Number(total) } : {}) });
    }, progressIntervalMs);
    return () => clearInterval(timer);
  }

  async rows(query: Sql, options: StatementOptions = {}): Promise<readonly Row[]> {
    const { columns, batches } = await this.stream(query, options);
    const rows: Row[] = [];
    for await (const batch of batches) {
      if (rows.length + batch.rowCount > maxRows) {
        throw new LakesteadError('ENGINE_FAILED', `a result of more than ${maxRows} rows was asked for at once`);
      }
      for (let row = 0; row < batch.rowCount; row += 1) {
        rows.push(Object.fromEntries(columns.map((column, index) => [column.name, batch.columns[index]?.[row] ?? null])));
      }
    }
    return rows;
  }

  async stream(query: Sql, options: StatementOptions = {}): Promise<ResultStream> {
    const { text, values } = render(query);
    const stop = options.onProgress === undefined ? undefined : await this.#watch(options.onProgress);
    const result = await this.#interruptible(options.signal, async () => {
      try {
        return await this.#connection.stream(text, [...values]);
      } finally {
        stop?.(); // what comes now is counted by whoever reads it
      }
    });
    const types = result.columnTypes();
    const columns: Column[] = result.columnNames().map((name, index) => ({ name, type: String(types[index]) }));
    return { columns, batches: this.#batches(result, options.signal) };
  }

  async *#batches(result: DuckDBResult, signal: AbortSignal | undefined): AsyncGenerator<Batch> {
    for (;;) {
      const chunk = await this.#interruptible(signal, async () => await result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) break;
      yield { rowCount: chunk.rowCount, columns: chunk.getColumns() };
    }
    // An interrupted stream of DuckDB ends like a finished one.
    throwIfAborted(signal);
  }

  async append(table: TableName, batches: AsyncIterable<Batch>, options: StatementOptions = {}): Promise<{ rowCount: number }> {
    const appender = await this.#interruptible(
      options.signal,
      async () => await this.#connection.createAppender(table.table, table.schema ?? null, table.database ?? null),
    );
    const types = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index));
    let rowCount = 0;
    let toldAt = performance.now();
    try {
      for await (const batch of batches) {
        throwIfAborted(options.signal);
        if (options.onProgress !== undefined && performance.now() - toldAt > progressIntervalMs) {
          toldAt = performance.now();
          options.onProgress({ rows: rowCount });
        }
        for (let start = 0; start < batch.rowCount; start += 2048) {
          const size = Math.min(2048, batch.rowCount - start);
          const chunk = DuckDBDataChunk.create(types, size);
          chunk.setColumns(batch.columns.map((column) => column.slice(start, start + size)));
          appender.appendDataChunk(chunk);
        }
        rowCount += batch.rowCount;
      }
      appender.closeSync();
    } catch (error) {
      throw classifyDuckdbError(error, options.signal);
    }
    return { rowCount };
  }

  async #interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new LakesteadError('INTERNAL', 'a connection was used after it was given back');
    throwIfAborted(signal);
    const interrupt = () => this.#connection.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await work();
    } catch (error) {
      throw classifyDuckdbError(error, signal);
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.closeSync();
    for (const release of this.#deferred.splice(0)) release();
    this.#release();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw classifyDuckdbError(undefined, signal);
}
