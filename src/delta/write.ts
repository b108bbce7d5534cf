import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';
import type { Column } from '#engine';
import { type Sql, sql } from '#sql';

import type { Metadata } from './actions.ts';
import { writeCheckpoint } from './checkpoint-write.ts';
import { adds, isCommitted, metadataAction, newCommitInfo, removes, txnAction, writeMetrics } from './commit-actions.ts';
import { commit } from './commit.ts';
import { checkPartitioning, refusePartitionBy } from './partitioning.ts';
import { checkProperties, checkWritable } from './protocol-support.ts';
import { formatSchema, type StructType } from './schema.ts';
import { describeLocation, loadSnapshot, type Snapshot, type SnapshotOptions, type TableLocation } from './snapshot.ts';
import { type StagedData, stageData } from './stage.ts';
import type { CommitResult, WriteOptions, WriteTableOptions } from './table.ts';
import { planWrite } from './write-plan.ts';

const defaultCheckpointInterval = 10;

/** Adds rows: see {@link DeltaTable.append}. */
export async function append(location: TableLocation, query: Sql, options: WriteOptions): Promise<CommitResult> {
  const snapshot = await loadForWrite(location, options, false);
  if (isCommitted(snapshot, options.txn)) return nothingWritten(snapshot);
  refusePartitionBy(snapshot, options);
  const columns = await columnsOf(query, options);
  const plan = planWrite(query, columns, snapshot.schema, options.schemaMode === 'merge' ? 'merge' : 'strict', snapshot.table);
  const staged = await stage(location, plan.query, plan.schema, snapshot.partitionColumns, snapshot.metadata, options);
  const metadata = plan.schema === snapshot.schema ? undefined : { ...snapshot.metadata, schemaString: formatSchema(plan.schema) };
  const info = newCommitInfo(
    'WRITE',
    { mode: 'Append', partitionBy: JSON.stringify(snapshot.partitionColumns) },
    snapshot.version,
    true,
    writeMetrics(staged, 0),
    options,
  );
  return await finish(
    location,
    staged,
    {
      readVersion: snapshot.version,
      actions: [...txnAction(options.txn), ...metadataAction(metadata), ...adds(staged)],
      commitInfo: info,
      reads: 'nothing',
    },
    0,
    snapshot,
    options,
  );
}

/** Replaces all rows: see {@link DeltaTable.overwrite}. */
export async function overwrite(location: TableLocation, query: Sql, options: WriteOptions): Promise<CommitResult> {
  const snapshot = await loadForWrite(location, options, true);
  if (isCommitted(snapshot, options.txn)) return nothingWritten(snapshot);
  const replacesSchema = options.schemaMode === 'overwrite';
  if (!replacesSchema) refusePartitionBy(snapshot, options);
  const columns = await columnsOf(query, options);
  const plan = planWrite(
    query,
    columns,
    replacesSchema ? undefined : snapshot.schema,
    options.schemaMode === 'merge' ? 'merge' : 'strict',
    snapshot.table,
  );
  const partitionColumns = replacesSchema && options.partitionBy !== undefined ? options.partitionBy : snapshot.partitionColumns;
  const schema = replacesSchema && formatSchema(plan.schema) === formatSchema(snapshot.schema) ? snapshot.schema : plan.schema;
  const partitioned = checkPartitioning(schema, partitionColumns, snapshot.table);
  const staged = await stage(location, plan.query, schema, partitioned, snapshot.metadata, options);
  const isSame = schema === snapshot.schema && partitioned.join('\0') === snapshot.partitionColumns.join('\0');
  const metadata = isSame ? undefined : { ...snapshot.metadata, schemaString: formatSchema(schema), partitionColumns: [...partitioned] };
  const info = newCommitInfo(
    'WRITE',
    { mode: 'Overwrite', partitionBy: JSON.stringify(partitioned) },
    snapshot.version,
    false,
    writeMetrics(staged, snapshot.files.count),
    options,
  );
  const actions = [...txnAction(options.txn), ...metadataAction(metadata), ...adds(staged), ...removes(snapshot)];
  return await finish(
    location,
    staged,
    { readVersion: snapshot.version, actions, commitInfo: info, reads: 'table' },
    snapshot.files.count,
    snapshot,
    options,
  );
}

/** The application had written this before. */
function nothingWritten({ version }: Snapshot): CommitResult {
  return { version, rowsWritten: 0, filesAdded: 0, filesRemoved: 0, bytesWritten: 0, warnings: [] };
}

/** Makes a table from a query. Of two at a time one wins, the other gets `DELTA_CONFLICT`. */
export async function createFromQuery(options: WriteTableOptions): Promise<CommitResult> {
  const table = describeLocation(options);
  const columns = await columnsOf(options.query, options);
  const plan = planWrite(options.query, columns, undefined, 'strict', table);
  const partitionColumns = checkPartitioning(plan.schema, options.partitionBy ?? [], table);
  const staged = await stage(options, plan.query, plan.schema, partitionColumns, undefined, options);
  const operation = options.mode === 'error' ? 'CREATE TABLE AS SELECT' : 'WRITE';
  return await commitCreate(options, plan.schema, partitionColumns, {}, staged, {
    operation,
    mode: options.mode,
    userMetadata: options.userMetadata,
    txn: options.txn,
    signal: options.signal,
  });
}

type CreateDetails = Pick<WriteOptions, 'userMetadata' | 'signal' | 'txn'> & {
  readonly operation: string;
  readonly mode?: WriteTableOptions['mode'];
  readonly name?: string | undefined;
  readonly description?: string | undefined;
};

/** Commits version 0. Files that are staged are removed again when that fails. */
export async function commitCreate(
  location: TableLocation,
  schema: StructType,
  partitionBy: readonly string[],
  properties: Readonly<Record<string, string>>,
  staged: StagedData,
  details: CreateDetails,
): Promise<CommitResult> {
  const table = describeLocation(location);
  const metadata: Metadata = {
    id: randomUUID(),
    name: details.name,
    description: details.description,
    format: { provider: 'parquet', options: {} },
    schemaString: formatSchema(schema),
    partitionColumns: [...checkPartitioning(schema, partitionBy, table)],
    configuration: { ...properties },
    createdTime: Date.now(),
  };
  const parameters =
    details.operation === 'CREATE TABLE'
      ? {
          isManaged: 'false',
          description: details.description ?? null,
          partitionBy: JSON.stringify(partitionBy),
          properties: JSON.stringify(properties),
        }
      : {
          mode: details.mode === 'overwrite' ? 'Overwrite' : details.mode === 'append' ? 'Append' : 'ErrorIfExists',
          partitionBy: JSON.stringify(partitionBy),
        };
  const commitInfo = newCommitInfo(
    details.operation,
    parameters,
    undefined,
    true,
    details.operation === 'CREATE TABLE' ? {} : writeMetrics(staged, 0),
    details,
  );
  const protocol = { minReaderVersion: 1, minWriterVersion: 2, readerFeatures: undefined, writerFeatures: undefined };
  const transaction = {
    readVersion: -1,
    actions: [...txnAction(details.txn), { protocol }, { metaData: metadata }, ...adds(staged)],
    commitInfo,
    reads: 'table' as const,
  };
  checkProperties(properties, table);
  return await finish(location, staged, transaction, 0, undefined, details);
}

/** The newest version, where we keep the rules that it has for writers. */
export async function loadForWrite(location: TableLocation, options: SnapshotOptions, removesData: boolean): Promise<Snapshot> {
  const snapshot = await loadSnapshot(location, options);
  checkWritable(snapshot.protocol, snapshot.metadata, snapshot.schema, snapshot.table, removesData);
  return snapshot;
}

/** The names and types of a query's columns in their order, found without running it. As a subquery it would hide names that stand twice. */
export async function columnsOf(query: Sql, { lease, signal }: Pick<WriteOptions, 'lease' | 'signal'>): Promise<readonly Column[]> {
  const rows = await lease.rows(sql`DESCRIBE (${query}\n)`, { signal });
  return rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
}

/** Writes rows as files of the table, in no version yet. */
export async function stage(
  location: TableLocation,
  query: Sql,
  schema: StructType,
  partitionColumns: readonly string[],
  metadata: Metadata | undefined,
  options: WriteOptions,
): Promise<StagedData> {
  const indexed = Number(metadata?.configuration['delta.dataSkippingNumIndexedCols'] ?? Number.NaN);
  return await stageData(query, {
    store: location.store,
    tablePath: location.path,
    schema,
    partitionColumns,
    lease: options.lease,
    signal: options.signal,
    onProgress: options.onProgress,
    now: new Date(),
    indexedColumns: Number.isInteger(indexed) ? indexed : undefined,
  });
}

/** Commits what is staged, and takes the files back where that fails; then a checkpoint when it is time for one. */
export async function finish(
  location: TableLocation,
  staged: StagedData,
  transaction: Parameters<typeof commit>[1],
  filesRemoved: number,
  snapshot: Snapshot | undefined,
  options: Partial<Pick<WriteOptions, 'lease' | 'signal'>>,
): Promise<CommitResult> {
  let version: number;
  try {
    ({ version } = await commit(location, transaction, options.signal));
  } catch (error) {
    // Only where nobody can have committed it: an answer that got lost may still mean that the files are in the table.
    if (error instanceof LakesteadError && (error.code === 'DELTA_CONFLICT' || error.code === 'DISK_FULL')) await unstage(location, staged);
    throw error;
  }
  const warnings: string[] = [];
  const interval = Number(snapshot?.metadata.configuration['delta.checkpointInterval'] ?? defaultCheckpointInterval);
  if (version > 0 && version % interval === 0 && options.lease !== undefined) {
    try {
      const current = await loadSnapshot(location, { lease: options.lease, signal: options.signal });
      if (current.version === version) await writeCheckpoint(location, current, options.lease, options);
    } catch (error) {
      // The commit stands; a checkpoint only makes opening faster, and a later commit writes the next one.
      warnings.push(`no checkpoint of version ${version} was written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { version, rowsWritten: staged.rowCount, filesAdded: staged.files.length, filesRemoved, bytesWritten: staged.bytes, warnings };
}

/** Removes files that no commit names. What cannot be removed is invisible all the same, and left to vacuum. */
async function unstage({ store }: TableLocation, staged: StagedData): Promise<void> {
  await Promise.allSettled(staged.objectPaths.map(async (path) => await store.delete(path)));
}
