import { LakesteadError } from '#core';
import type { Lease, StatementOptions } from '#engine';
import type { Sql } from '#sql';

import { type Alteration, type AlterOptions, alterTable } from './alter.ts';
import { checkCancelled } from './cancel.ts';
import { deleteRows, updateRows } from './change-rows.ts';
import { cloneTable, type CloneOptions } from './clone.ts';
import { clusteringAction } from './clustering.ts';
import type { AppTransaction } from './commit-actions.ts';
import { type Changes, type ChangesOptions, readChanges } from './changes.ts';
import { writeCheckpoint } from './checkpoint-write.ts';
import { convertFolder, type ConvertOptions } from './convert.ts';
import { dropFeature, type DropFeatureOptions } from './drop-feature.ts';
import { writtenType } from './duckdb-types.ts';
import { type HistoryEntry, readHistory } from './history.ts';
import { logFolder } from './log-segment.ts';
import { mergeRows, type MergeOptions } from './merge.ts';
import { optimizeTable, type OptimizeOptions, type OptimizeResult } from './optimize.ts';
import { planToSql } from './relation.ts';
import { replaceRows, type Replacement } from './replace.ts';
import { replaceTable, type ReplaceTableOptions } from './replace-table.ts';
import { restoreTable, type RestoreOptions, type RestoreResult } from './restore.ts';
import type { ChangeOptions, ChangeResult } from './rewrite.ts';
import type { ScanOptions } from './scan-plan.ts';
import { scanTable, type TableScan, type TableScanOptions } from './scan-table.ts';
import type { StructType } from './schema.ts';
import { describeLocation, loadSnapshot, type Snapshot, type SnapshotOptions, type TableLocation, withLease } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import { vacuumTable, type VacuumOptions, type VacuumResult } from './vacuum.ts';
import { checkSchemaNames } from './write-plan.ts';
import { append, commitCreate, createFromQuery, isMapped, newDefinition, overwrite } from './write.ts';

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
  /** Which of the application's own writes this is: one that was committed before, or an earlier one, is not written again. */
  readonly txn?: AppTransaction | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many rows the query has read. */
  readonly onProgress?: StatementOptions['onProgress'];
};

/** What a commit did. */
export type CommitResult = {
  readonly version: number;
  readonly rowsWritten: number;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  readonly bytesWritten: number;
  /** What went wrong without harm to the commit: a checkpoint that could not be written. */
  readonly warnings: readonly string[];
};

/** A Delta table that exists. Holds nothing open: snapshots are plain data, shared within the process. */
export type DeltaTable = TableLocation & {
  snapshot(options?: SnapshotOptions): Promise<Snapshot>;
  /**
   * Rows by columns and a condition: as a SELECT for the engine and in batches. Opens no more of a long list of files than it must.
   *
   * @example
   * const sales = await table.scan({ columns: ['amount'], filter: sql`day >= DATE '2026-05-01'`, lease });
   * console.log(sales.summary.files, 'of', sales.summary.totalFiles, 'files');
   * for await (const { columns } of sales.batches()) console.log(columns[0]);
   */
  scan(options?: TableScanOptions): Promise<TableScan>;
  /** Adds the query's rows in one commit. Appends of several writers at once all succeed. */
  append(query: Sql, options: WriteOptions): Promise<CommitResult>;
  /** Replaces all rows by the query's in one commit; throws `DELTA_CONFLICT` when another writer got between. */
  overwrite(query: Sql, options: WriteOptions): Promise<CommitResult>;
  /**
   * Takes away the rows that fit the condition (all of them without one), in one commit. Files without such rows stay; the
   * others are written again. Columns stand bare or under `as`.
   *
   * @throws {LakesteadError} `DELTA_CONFLICT` when another writer changed what this one looked at: run it again
   * @example await table.delete(sql`day < DATE '2020-01-01'`, { lease });
   */
  delete(where: Sql | undefined, options: ChangeOptions): Promise<ChangeResult>;
  /**
   * Gives columns new values in the rows that fit the condition, in one commit; values see the row as it was. Values are
   * stored as Spark stores them: fractions are cut for integers, a text becomes nothing else.
   *
   * @example await table.update({ price: sql`price * 1.1` }, sql`city = ${'Graz'}`, { lease });
   */
  update(set: Readonly<Record<string, Sql>>, where: Sql | undefined, options: ChangeOptions): Promise<ChangeResult>;
  /**
   * Brings the rows of a query into the table: changes or deletes those that match, adds those that do not, in one commit.
   *
   * @throws {LakesteadError} `DELTA_MERGE_AMBIGUOUS` when several rows of the source would change one row of the table
   * @example
   * await table.merge({
   *   source: sql`SELECT * FROM news`, on: sql`t.id = s.id`, lease,
   *   clauses: [{ when: 'matched', action: 'updateAll' }, { when: 'notMatched', action: 'insertAll' }],
   * });
   */
  merge(options: MergeOptions): Promise<ChangeResult>;
  /**
   * Replaces the rows that fit a condition by the query's, which must fit it too, or the partitions that the query has rows
   * of: in one commit.
   *
   * @example await table.replace(sql`SELECT * FROM may`, { where: sql`month = 5` }, { lease });
   */
  replace(query: Sql, replacement: Replacement, options: ChangeOptions): Promise<CommitResult>;
  /** Defines the table anew, with a query's rows or none, in one commit: older versions stay. */
  replaceTable(options: ReplaceTableOptions): Promise<CommitResult>;
  /** Makes an older version the newest one again, in one commit. Its files must still be there. */
  restore(options: RestoreOptions): Promise<RestoreResult>;
  /** Writes small files together, or all in z-order; no row changes, and appends of others pass. */
  optimize(options: OptimizeOptions): Promise<OptimizeResult>;
  /** Makes a table at another place that reads this one's files where they are (a shallow clone), of any version. */
  clone(options: CloneOptions): Promise<CommitResult>;
  /** Removes files that no version within the retention needs. Older versions cannot be read any more then. */
  vacuum(options: VacuumOptions): Promise<VacuumResult>;
  /** Changes properties or columns by the log alone; rows of older files have NULL in a new column. */
  alter(change: Alteration, options?: AlterOptions): Promise<{ readonly version: number }>;
  /**
   * Takes a feature out of the table with all that it left there. Where older versions need it they stay behind a checkpoint that
   * is protected, or go with `truncateHistory`.
   */
  dropFeature(name: string, options: DropFeatureOptions): Promise<{ readonly version: number }>;
  /** What changed from one version to another: rows with `_change_type`, `_commit_version` and `_commit_timestamp`. */
  changes(options: ChangesOptions): Promise<Changes>;
  /** Newest first; only versions whose JSON is still in the log. */
  history(options?: { readonly limit?: number | undefined; readonly signal?: AbortSignal | undefined }): Promise<readonly HistoryEntry[]>;
  /** Writes a checkpoint of the newest version, as every tenth commit does by itself. */
  checkpoint(options?: {
    readonly lease?: Lease | undefined;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly version: number }>;
};

/** What a new table is. */
export type CreateOptions = TableLocation & {
  readonly schema: StructType;
  readonly partitionBy?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Table properties (`delta.appendOnly` ...): what they ask for comes into the protocol; what is not written is refused by name. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Features beside those that properties and columns ask for, by the protocol's names. */
  readonly features?: readonly string[] | undefined;
  /** Columns (or fields of structs, with dots) by which OPTIMIZE keeps rows together. */
  readonly clusterBy?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** How {@link writeTable} treats a table that is there, as Spark's writer has it. */
export type WriteMode = 'append' | 'overwrite' | 'error' | 'ignore';

/** What {@link writeTable} writes, and where. */
export type WriteTableOptions = TableLocation &
  WriteOptions &
  Pick<CreateOptions, 'name' | 'description' | 'properties' | 'features' | 'clusterBy'> & { readonly query: Sql; readonly mode: WriteMode };

/**
 * The table at that place.
 *
 * @throws {LakesteadError} `DELTA_NOT_A_TABLE` when there is none
 * @example
 * const table = await openTable({ store: await openLocalStore('lake'), path: 'gold/sales', engine });
 * const query = await planToSql((await table.snapshot()).scan({ columns: ['total'] }), table.store);
 * await engine.withLease((lease) => lease.rows(sql`SELECT sum(total) AS total FROM (${query}) AS sales`));
 */
export async function openTable(location: TableLocation, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<DeltaTable> {
  const table = await findTable(location, options);
  if (table !== undefined) return table;
  throw new LakesteadError('DELTA_NOT_A_TABLE', `${describeLocation(location)} is no Delta table: it has no _delta_log with commits`, {
    hint: 'check the path; "lakestead table list" shows the tables of the lake',
  });
}

/** The table at that place, `undefined` when there is none. Whether it can be read shows when it is. */
export async function findTable(
  location: TableLocation,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<DeltaTable | undefined> {
  checkCancelled(options.signal);
  const { store, path } = location;
  const entries = await store.entries(logFolder(path));
  return entries?.some(({ kind, name }) => kind === 'file' && /^\d{20}\./.test(name)) === true ? makeTable(location) : undefined;
}

/**
 * Makes a new, empty table: reader version 1, writer version 2.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when there is a table already, `DELTA_SCHEMA_MISMATCH` or `DELTA_UNSUPPORTED` for a schema or property that is not written
 */
export async function createTable(options: CreateOptions): Promise<DeltaTable> {
  const { schema, partitionBy = [], properties = {}, name, description, signal, features, clusterBy } = options;
  const where = describeLocation(options);
  const clustering = clusterBy === undefined ? [] : ['clustering'];
  const definition = newDefinition(
    { schema, partitionColumns: partitionBy, properties, name, description, features: [...(features ?? []), ...clustering] },
    where,
  );
  checkSchemaNames(schema, where, isMapped(definition.metadata));
  for (const { type } of schema.fields) writtenType(type); // refuses what could not be read again
  const more = clusterBy === undefined ? [] : [clusteringAction(clusterBy, definition, where)];
  await commitCreate(options, definition, nothingStaged, { operation: 'CREATE TABLE', signal, more });
  return makeTable(options);
}

/**
 * Writes a query's rows, making the table when it is not there: in one commit either way.
 *
 * @throws {LakesteadError} `STORAGE_EXISTS` in mode `error` when there is a table, and what {@link DeltaTable.append} and {@link DeltaTable.overwrite} throw
 */
export async function writeTable(options: WriteTableOptions): Promise<CommitResult> {
  let table = await findTable(options, options);
  if (table === undefined) {
    try {
      return await createFromQuery(options);
    } catch (error) {
      if (options.mode === 'error' || !(error instanceof LakesteadError) || error.code !== 'DELTA_CONFLICT') throw error;
      table = makeTable(options); // another writer made it meanwhile: go on as if it had been there
    }
  }
  switch (options.mode) {
    case 'append':
      return await table.append(options.query, options);
    case 'overwrite':
      return await table.overwrite(options.query, options);
    case 'error':
      throw new LakesteadError('STORAGE_EXISTS', `there is a table at ${describeLocation(options)} already; nothing was written`, {
        hint: 'write with mode "append" or "overwrite"',
      });
    case 'ignore':
      return {
        version: (await table.snapshot(options)).version,
        rowsWritten: 0,
        filesAdded: 0,
        filesRemoved: 0,
        bytesWritten: 0,
        warnings: [],
      };
  }
}

/**
 * Makes a Delta table of a folder of Parquet files, which stay as they are; folders named `column=value` become partitions.
 *
 * @throws {LakesteadError} `STORAGE_EXISTS` when it is one already, `STORAGE_NOT_FOUND` without Parquet files, `DELTA_SCHEMA_MISMATCH`
 */
export async function convertTable(location: TableLocation, options: ConvertOptions): Promise<DeltaTable> {
  await convertFolder(location, options);
  return makeTable(location);
}

/** The newest state of a table (or the one asked for) as a SELECT of DuckDB: opens, plans and writes the SQL in one go. */
export async function tableToSql(location: TableLocation, options: SnapshotOptions & ScanOptions = {}): Promise<Sql> {
  return await planToSql((await loadSnapshot(location, options)).scan(options), location.store, {
    scope: options.lease,
    signal: options.signal,
  });
}

function makeTable(location: TableLocation): DeltaTable {
  const { store, path, engine } = location;
  return {
    store,
    path,
    engine,
    snapshot: async (options) => await loadSnapshot(location, options),
    scan: async (options = {}) => await scanTable(location, options),
    append: async (query, options) => await append(location, query, options),
    overwrite: async (query, options) => await overwrite(location, query, options),
    delete: async (where, options) => await deleteRows(location, where, options),
    update: async (set, where, options) => await updateRows(location, set, where, options),
    merge: async (options) => await mergeRows(location, options),
    replace: async (query, replacement, options) => await replaceRows(location, query, replacement, options),
    replaceTable: async (options) => await replaceTable(location, options),
    restore: async (options) => await restoreTable(location, options),
    optimize: async (options) => await optimizeTable(location, options),
    clone: async (options) => await cloneTable(location, options),
    vacuum: async (options) => await vacuumTable(location, options),
    alter: async (change, options) => await alterTable(location, change, options),
    dropFeature: async (name, options) => await dropFeature(location, name, options),
    changes: async (options) => await readChanges(location, options),
    history: async (options) => await readHistory(location, options),
    checkpoint: async (options = {}) => {
      const snapshot = await loadSnapshot(location, options);
      await withLease(location, options, async (lease) => await writeCheckpoint(location, snapshot, lease, options));
      return { version: snapshot.version };
    },
  };
}
