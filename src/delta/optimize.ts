import { LakesteadError } from '#core';
import { ident, join, literal, type Sql, sql } from '#sql';

import type { Action, AddFile } from './actions.ts';
import { clusteringOf } from './clustering.ts';
import { newCommitInfo, removes } from './commit-actions.ts';
import { partitionConstant } from './partition-value.ts';
import { parseBytes } from './properties.ts';
import { planToSql } from './relation.ts';
import { planScan, type ScanFile, type ScanPlan } from './scan-plan.ts';
import { findField } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import type { StagedData } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { inZOrder } from './z-order.ts';
import { finish, loadForWrite, stage } from './write.ts';

/** What is optimized, and how. */
export type OptimizeOptions = Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'> & {
  /** Only partitions that fit; may name partition columns alone. */
  readonly where?: Sql | undefined;
  /** How the condition reads in the history. */
  readonly whereText?: string | undefined;
  /** Sorts rows so that those near in all of these columns stand near one another: filters on any of them leave files out. */
  readonly zorderBy?: readonly string[] | undefined;
  /** Of a clustered table: all files, also those that are clustered already. */
  readonly isFull?: boolean | undefined;
  /** Only files with deleted rows, which are left out for good: REORG TABLE ... APPLY (PURGE). */
  readonly purge?: boolean | undefined;
  /** With `purge`: also files without deleted rows, so that all are as the table's definition has them now. */
  readonly everyFile?: boolean | undefined;
  /** About how large a file gets. Default: the table's `delta.targetFileSize`, else 128 MiB. */
  readonly targetFileBytes?: number | undefined;
};

/** What an optimize did. No `version`: nothing was worth it, and nothing was committed. */
export type OptimizeResult = {
  readonly version: number | undefined;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  readonly bytesAdded: number;
  readonly bytesRemoved: number;
  readonly warnings: readonly string[];
};

const defaultTargetBytes = 128 * 1024 * 1024;

/**
 * Writes small files of each partition together, or all of them in z-order, without a change of any row: see {@link DeltaTable.optimize}.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when another writer removed one of the files meanwhile
 */
export async function optimizeTable(location: TableLocation, options: OptimizeOptions): Promise<OptimizeResult> {
  const snapshot = await loadForWrite(location, options, false);
  const plan = planScan(snapshot);
  const clustering = clusteringOf(snapshot);
  const work = planWork(await inPartitions(plan, snapshot, options), clustering, snapshot, options);
  const { zorderBy, bins, target } = work;
  const done: StagedData[] = [];
  const tracked = plan.rowColumns !== undefined;
  const take = async (query: Sql): Promise<void> => {
    done.push(await stage(location, query, snapshot, { ...options, isChecked: true, keepsRowIds: tracked, isWhole: true }));
  };
  try {
    for (const bin of bins) {
      const rows = await planToSql({ ...plan, files: bin }, location.store, {
        scope: options.lease,
        signal: options.signal,
        rowIds: tracked,
      });
      if (work.order.length === 0) await take(rows);
      else await inZOrder(rows, work.order, Math.max(1, Math.round(sumOf(bin) / target)), snapshot, options, take);
    }
  } catch (error) {
    // No commit names these yet.
    await Promise.allSettled(done.flatMap(({ objectPaths }) => objectPaths).map(async (path) => await location.store.delete(path)));
    throw error;
  }
  const tagged = work.isClustered ? { clusteringProvider: 'liquid', tags: clusterTags(clustering) } : {};
  const added = done.flatMap((staged) => staged.files).map((add) => ({ ...add, ...tagged }));
  const removed = new Set(bins.flat().map(({ path }) => path));
  const counts = { filesAdded: added.length, filesRemoved: removed.size, bytesAdded: added.reduce((sum, { size }) => sum + size, 0), bytesRemoved: sumOf(bins.flat()) }; // prettier-ignore
  if (removed.size === 0) return { ...counts, version: undefined, warnings: [] };
  const commitInfo = newCommitInfo(
    options.purge === true ? 'REORG' : 'OPTIMIZE',
    {
      predicate: JSON.stringify(options.whereText === undefined ? [] : [options.whereText]),
      ...(options.purge === true ? { applyPurge: 'true' } : { zOrderBy: JSON.stringify(zorderBy), auto: 'false' }),
      ...(work.isClustered ? { clusterBy: JSON.stringify(clustering.map((path) => path.join('.'))) } : {}),
    },
    snapshot.version,
    false,
    {
      numRemovedFiles: counts.filesRemoved,
      numAddedFiles: counts.filesAdded,
      numRemovedBytes: counts.bytesRemoved,
      numAddedBytes: counts.bytesAdded,
      ...sizesOf(added),
    },
    options,
  );
  const all: StagedData = {
    files: added,
    objectPaths: done.flatMap(({ objectPaths }) => objectPaths),
    rowCount: done.reduce((sum, { rowCount }) => sum + rowCount, 0),
    bytes: counts.bytesAdded,
  };
  const transaction = {
    readVersion: snapshot.version,
    actions: sameData(added, removes(snapshot, removed)),
    commitInfo,
    reads: 'files' as const,
  };
  const { version, warnings } = await finish(location, all, transaction, removed.size, snapshot, options);
  return { ...counts, version, warnings };
}

type Work = {
  /** Which files become which: those of a bin are written together. */
  readonly bins: readonly (readonly ScanFile[])[];
  readonly zorderBy: readonly string[];
  /** What rows are sorted by, as paths. */
  readonly order: readonly (readonly string[])[];
  readonly isClustered: boolean;
  readonly target: number;
};

/** Decides what is written together, and in which order. Reads nothing. */
function planWork(
  files: readonly ScanFile[],
  clustering: readonly (readonly string[])[],
  snapshot: Snapshot,
  options: OptimizeOptions,
): Work {
  const zorderBy = (options.zorderBy ?? []).map((name) => zorderColumn(name, snapshot));
  const target = targetBytes(snapshot, options);
  const isClustered = clustering.length > 0;
  const partitions = [...Map.groupBy(files, ({ partitionValues }) => JSON.stringify(partitionValues)).values()];
  if (options.purge === true) {
    const isOutdated = ({ deletionVector }: ScanFile) => options.everyFile === true || deletionVector !== undefined;
    const bins = partitions.map((partition) => partition.filter(isOutdated)).filter(({ length }) => length > 0);
    return { bins, zorderBy: [], order: [], isClustered: false, target };
  }
  if (isClustered && zorderBy.length > 0)
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${snapshot.table} is clustered: OPTIMIZE sorts it by its own columns, not by z-order`,
    );
  if (options.isFull === true && !isClustered)
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${snapshot.table} is not clustered: OPTIMIZE FULL is for tables that are`);
  if (isClustered) {
    // What is clustered by the same columns stays, so that each run only sorts what came since.
    const tag = clusterTags(clustering)[clusterTag];
    const isDone = (file: ScanFile) => tagsOf(snapshot, file)[clusterTag] === tag;
    const bin = options.isFull === true ? files : files.filter((file) => !isDone(file));
    return { bins: bin.length === 0 ? [] : [bin], zorderBy: [], order: clustering, isClustered, target };
  }
  const order = zorderBy.map((name) => [name]);
  const bins = zorderBy.length > 0 ? partitions : partitions.flatMap((partition) => packFiles(partition, target));
  return { bins, zorderBy, order, isClustered, target };
}

/** Says by which columns a file's rows were put together. */
const clusterTag = 'LAKESTEAD_CLUSTERED_BY';

function clusterTags(clustering: readonly (readonly string[])[]): Readonly<Record<string, string>> {
  return { [clusterTag]: JSON.stringify(clustering) };
}

function tagsOf({ files }: Snapshot, { index = -1 }: ScanFile): Readonly<Record<string, unknown>> {
  const tags: unknown = files.extras.get(index)?.['tags'];
  return typeof tags === 'object' && tags !== null ? { ...tags } : {};
}

function sumOf(files: readonly ScanFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** No row changes: streams and change feeds pass over such files. */
function sameData(added: readonly AddFile[], removed: readonly Action[]): readonly Action[] {
  return [
    ...added.map((add) => ({ add: { ...add, dataChange: false } })),
    ...removed.map((action) => (action.remove ? { remove: { ...action.remove, dataChange: false } } : action)),
  ];
}

function sizesOf(files: readonly AddFile[]): Readonly<Record<string, number>> {
  const sizes = files.map(({ size }) => size).toSorted((a, b) => a - b);
  const at = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(share * sizes.length))] ?? 0;
  return { minFileSize: at(0), p25FileSize: at(0.25), p50FileSize: at(0.5), p75FileSize: at(0.75), maxFileSize: at(1) };
}

/** About how many bytes a file gets. */
function targetBytes({ metadata, table }: Snapshot, { targetFileBytes }: OptimizeOptions): number {
  const bytes = targetFileBytes ?? parseBytes(metadata.configuration['delta.targetFileSize']) ?? defaultTargetBytes;
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new LakesteadError('USAGE', `the files of ${table} cannot be made ${bytes} bytes large`);
}

/** How many bins are open at a time: looking at all of them would take the square of their number. */
const openBins = 16;

/** Small files, largest first, each to the first open bin that has room. A bin of one file is nothing to do. */
function packFiles(files: readonly ScanFile[], target: number): readonly (readonly ScanFile[])[] {
  const bins: { bytes: number; readonly files: ScanFile[] }[] = [];
  for (const file of files.filter(({ sizeBytes }) => sizeBytes < target).toSorted((a, b) => b.sizeBytes - a.sizeBytes)) {
    const bin = bins.slice(-openBins).find(({ bytes }) => bytes + file.sizeBytes <= target);
    if (bin === undefined) bins.push({ bytes: file.sizeBytes, files: [file] });
    else {
      bin.bytes += file.sizeBytes;
      bin.files.push(file);
    }
  }
  return bins.map((bin) => bin.files).filter(({ length }) => length > 1);
}

/** The files of the partitions that the condition takes. */
async function inPartitions(plan: ScanPlan, snapshot: Snapshot, { where, lease, signal }: OptimizeOptions): Promise<readonly ScanFile[]> {
  if (where === undefined || plan.files.length === 0) return plan.files;
  if (plan.partitionColumns.length === 0)
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${snapshot.table} has no partitions that a condition could choose`);
  const groups = [...Map.groupBy(plan.files, ({ partitionValues }) => JSON.stringify(partitionValues)).values()];
  const names = join(plan.partitionColumns.map((name) => ident(name)));
  const values = groups.map(([first], index) => {
    const constants = plan.partitionColumns.map((name, column) =>
      partitionConstant(first?.partitionValues[column] ?? null, findField(snapshot.schema, name)?.type ?? 'string'),
    );
    return sql`(${join([literal(index), ...constants])})`;
  });
  const rows = await lease.rows(
    sql`SELECT __lakestead_group AS g FROM (VALUES ${join(values)}) AS t(__lakestead_group, ${names}) WHERE (${where}) ORDER BY g`,
    { signal },
  );
  return rows.flatMap((row) => groups[Number(row['g'])] ?? []);
}

function zorderColumn(name: string, { schema, partitionColumns, table }: Snapshot): string {
  const field = findField(schema, name);
  if (field === undefined) throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no column ${name} to sort by`);
  if (partitionColumns.includes(field.name))
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${field.name} of ${table} is a partition column: rows of a file have one value of it`,
    );
  if (typeof field.type !== 'string')
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${field.name} of ${table} is nested: rows cannot be sorted by it`);
  return field.name;
}
