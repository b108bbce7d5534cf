import type { Sql, SqlValue } from '#sql';

/** One column of a result. `type` is DuckDB's own text of it: `DECIMAL(19,4)`, `VARCHAR`, `TIMESTAMP`. */
export type Column = { readonly name: string; readonly type: string };

/** Some rows of a result, by column: `columns[c][r]`, null for NULL. */
export type Batch = { readonly rowCount: number; readonly columns: readonly (readonly SqlValue[])[] };

/** A result that is read once, in batches. Stopping early frees the statement. */
export type ResultStream = { readonly columns: readonly Column[]; readonly batches: AsyncIterable<Batch> };

/**
 * One column of a batch as bytes of the engine, little-endian, for whoever writes rows in another form: fixed widths as they are
 * (DATE as days, TIMESTAMP as microseconds, DECIMAL as its whole number of 2 to 16 bytes, UUID and HUGEINT as 16 bytes), texts and blobs
 * one after the other, anything else (lists, structs, intervals ...) as values. `valid` has a bit for each row, null where none is NULL.
 */
export type Vector =
  | { readonly kind: 'fixed'; readonly width: number; readonly data: Uint8Array; readonly valid: Uint8Array | null }
  /** Row `r` is `bytes` from `offsets[r]` to `offsets[r + 1]`. */
  | { readonly kind: 'bytes'; readonly offsets: Uint32Array; readonly bytes: Uint8Array; readonly valid: Uint8Array | null }
  | { readonly kind: 'values'; readonly values: readonly SqlValue[] };

/** Some rows of a result as {@link Vector}s. */
export type VectorBatch = { readonly rowCount: number; readonly columns: readonly Vector[] };

/** What a statement gives: rows, how many rows it changed, or nothing; `statement` is the engine's word for what it was (`SELECT`, `INSERT` ...). */
export type VectorStream = {
  readonly columns: readonly Column[];
  readonly gives: 'rows' | 'count' | 'nothing';
  readonly statement: string;
  readonly rowsChanged: number;
  readonly batches: AsyncIterable<VectorBatch>;
};

/** What a statement wants and gives, before it runs: the types of its parameters in order (`UNKNOWN` where any will do) and its columns. */
export type StatementShape = {
  readonly parameters: readonly string[];
  readonly columns: readonly Column[];
  readonly statement: string;
};

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
  /** {@link Lease.stream} with rows as the engine's own bytes. */
  vectors(query: Sql, options?: StatementOptions): Promise<VectorStream>;
  /** What a statement wants and gives; nothing of it runs. Its parameters stand as `$1` ... in the text. */
  describe(text: Sql, options?: StatementOptions): Promise<StatementShape>;
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
