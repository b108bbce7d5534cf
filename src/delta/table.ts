import type { Engine, Lease } from '#engine';
import type { Sql } from '#sql';
import type { ObjectStore } from '#storage';

import type { StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';

/** Where a table is and what reads its Parquet. `path` is its folder in the store. */
export type TableLocation = { readonly store: ObjectStore; readonly path: string; readonly engine: Engine };

/** Which state of a table: a version, the newest at or before an instant, or (neither) the newest. */
export type SnapshotOptions = {
  readonly version?: number | undefined;
  readonly timestamp?: Date | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** How data is written. */
export type WriteOptions = {
  /** The connection in which the query runs: it may name that connection's temporary tables. */
  readonly lease: Lease;
  /**
   * What happens when the query's columns are not those of the table: `strict` (the default) refuses with
   * `DELTA_SCHEMA_MISMATCH`, `merge` adds new columns, `overwrite` (of {@link DeltaTable.overwrite} only) replaces the schema.
   */
  readonly schemaMode?: 'strict' | 'merge' | 'overwrite' | undefined;
  /** Columns whose values become folders. Needs a new table, or `overwrite` with schemaMode `overwrite`. */
  readonly partitionBy?: readonly string[] | undefined;
  /** Kept in the history as `userMetadata`. */
  readonly userMetadata?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** What a commit did. */
export type CommitResult = {
  readonly version: number;
  readonly rowsWritten: number;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  readonly bytesWritten: number;
};

/** One commit, as `DESCRIBE HISTORY` shows it. */
export type HistoryEntry = {
  readonly version: number;
  readonly timestamp: Date;
  readonly operation: string | undefined;
  readonly operationParameters: Readonly<Record<string, unknown>>;
  readonly operationMetrics: Readonly<Record<string, unknown>>;
  readonly readVersion: number | undefined;
  readonly isBlindAppend: boolean | undefined;
  readonly engineInfo: string | undefined;
  readonly userMetadata: string | undefined;
};

/** A Delta table that exists. Holds nothing open: snapshots are plain data, shared within the process. */
export type DeltaTable = TableLocation & {
  snapshot(options?: SnapshotOptions): Promise<Snapshot>;
  /** Adds the query's rows in one commit. Appends of several writers at once all succeed. */
  append(query: Sql, options: WriteOptions): Promise<CommitResult>;
  /** Replaces all rows by the query's in one commit; throws `DELTA_CONFLICT` when another writer got between. */
  overwrite(query: Sql, options: WriteOptions): Promise<CommitResult>;
  /** Newest first; only versions whose JSON is still in the log. */
  history(options?: { readonly limit?: number | undefined; readonly signal?: AbortSignal | undefined }): Promise<readonly HistoryEntry[]>;
  /** Writes a checkpoint of the newest version, as every tenth commit does by itself. */
  checkpoint(options?: { readonly signal?: AbortSignal | undefined }): Promise<{ readonly version: number }>;
};

/** What a new table is. */
export type CreateOptions = TableLocation & {
  readonly schema: StructType;
  readonly partitionBy?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Table properties (`delta.appendOnly` ...): one that needs a feature we do not write is refused by name. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
};
