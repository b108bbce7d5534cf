import type { Sql, SqlValue } from '#sql';

/** One column of a result. `type` is DuckDB's own text of it: `DECIMAL(19,4)`, `VARCHAR`, `TIMESTAMP`. */
export type Column = { readonly name: string; readonly type: string };

/** Some rows of a result, by column: `columns[c][r]`, null for NULL. */
export type Batch = { readonly rowCount: number; readonly columns: readonly (readonly SqlValue[])[] };

/** A result that is read once, in batches. Stopping early frees the statement. */
export type ResultStream = { readonly columns: readonly Column[]; readonly batches: AsyncIterable<Batch> };

/** A small result as one object a row: for metadata and for people, never for bulk data. */
export type Row = Readonly<Record<string, SqlValue>>;

export type StatementOptions = {
  /** Interrupts the statement; the call then throws `CANCELLED`, or the signal's reason when that is an error of ours. */
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how far the statement is, until its first rows come; nothing when it is done at once. */
  readonly onProgress?: ((progress: StatementProgress) => void) | undefined;
};

/** Rows that a statement has read; `totalRows` where the engine knows how many there are. */
export type StatementProgress = { readonly rows: number; readonly totalRows?: number };

/** One connection, held by one piece of work at a time; temporary objects and transactions are its own. */
export type Lease = AsyncDisposable & {
  /** Called when the lease is given back: lets go of what its statements read, such as local copies of remote files. */
  defer(release: () => void): void;
  /** Runs a statement and forgets its rows; says how many rows it changed or wrote. */
  run(statement: Sql, options?: StatementOptions): Promise<{ readonly rowsChanged: number }>;
  /** All rows of a small result, at most 100,000: more throws `ENGINE_FAILED`. Asked at the same time, `run` and `rows` take turns. */
  rows(query: Sql, options?: StatementOptions): Promise<readonly Row[]>;
  /** The result in batches of about 2,048 rows. One stream at a time: a second statement would cut it short. */
  stream(query: Sql, options?: StatementOptions): Promise<ResultStream>;
  /** Appends batches to a table of this connection; says how many rows. A type that does not fit throws `SQL_TYPE`. */
  append(table: TableName, batches: AsyncIterable<Batch>, options?: StatementOptions): Promise<{ readonly rowCount: number }>;
};

/** A table by its name; `database` and `schema` default to the connection's own. */
export type TableName = { readonly database?: string; readonly schema?: string; readonly table: string };

/**
 * Runs SQL. It is given its work by messages of plain data, so that it can be in another process: `docs/design/main-job.md`.
 * Leases are given out in order; `maxLeases` of them at a time.
 */
export type Engine = AsyncDisposable & {
  lease(options?: StatementOptions): Promise<Lease>;
  /** Runs `work` with a lease of its own. */
  withLease<T>(work: (lease: Lease) => Promise<T>, options?: StatementOptions): Promise<T>;
};
