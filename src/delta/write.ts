import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';
import type { Column } from '#engine';
import { type Sql, sql } from '#sql';

import type { Action, Metadata } from './actions.ts';
import { writeCheckpoint } from './checkpoint-write.ts';
import { clusteringAction } from './clustering.ts';
import { columnMappingOf } from './column-mapping.ts';
import { afterNumbering } from './column-values.ts';
import { adds, isCommitted, newCommitInfo, removes, txnAction, writeMetrics } from './commit-actions.ts';
import { commit } from './commit.ts';
import { type Definition, defineTable } from './evolve.ts';
import { cleanLog } from './log-cleanup.ts';
import { checkPartitioning, refusePartitionBy } from './partitioning.ts';
import { checkProperties } from './properties.ts';
import { checkWritable } from './protocol-support.ts';
import { emptyState } from './replay.ts';
import { describeType, formatSchema, type StructField, type StructType } from './schema.ts';
import { describeLocation, loadSnapshot, type Snapshot, type SnapshotOptions, type TableLocation } from './snapshot.ts';
import { type FileLayout, type StagedData, stageData, type StageOptions } from './stage.ts';
import type { CommitResult, WriteOptions, WriteTableOptions } from './table.ts';
import { writeChecksum } from './version-checksum.ts';
import { planWrite } from './write-plan.ts';

const defaultCheckpointInterval = 10;

/** Adds rows: see {@link DeltaTable.append}. */
export async function append(location: TableLocation, query: Sql, options: WriteOptions): Promise<CommitResult> {
  const snapshot = await loadForWrite(location, options, false);
  if (isCommitted(snapshot, options.txn)) return nothingWritten(snapshot);
  refusePartitionBy(snapshot, options);
  const columns = await columnsOf(query, options);
  const mode = options.schemaMode === 'merge' ? 'merge' : 'strict';
  const plan = planWrite(query, columns, snapshot.schema, mode, snapshot.table, isMapped(snapshot.metadata));
  const definition = defineTable(snapshot, { metadata: snapshot.metadata, schema: plan.schema }, snapshot.table);
  const layout = { ...definition, partitionColumns: snapshot.partitionColumns };
  const staged = await stage(location, plan.query, layout, options);
  const numbered = numberedDefinition(snapshot, definition, plan.given, staged.rowCount);
  const info = newCommitInfo(
    'WRITE',
    { mode: 'Append', partitionBy: JSON.stringify(snapshot.partitionColumns) },
    snapshot.version,
    true,
    writeMetrics(staged, 0),
    options,
  );
  const actions = [...txnAction(options.txn), ...numbered, ...adds(staged)];
  return await finish(
    location,
    staged,
    { readVersion: snapshot.version, actions, commitInfo: info, reads: 'nothing' },
    0,
    snapshot,
    options,
  );
}

/** What says that the definition is new, with how far columns have numbered their rows. */
export function numberedDefinition(
  before: Snapshot | undefined,
  definition: Definition,
  given: ReadonlySet<string>,
  rowCount: number,
): readonly Action[] {
  const schema = afterNumbering(definition.schema, given, rowCount);
  if (schema === definition.schema) return definition.actions;
  const metaData = { ...definition.metadata, schemaString: formatSchema(schema) };
  const isNewProtocol = definition.actions.some((action) => action.protocol);
  return [...(isNewProtocol || before === undefined ? [{ protocol: definition.protocol }] : []), { metaData }];
}

/** Columns have other names in files than in the table, so that any name will do. */
export function isMapped(metadata: Metadata): boolean {
  return columnMappingOf(metadata) !== 'none';
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
    isMapped(snapshot.metadata),
  );
  const partitionColumns = replacesSchema && options.partitionBy !== undefined ? options.partitionBy : snapshot.partitionColumns;
  const schema = replacesSchema && isSameSchema(plan.schema, snapshot.schema) ? snapshot.schema : plan.schema;
  const partitioned = checkPartitioning(schema, partitionColumns, snapshot.table);
  const metadata = { ...snapshot.metadata, partitionColumns: [...partitioned] };
  const definition = defineTable(snapshot, { metadata, schema }, snapshot.table);
  const staged = await stage(location, plan.query, { ...definition, partitionColumns: partitioned }, options);
  const info = newCommitInfo(
    'WRITE',
    { mode: 'Overwrite', partitionBy: JSON.stringify(partitioned) },
    snapshot.version,
    false,
    writeMetrics(staged, snapshot.files.count),
    options,
  );
  const numbered = numberedDefinition(snapshot, definition, plan.given, staged.rowCount);
  const actions = [...txnAction(options.txn), ...numbered, ...adds(staged), ...removes(snapshot)];
  return await finish(
    location,
    staged,
    { readVersion: snapshot.version, actions, commitInfo: info, reads: 'table' },
    snapshot.files.count,
    snapshot,
    options,
  );
}

/** Whether a query's columns are those of a table, but for what only the table says of them. */
function isSameSchema(given: StructType, current: StructType): boolean {
  const plain = (schema: StructType) => describeType(schema);
  return plain(given) === plain(current) && current.fields.every(({ nullable }) => nullable);
}

/** The application had written this before. */
function nothingWritten({ version }: Snapshot): CommitResult {
  return { version, rowsWritten: 0, filesAdded: 0, filesRemoved: 0, bytesWritten: 0, warnings: [] };
}

/** Makes a table from a query. Of two at a time one wins, the other gets `DELTA_CONFLICT`. */
export async function createFromQuery(options: WriteTableOptions): Promise<CommitResult> {
  const table = describeLocation(options);
  const columns = await columnsOf(options.query, options);
  const { properties = {}, name, description } = options;
  const configuration = { ...properties };
  const plan = planWrite(options.query, columns, undefined, 'strict', table, isMapped({ ...emptyMetadata, configuration }));
  const partitionColumns = checkPartitioning(plan.schema, options.partitionBy ?? [], table);
  const clustering = options.clusterBy === undefined ? [] : ['clustering'];
  const features = [...(options.features ?? []), ...clustering];
  const definition = newDefinition({ schema: plan.schema, partitionColumns, properties, name, description, features }, table);
  const more = options.clusterBy === undefined ? [] : [clusteringAction(options.clusterBy, definition, table)];
  const staged = await stage(options, plan.query, { ...definition, partitionColumns }, options);
  const operation = options.mode === 'error' ? 'CREATE TABLE AS SELECT' : 'WRITE';
  const { mode, userMetadata, txn, signal } = options;
  return await commitCreate(options, definition, staged, { operation, mode, userMetadata, txn, signal, more });
}

const emptyMetadata: Metadata = {
  id: '', name: undefined, description: undefined, format: { provider: 'parquet', options: {} }, schemaString: '', partitionColumns: [], configuration: {}, createdTime: undefined,
}; // prettier-ignore

/** What a table that is not there yet is to be. */
export type NewTable = {
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Features beside those that properties and columns ask for. */
  readonly features?: readonly string[] | undefined;
};

/** The definition of a new table: reader version 1 and writer version 2 where nothing asks for more. */
export function newDefinition(table: NewTable, where: string): Definition {
  checkProperties(table.properties, where);
  const metadata: Metadata = {
    ...emptyMetadata,
    id: randomUUID(),
    name: table.name,
    description: table.description,
    partitionColumns: [...checkPartitioning(table.schema, table.partitionColumns, where)],
    configuration: { ...table.properties },
    createdTime: Date.now(),
  };
  return defineTable(undefined, { metadata, schema: table.schema, features: table.features ?? [] }, where);
}

type CreateDetails = Pick<WriteOptions, 'userMetadata' | 'signal' | 'txn'> & {
  readonly operation: string;
  readonly mode?: WriteTableOptions['mode'];
  /** Of a feature: such as the columns that a table is clustered by. */
  readonly more?: readonly Action[] | undefined;
};

/** Commits version 0. Files that are staged are removed again when that fails. */
export async function commitCreate(
  location: TableLocation,
  definition: Definition,
  staged: StagedData,
  details: CreateDetails,
): Promise<CommitResult> {
  const { metadata } = definition;
  const partitionBy = JSON.stringify(metadata.partitionColumns);
  const isEmpty = details.operation === 'CREATE TABLE';
  const parameters = isEmpty
    ? { isManaged: 'false', description: metadata.description ?? null, partitionBy, properties: JSON.stringify(metadata.configuration) }
    : { mode: details.mode === 'overwrite' ? 'Overwrite' : details.mode === 'append' ? 'Append' : 'ErrorIfExists', partitionBy };
  const commitInfo = newCommitInfo(details.operation, parameters, undefined, true, isEmpty ? {} : writeMetrics(staged, 0), details);
  const numbered = numberedDefinition(undefined, definition, new Set(), staged.rowCount);
  const transaction = {
    readVersion: -1,
    actions: [...txnAction(details.txn), ...numbered, ...(details.more ?? []), ...adds(staged)],
    commitInfo,
    reads: 'table' as const,
  };
  return await finish(location, staged, transaction, 0, undefined, details);
}

/** The newest version, where we keep the rules that it has for writers. */
export async function loadForWrite(location: TableLocation, options: SnapshotOptions, removesData: boolean): Promise<Snapshot> {
  const snapshot = await loadSnapshot(location, options);
  checkWritable(snapshot.protocol, snapshot.metadata, snapshot.table, removesData);
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
  layout: FileLayout,
  options: Pick<WriteOptions, 'lease' | 'signal' | 'onProgress'> & Pick<StageOptions, 'isChecked' | 'keepsRowIds' | 'isFeed' | 'isWhole'>,
): Promise<StagedData> {
  const { lease, signal, onProgress, isChecked, keepsRowIds, isFeed, isWhole } = options;
  const { store, path: tablePath } = location;
  return await stageData(query, {
    store,
    tablePath,
    layout,
    lease,
    signal,
    onProgress,
    isChecked,
    keepsRowIds,
    isFeed,
    isWhole,
    now: new Date(),
  });
}

const changeType: StructField = { name: '_change_type', type: 'string', nullable: false, metadata: {} };

/** Writes rows of the change feed, which have `_change_type` behind the table's columns. */
export async function stageChanges(location: TableLocation, query: Sql, layout: FileLayout, options: WriteOptions): Promise<StagedData> {
  const schema: StructType = { type: 'struct', fields: [...layout.schema.fields, changeType] };
  return await stage(location, query, { ...layout, schema }, { ...options, isChecked: true, isFeed: true });
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
  let committed: readonly Action[];
  try {
    ({ version, actions: committed } = await commit(location, { ...transaction, snapshot }, options.signal));
  } catch (error) {
    // Only where nobody can have committed it: an answer that got lost may still mean that the files are in the table.
    if (error instanceof LakesteadError && (error.code === 'DELTA_CONFLICT' || error.code === 'DISK_FULL')) await unstage(location, staged);
    throw error;
  }
  const warnings: string[] = [];
  await noteChecksum(location, version, committed, snapshot);
  const interval = Number(snapshot?.metadata.configuration['delta.checkpointInterval'] ?? defaultCheckpointInterval);
  if (version > 0 && version % interval === 0 && options.lease !== undefined) {
    try {
      const current = await loadSnapshot(location, { lease: options.lease, signal: options.signal });
      if (current.version === version) {
        await writeCheckpoint(location, current, options.lease, options);
        await cleanLog(location, current, { before: version, signal: options.signal });
      }
    } catch (error) {
      // The commit stands; a checkpoint only makes opening faster, and a later commit writes the next one.
      warnings.push(`no checkpoint of version ${version} was written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { version, rowsWritten: staged.rowCount, filesAdded: staged.files.length, filesRemoved, bytesWritten: staged.bytes, warnings };
}

/** Only where all that came before is known; where it is not, or cannot be written, the log alone counts. */
async function noteChecksum(
  { store, path }: TableLocation,
  version: number,
  committed: readonly Action[],
  snapshot: Snapshot | undefined,
): Promise<void> {
  const isNext = version === (snapshot?.version ?? -1) + 1;
  if (!isNext) return;
  await writeChecksum(store, path, version, snapshot?.log ?? emptyState, committed).catch(() => undefined);
}

/** Removes files that no commit names. What cannot be removed is invisible all the same, and left to vacuum. */
async function unstage({ store }: TableLocation, staged: StagedData): Promise<void> {
  await Promise.allSettled(staged.objectPaths.map(async (path) => await store.delete(path)));
}
