import { join, type Sql, sql } from '#sql';

import type { Action } from './actions.ts';
import { adds, isCommitted, metadataAction, newCommitInfo, removes, txnAction } from './commit-actions.ts';
import {
  changeRows,
  changesTable,
  copiedRows,
  feedRows,
  type FindOptions,
  insertedRows,
  type RowChange,
  type RowInserts,
  updatedRows,
} from './change-table.ts';
import { type MarkedFiles, markDeleted } from './mark-deleted.ts';
import { isOn } from './properties.ts';
import { parseStatistics } from './pruning.ts';
import { planToSql, type RelationOptions } from './relation.ts';
import { planScan, type ScanFile, type ScanPlan } from './scan-plan.ts';
import { formatSchema, type StructType } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { nothingStaged, type StagedData } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { finish, stage, stageChanges } from './write.ts';

/** What a change of rows takes beside the rows. */
export type ChangeOptions = Omit<WriteOptions, 'schemaMode' | 'partitionBy'> & {
  /** What conditions and values call the table. Default `t`. */
  readonly as?: string | undefined;
  /** How conditions read in the table's history. Default: as the engine is given them. */
  readonly conditionTexts?: ReadonlyMap<Sql, string> | undefined;
};

/** What a change did. No `version`: there was nothing to change, and nothing was committed. */
export type ChangeResult = {
  readonly version: number | undefined;
  readonly rowsInserted: number;
  readonly rowsUpdated: number;
  readonly rowsDeleted: number;
  /** Rows that were written again because others of their file changed. */
  readonly rowsCopied: number;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  /** Files that stay, of which more rows count as deleted now. */
  readonly filesMarked: number;
  readonly bytesWritten: number;
  /** What went wrong without harm to the commit: a checkpoint that could not be written. */
  readonly warnings: readonly string[];
};

/** How a change appears in the history; `metrics` is given what it did. */
export type ChangeRecord = {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly metrics: (did: ChangeMetrics) => Readonly<Record<string, number>>;
};

/** Counts of a change before it is committed. */
export type ChangeMetrics = Omit<ChangeResult, 'version' | 'warnings'> & {
  readonly bytesRemoved: number;
  readonly changeFiles: number;
  readonly vectorsAdded: number;
  readonly vectorsRemoved: number;
  readonly vectorsUpdated: number;
  readonly durationMs: number;
};

/** The application had committed this before. */
const nothingChanged: ChangeResult = { version: undefined, rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0, rowsCopied: 0, filesAdded: 0, filesRemoved: 0, filesMarked: 0, bytesWritten: 0, warnings: [] }; // prettier-ignore

/** The rows of the table while they are looked at: a view of the lease's connection. */
const rowsView = sql`__lakestead_rows`;
/**
 * Changes rows: those that go or get new values are marked as deleted where the table has deletion vectors, else their files are
 * written again without them; new values are new rows. Files of which all rows change are only removed. One commit, or none
 * where no row changes.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when another writer changed what this one looked at
 */
export async function rewriteRows(
  location: TableLocation,
  snapshot: Snapshot,
  change: RowChange,
  record: ChangeRecord,
  options: ChangeOptions,
): Promise<ChangeResult> {
  if (isCommitted(snapshot, options.txn)) return nothingChanged;
  const { lease } = options;
  try {
    return await performRewrite(location, snapshot, change, record, options);
  } finally {
    await lease.run(sql`DROP TABLE IF EXISTS temp.${changesTable}`);
  }
}

/** What a change was found to be, before anything is written. */
type Found = {
  readonly plan: ScanPlan;
  readonly snapshot: Snapshot;
  /** The table's columns with how far they have numbered rows after this. */
  readonly schema: StructType;
  readonly change: RowChange;
  /** Files of which some rows change, and those of which all do. */
  readonly partly: readonly ScanFile[];
  readonly gone: readonly ScanFile[];
  readonly totals: { readonly updated: number; readonly deleted: number };
  readonly inserts: RowInserts | undefined;
  /** How the table wants it: as deletion vectors, with a change feed, with ids of rows. */
  readonly marks: boolean;
  readonly feeds: boolean;
  readonly tracked: boolean;
};

/** What was written for it: data, marks and the change feed. */
type Written = {
  readonly data: StagedData;
  readonly marked: MarkedFiles | undefined;
  readonly feed: StagedData;
  readonly rowsCopied: number;
};

async function performRewrite(
  location: TableLocation,
  snapshot: Snapshot,
  change: RowChange,
  record: ChangeRecord,
  options: ChangeOptions,
): Promise<ChangeResult> {
  const startedAt = performance.now();
  const found = await findRewrite(location, snapshot, change, options);
  const isNothing = found.partly.length + found.gone.length + (found.inserts?.rowCount ?? 0) === 0;
  if (isNothing && change.definition === undefined) return nothingChanged;
  const written = await writeRewrite(location, found, options);
  const { data, marked, feed } = written;
  const did = measure(found, written, startedAt);
  const removed = new Set([...found.gone, ...found.partly].map(({ path }) => path));
  const actions = [
    ...txnAction(options.txn),
    ...definitionActions(found),
    ...adds(data),
    ...(marked?.actions ?? []),
    ...removes(snapshot, removed),
    ...feed.files.map(({ path, partitionValues, size }) => ({ cdc: { path, partitionValues, size, dataChange: false, tags: undefined } })),
  ];
  const staged: StagedData = { files: data.files, objectPaths: pathsOf(written), rowCount: data.rowCount, bytes: did.bytesWritten };
  const commitInfo = newCommitInfo(record.operation, record.parameters, snapshot.version, false, record.metrics(did), options);
  const transaction = { readVersion: snapshot.version, actions, commitInfo, reads: 'rows' as const, filter: change.filter };
  const { version, warnings } = await finish(location, staged, transaction, did.filesRemoved, snapshot, options);
  const { rowsInserted, rowsUpdated, rowsDeleted, rowsCopied, filesAdded, filesRemoved, filesMarked, bytesWritten } = did;
  return { version, rowsInserted, rowsUpdated, rowsDeleted, rowsCopied, filesAdded, filesRemoved, filesMarked, bytesWritten, warnings };
}

async function findRewrite(location: TableLocation, snapshot: Snapshot, change: RowChange, options: ChangeOptions): Promise<Found> {
  const { configuration } = snapshot.metadata;
  const looked = planScan(snapshot, change.filter === undefined ? {} : { filter: change.filter });
  const plan: ScanPlan = { ...looked, files: looked.files.map((file, position) => ({ ...file, position })) };
  const tracked = plan.rowColumns !== undefined;
  const feeds = isOn(configuration, 'delta.enableChangeDataFeed');
  const touched = await findChanges(location, plan, snapshot, change, { ...options, feeds, tracked });
  const inserts = await change.inspect?.(changesTable);
  const files = plan.files.filter((_, index) => touched.has(index));
  const isGone = (file: ScanFile) => liveRows(snapshot, file) === touched.get(file.position ?? -1);
  return {
    plan,
    snapshot,
    schema: inserts?.schema ?? snapshot.schema,
    change,
    partly: files.filter((file) => !isGone(file)),
    gone: files.filter(isGone),
    totals: await countActions(change, options),
    inserts: inserts !== undefined && inserts.rowCount > 0 ? inserts : undefined,
    marks: isOn(configuration, 'delta.enableDeletionVectors'),
    feeds,
    tracked,
  };
}

/** Writes what a change needs; when this throws, nothing of it is left. */
async function writeRewrite(location: TableLocation, found: Found, options: ChangeOptions): Promise<Written> {
  const { plan, snapshot, schema, change, partly, totals, inserts, tracked } = found;
  const copies = found.marks ? [] : partly;
  const keepsRowIds = tracked && (totals.updated > 0 || copies.length > 0);
  const parts = [
    ...(totals.updated > 0 ? [updatedRows(change, snapshot.schema, tracked)] : []),
    ...(inserts === undefined ? [] : [insertedRows(inserts, schema, keepsRowIds)]),
  ];
  const layout = { ...snapshot, schema };
  const written: { -readonly [K in keyof Written]: Written[K] } = {
    data: nothingStaged,
    marked: undefined,
    feed: nothingStaged,
    rowsCopied: 0,
  };
  try {
    if (found.marks && partly.length > 0) written.marked = await markDeleted(location, snapshot, partly, changesTable, options);
    if (copies.length > 0 || parts.length > 0) {
      const reading = { lease: options.lease, signal: options.signal, rowIds: tracked };
      written.data = await withRows(location, { ...plan, files: copies }, reading, async (rows) => {
        const all = copies.length === 0 ? parts : [copiedRows(rows, snapshot.schema, tracked), ...parts];
        return await stage(location, join(all, ' UNION ALL '), layout, { ...options, keepsRowIds });
      });
    }
    written.rowsCopied = written.data.rowCount - totals.updated - (inserts?.rowCount ?? 0);
    if (needsFeed(found, written.rowsCopied))
      written.feed = await stageChanges(location, feedRows(change, snapshot.schema, totals, inserts), layout, options);
    return written;
  } catch (error) {
    await Promise.allSettled(pathsOf(written).map(async (path) => await location.store.delete(path)));
    throw error;
  }
}

/** Whether the log alone would tell readers of the change feed something else than what happened. */
function needsFeed({ feeds, totals, inserts }: Found, rowsCopied: number): boolean {
  return feeds && (totals.updated > 0 || rowsCopied > 0 || (inserts !== undefined && totals.deleted > 0));
}

function pathsOf({ data, marked, feed }: Written): readonly string[] {
  return [...data.objectPaths, ...feed.objectPaths, ...(marked?.objectPath === undefined ? [] : [marked.objectPath])];
}

/** What of the table's definition changes with its rows. */
function definitionActions({ change, schema, snapshot }: Found): readonly Action[] {
  const definition = change.definition ?? [];
  if (schema === snapshot.schema) return definition;
  return [
    ...definition.filter(({ metaData }) => !metaData),
    ...metadataAction({ ...snapshot.metadata, schemaString: formatSchema(schema) }),
  ];
}

function measure(found: Found, { data, marked, feed, rowsCopied }: Written, startedAt: number): ChangeMetrics {
  const { totals, inserts, gone, partly } = found;
  const rewritten = found.marks ? gone : [...gone, ...partly];
  const hadVector = (files: readonly ScanFile[]) => files.filter(({ deletionVector }) => deletionVector !== undefined).length;
  return {
    rowsInserted: inserts?.rowCount ?? 0,
    rowsUpdated: totals.updated,
    rowsDeleted: totals.deleted,
    rowsCopied,
    filesAdded: data.files.length,
    filesRemoved: rewritten.length,
    filesMarked: marked?.paths.size ?? 0,
    bytesWritten: data.bytes + (marked?.bytes ?? 0) + feed.bytes,
    bytesRemoved: rewritten.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    changeFiles: feed.files.length,
    vectorsAdded: marked?.actions.length ?? 0,
    vectorsRemoved: hadVector([...gone, ...partly]),
    vectorsUpdated: found.marks ? hadVector(partly) : 0,
    durationMs: Math.round(performance.now() - startedAt),
  };
}

/** Runs work while the view of the rows is that of the plan. */
export async function withRows<T>(
  { store }: TableLocation,
  plan: ScanPlan,
  { lease, signal, rowIds = false }: Pick<ChangeOptions, 'lease' | 'signal'> & Pick<RelationOptions, 'rowIds'>,
  work: (rows: Sql) => Promise<T>,
): Promise<T> {
  const rows = await planToSql(plan, store, { scope: lease, signal, numbered: true, rowIds });
  await lease.run(sql`CREATE OR REPLACE TEMP VIEW ${rowsView} AS ${rows}`, { signal });
  try {
    return await work(rowsView);
  } finally {
    await lease.run(sql`DROP VIEW IF EXISTS temp.${rowsView}`);
  }
}

/** Puts the rows that change into their table; says how many of each file there are, by its position in the plan. */
async function findChanges(
  location: TableLocation,
  plan: ScanPlan,
  snapshot: Snapshot,
  change: RowChange,
  options: FindOptions,
): Promise<ReadonlyMap<number, number>> {
  const { lease, signal } = options;
  const files = change.actions.length === 0 ? [] : plan.files;
  await withRows(location, { ...plan, files }, { lease, signal, rowIds: options.tracked }, async (rows) => {
    const query = await changeRows(change, rows, snapshot, options);
    await lease.run(sql`CREATE OR REPLACE TEMP TABLE ${changesTable} AS ${query}`, { signal });
  });
  const found = new Map<number, number>();
  const { batches } = await lease.stream(sql`SELECT __lakestead_file::DOUBLE, count(*)::DOUBLE FROM ${changesTable} GROUP BY 1`, {
    signal,
  });
  for await (const { rowCount, columns } of batches)
    for (let row = 0; row < rowCount; row += 1) found.set(Number(columns[0]?.[row]), Number(columns[1]?.[row]));
  return found;
}

async function countActions({ actions }: RowChange, { lease, signal }: ChangeOptions): Promise<{ updated: number; deleted: number }> {
  const rows = await lease.rows(sql`SELECT __lakestead_action AS a, count(*) AS n FROM ${changesTable} GROUP BY a`, { signal });
  const totals = { updated: 0, deleted: 0 };
  for (const row of rows) {
    const action = actions[Number(row['a']) - 1];
    if (action !== undefined) totals[action.kind === 'delete' ? 'deleted' : 'updated'] += Number(row['n']);
  }
  return totals;
}

/** How many rows a file has that are not deleted yet; `undefined` where its writer did not say. */
function liveRows({ files }: Snapshot, { index = -1, deletionVector }: ScanFile): number | undefined {
  const rows = parseStatistics(files.stats[index] ?? null)?.numRecords;
  return rows === undefined ? undefined : rows - (deletionVector?.cardinality ?? 0);
}
