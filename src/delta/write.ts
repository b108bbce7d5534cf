import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';
import type { Column } from '#engine';
import { type Sql, sql } from '#sql';

import type { Action, CommitInfo, Metadata } from './actions.ts';
import { writeCheckpoint } from './checkpoint-write.ts';
import { partitionKeys } from './column-mapping.ts';
import { commit } from './commit.ts';
import { encodeFilePath } from './file-path.ts';
import { checkProperties, checkWritable } from './protocol-support.ts';
import { findField, formatSchema, type StructType } from './schema.ts';
import { describeLocation, loadSnapshot, type Snapshot, type TableLocation } from './snapshot.ts';
import { nothingStaged, type StagedData, stageData } from './stage.ts';
import type { CommitResult, WriteOptions, WriteTableOptions } from './table.ts';
import { planWrite } from './write-plan.ts';

const engineInfo = 'Lakestead';
const defaultCheckpointInterval = 10;

/** Adds rows: see {@link DeltaTable.append}. */
export async function append(location: TableLocation, query: Sql, options: WriteOptions): Promise<CommitResult> {
  const snapshot = await loadForWrite(location, options, false);
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
    staged,
    0,
    options,
  );
  return await finish(
    location,
    staged,
    { readVersion: snapshot.version, actions: [...metadataAction(metadata), ...adds(staged)], commitInfo: info, reads: 'nothing' },
    0,
    snapshot,
    options,
  );
}

/** Replaces all rows: see {@link DeltaTable.overwrite}. */
export async function overwrite(location: TableLocation, query: Sql, options: WriteOptions): Promise<CommitResult> {
  const snapshot = await loadForWrite(location, options, true);
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
    staged,
    snapshot.files.count,
    options,
  );
  const actions = [...metadataAction(metadata), ...adds(staged), ...removes(snapshot)];
  return await finish(
    location,
    staged,
    { readVersion: snapshot.version, actions, commitInfo: info, reads: 'table' },
    snapshot.files.count,
    snapshot,
    options,
  );
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
    signal: options.signal,
  });
}

type CreateDetails = Pick<WriteOptions, 'userMetadata' | 'signal'> & {
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
  const commitInfo = newCommitInfo(details.operation, parameters, undefined, true, staged, 0, details);
  const protocol = { minReaderVersion: 1, minWriterVersion: 2, readerFeatures: undefined, writerFeatures: undefined };
  const transaction = {
    readVersion: -1,
    actions: [{ protocol }, { metaData: metadata }, ...adds(staged)],
    commitInfo,
    reads: 'table' as const,
  };
  checkProperties(properties, table);
  return await finish(location, staged, transaction, 0, undefined, details);
}

async function loadForWrite(location: TableLocation, options: WriteOptions, removesData: boolean): Promise<Snapshot> {
  const snapshot = await loadSnapshot(location, options);
  checkWritable(snapshot.protocol, snapshot.metadata, snapshot.schema, snapshot.table, removesData);
  return snapshot;
}

/** The names and types of a query's columns, found without running it. As a subquery it would hide names that stand twice. */
async function columnsOf(query: Sql, { lease, signal }: Pick<WriteOptions, 'lease' | 'signal'>): Promise<readonly Column[]> {
  const rows = await lease.rows(sql`DESCRIBE (${query}\n)`, { signal });
  return rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
}

async function stage(
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
    now: new Date(),
    indexedColumns: Number.isInteger(indexed) ? indexed : undefined,
  });
}

async function finish(
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

function adds(staged: StagedData): Action[] {
  return staged.files.map((add) => ({ add }));
}

function metadataAction(metaData: Metadata | undefined): Action[] {
  return metaData === undefined ? [] : [{ metaData }];
}

function removes({ files, metadata }: Snapshot): Action[] {
  const deletionTimestamp = Date.now();
  return files.paths.map((path, index) => ({
    remove: {
      path: files.spelledPaths.get(index) ?? encodeFilePath(path),
      deletionTimestamp,
      dataChange: true,
      extendedFileMetadata: true,
      partitionValues: Object.fromEntries(
        partitionKeys(metadata).map((column, position) => [column, files.partitionValues[position]?.[index] ?? null]),
      ),
      size: files.sizes[index],
      stats: undefined,
      tags: undefined,
      deletionVector: files.deletionVectors.get(index),
      baseRowId: undefined,
      defaultRowCommitVersion: undefined,
    },
  }));
}

function newCommitInfo(
  operation: string,
  operationParameters: Readonly<Record<string, string | null>>,
  readVersion: number | undefined,
  isBlindAppend: boolean,
  staged: StagedData,
  filesRemoved: number,
  options: Pick<WriteOptions, 'userMetadata'>,
): CommitInfo & { readonly txnId: string } {
  const metrics = {
    numFiles: String(staged.files.length),
    numOutputRows: String(staged.rowCount),
    numOutputBytes: String(staged.bytes),
    ...(filesRemoved === 0 ? {} : { numRemovedFiles: String(filesRemoved) }),
  };
  return {
    timestamp: Date.now(),
    inCommitTimestamp: undefined,
    operation,
    operationParameters: { ...operationParameters },
    operationMetrics: staged === nothingStaged && operation === 'CREATE TABLE' ? {} : metrics,
    readVersion,
    isolationLevel: 'Serializable',
    isBlindAppend,
    engineInfo,
    userMetadata: options.userMetadata,
    txnId: randomUUID(),
  };
}

function refusePartitionBy(snapshot: Snapshot, { partitionBy }: WriteOptions): void {
  if (
    partitionBy === undefined ||
    partitionBy.map((name) => name.toLowerCase()).join('\0') === snapshot.partitionColumns.map((name) => name.toLowerCase()).join('\0')
  )
    return;
  throw new LakesteadError(
    'DELTA_SCHEMA_MISMATCH',
    `${snapshot.table} is partitioned by (${snapshot.partitionColumns.join(', ')}), not by (${partitionBy.join(', ')}); nothing was written`,
    {
      hint: 'overwrite with schemaMode "overwrite" to change the partitioning',
    },
  );
}

/** The partition columns as the schema spells them. */
function checkPartitioning(schema: StructType, partitionBy: readonly string[], table: string): readonly string[] {
  const names = partitionBy.map((name) => {
    const field = findField(schema, name);
    if (field !== undefined && typeof field.type === 'string' && !['binary', 'float', 'double'].includes(field.type)) return field.name;
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      field === undefined
        ? `${table} has no column ${name} to be partitioned by; nothing was written`
        : `${table} cannot be partitioned by ${name}, which is of a type that cannot name a folder; nothing was written`,
      {
        hint: 'partition by a string, a whole number, a decimal, a date, a timestamp or a boolean',
      },
    );
  });
  if (names.length > 0 && names.length === schema.fields.length) {
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `all columns of ${table} are partition columns; nothing was written`, {
      hint: 'leave at least one column that is none',
    });
  }
  return names;
}
