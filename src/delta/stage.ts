import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';
import type { Lease, Row, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectStore } from '#storage';

import type { AddFile } from './actions.ts';
import { type ColumnMapping, columnMappingOf, partitionKeys, physicalName } from './column-mapping.ts';
import { featuresOf } from './features.ts';
import { encodeFilePath, escapeGlob } from './file-path.ts';
import { parseBytes } from './properties.ts';
import { formatPartitionValue } from './partition-value.ts';
import { fieldIds, physicalColumns, physicalSchema } from './physical-schema.ts';
import { checkRows, type RuledTable } from './row-checks.ts';
import { rowIdColumn, rowVersionColumn } from './row-columns.ts';
import { findField, type StructField, type StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';
import { type ColumnFacts, formatStatistics, leavesOf, pathKey } from './statistics.ts';

/** Files that are in the store, durable, and in no version yet. */
export type StagedData = {
  readonly files: readonly AddFile[];
  /** Decoded paths in the store, for whoever has to remove them again. */
  readonly objectPaths: readonly string[];
  readonly rowCount: number;
  readonly bytes: number;
};

/** A table as far as its files go. */
export type FileLayout = RuledTable & Pick<Snapshot, 'partitionColumns'>;

export type StageOptions = StatementOptions & {
  readonly store: ObjectStore;
  readonly tablePath: string;
  readonly layout: FileLayout;
  readonly lease: Lease;
  readonly now: Date;
  /** The rows were in the table before: its rules hold for them. */
  readonly isChecked?: boolean | undefined;
  /** One file, however large: whoever chose the rows has looked at their size. */
  readonly isWhole?: boolean | undefined;
  /** The rows are of the change feed, which has a folder of its own. */
  readonly isFeed?: boolean | undefined;
  /** The query has {@link rowIdColumn} and {@link rowVersionColumn}, of rows that had them before. */
  readonly keepsRowIds?: boolean | undefined;
};

/** What files are written as: names and numbers of columns as they are in files. */
type Files = StageOptions & {
  readonly mapping: ColumnMapping;
  /** By physical names, with the partition columns. */
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
};

const feedFolder = '_change_data';
/** DuckDB's own size of a row group: what `has_nan` speaks of. */
const rowGroupSize = 122_880;

/** Nothing to write, and nothing read either. */
export const nothingStaged: StagedData = { files: [], objectPaths: [], rowCount: 0, bytes: 0 };

/**
 * Writes a query's rows as Parquet files of the table, with statistics. A query without rows gives no files.
 * When this throws, nothing is left in the table's folder.
 */
export async function stageData(query: Sql, options: StageOptions): Promise<StagedData> {
  const { layout, isChecked = false, keepsRowIds = false } = options;
  const mapping = columnMappingOf(layout.metadata);
  const { configuration } = layout.metadata;
  const rules = isChecked ? undefined : checkRows(query, layout, options.tablePath);
  const kept = keepsRowIds
    ? sql`, ${ident(rowIdColumn)} AS ${ident(configuration['delta.rowTracking.materializedRowIdColumnName'] ?? rowIdColumn)},
        ${ident(rowVersionColumn)} AS ${ident(configuration['delta.rowTracking.materializedRowCommitVersionColumnName'] ?? rowVersionColumn)}`
    : sql``;
  const isPlain = mapping === 'none' && !keepsRowIds;
  const rows = rules?.query ?? query;
  const physical = isPlain ? rows : sql`SELECT ${physicalColumns(layout.schema, mapping)}${kept} FROM (${rows}\n) AS logical`;
  const files: Files = {
    ...options,
    mapping,
    schema: physicalSchema(layout.schema, mapping),
    partitionColumns: partitionKeys({ ...layout.metadata, partitionColumns: [...layout.partitionColumns] }, layout.schema),
  };
  try {
    const isOneFile = files.partitionColumns.length === 0 && (options.isWhole === true || targetBytes(files) === undefined);
    return isOneFile ? await stageOneFile(physical, files) : await stageFiles(physical, files);
  } catch (error) {
    throw rules?.explain(error) ?? error;
  }
}

async function stageOneFile(query: Sql, options: Files): Promise<StagedData> {
  const name =
    options.isFeed === true
      ? `${feedFolder}/cdc-00000-${randomUUID()}.c000.snappy.parquet`
      : `part-00000-${randomUUID()}-c000.snappy.parquet`;
  const objectPath = inTable(options, name);
  const staged = await options.store.stage(objectPath);
  try {
    const [facts] = await copy(query, staged.localPath, sql``, options);
    const rowCount = Number(facts?.['count'] ?? 0);
    if (facts === undefined || rowCount === 0) {
      await staged.discard();
      return nothingStaged;
    }
    const stats = await describeFile(facts, staged.localPath, options);
    const { sizeBytes } = await staged.publish();
    return { files: [newAdd(name, {}, sizeBytes, stats, options)], objectPaths: [objectPath], rowCount, bytes: sizeBytes };
  } catch (error) {
    await staged.discard().catch(() => undefined); // the first error says more, and the sweep removes the rest
    throw error;
  }
}

/** About how large files are to be, where the table says so. */
function targetBytes({ layout }: Files): number | undefined {
  return parseBytes(layout.metadata.configuration['delta.targetFileSize']);
}

/** Files of about the table's target size, where it has one; with partitions a file or several for each. */
async function stageFiles(query: Sql, options: Files): Promise<StagedData> {
  const { store, partitionColumns } = options;
  const folder = await store.stageFolder();
  try {
    const by =
      partitionColumns.length === 0
        ? sql`, FILE_SIZE_BYTES ${literal(targetBytes(options) ?? Number.MAX_SAFE_INTEGER)}`
        : sql`, PARTITION_BY (${join(partitionColumns.map((column) => ident(column)))})`;
    const unique = randomUUID();
    const rows = await copy(
      query,
      folder.localPath,
      sql`${by}, OVERWRITE_OR_IGNORE, FILENAME_PATTERN ${literal(`${options.isFeed === true ? 'cdc' : 'part'}-{i}-${unique}-c000.snappy`)}${materializes(options.layout) ? sql`, WRITE_PARTITION_COLUMNS true` : sql``}`,
      options,
    );
    const files: AddFile[] = [];
    const moves: { from: string; path: string }[] = [];
    let rowCount = 0;
    for (const facts of partitionColumns.length === 0 ? rows : await splitLarge(rows, options)) {
      if (Number(facts['count']) === 0) continue;
      const from = String(facts['filename'])
        .slice(folder.localPath.length + 1)
        .replaceAll('\\', '/');
      const stats = await describeFile(facts, String(facts['filename']), options);
      const name = options.isFeed === true ? `${feedFolder}/${from}` : from;
      files.push(newAdd(name, partitionValues(facts, options), Number(facts['file_size_bytes']), stats, options));
      moves.push({ from, path: inTable(options, name) });
      rowCount += Number(facts['count']);
    }
    await folder.publish(moves);
    return { files, objectPaths: moves.map(({ path }) => path), rowCount, bytes: files.reduce((sum, { size }) => sum + size, 0) };
  } finally {
    await folder.discard();
  }
}

/** The engine does not heed a size where it writes partitions: files far above it are written again in several. */
async function splitLarge(rows: readonly Row[], options: Files): Promise<readonly Row[]> {
  const target = targetBytes(options);
  if (target === undefined || options.isFeed === true) return rows;
  const split: Row[] = [];
  for (const facts of rows) {
    if (Number(facts['file_size_bytes']) < target * 1.5) {
      split.push(facts);
      continue;
    }
    const path = String(facts['filename']);
    const query = sql`SELECT * FROM read_parquet(${literal(escapeGlob(path))}, hive_partitioning = false)`;
    const pattern = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1, -'.parquet'.length);
    const parts = await copy(
      query,
      path.slice(0, -pattern.length - '/.parquet'.length),
      sql`, FILE_SIZE_BYTES ${literal(target)}, OVERWRITE_OR_IGNORE, FILENAME_PATTERN ${literal(`${pattern}-{i}`)}`,
      options,
    );
    split.push(...parts.map((part) => ({ ...part, partition_keys: facts['partition_keys'] ?? null })));
  }
  return split;
}

async function copy(query: Sql, target: string, more: Sql, options: Files): Promise<readonly Row[]> {
  const ids = fieldIds(
    { type: 'struct', fields: options.layout.schema.fields.filter((field) => !isPartition(options, field)) },
    options.mapping,
  );
  const numbers = ids === undefined ? sql`` : sql`, FIELD_IDS ${ids}`;
  const { batches } = await options.lease.stream(
    sql`COPY (${query}) TO ${literal(target)} (FORMAT parquet, COMPRESSION snappy, RETURN_STATS${numbers}${more})`,
    options,
  );
  const rows: Row[] = [];
  for await (const { rowCount, columns } of batches) {
    for (let row = 0; row < rowCount; row += 1) {
      const value = (column: number) => columns[column]?.[row] ?? null;
      rows.push({ filename: value(0), count: value(1), file_size_bytes: value(2), column_statistics: value(4), partition_keys: value(5) });
    }
  }
  return rows;
}

/** Partition columns stand in the names of folders, and in files only where the table wants that. */
function isPartition({ layout }: Files, { name }: StructField): boolean {
  return !materializes(layout) && layout.partitionColumns.some((column) => column.toLowerCase() === name.toLowerCase());
}

function materializes({ protocol }: FileLayout): boolean {
  return featuresOf(protocol).writer.includes('materializePartitionColumns');
}

async function describeFile(facts: Row, localPath: string, options: Files): Promise<string> {
  const columns = new Map<string, ColumnFacts>();
  for (const [path, entries] of mapEntries(facts['column_statistics'])) {
    columns.set(String(path), Object.fromEntries(mapEntries(entries).map(([key, value]) => [String(key), String(value)])));
  }
  const { schema, partitionColumns } = options;
  const inFile: StructType = { type: 'struct', fields: schema.fields.filter(({ name }) => !partitionColumns.includes(name)) };
  const rowCount = Number(facts['count']);
  checkNulls(inFile, columns, options);
  return formatStatistics(rowCount, inFile, columns, {
    nanColumns: await findNan(inFile, columns, rowCount, localPath, options),
    ...indexedBy(options),
  });
}

/** Which columns get statistics: those named by a property, or so many. */
function indexedBy({ layout: { metadata, schema }, mapping }: Files): {
  readonly indexedColumns?: number | undefined;
  readonly indexedPaths?: readonly string[] | undefined;
} {
  const names = metadata.configuration['delta.dataSkippingStatsColumns'];
  const count = Number(metadata.configuration['delta.dataSkippingNumIndexedCols'] ?? Number.NaN);
  if (typeof names !== 'string' || names.trim() === '') return { indexedColumns: Number.isInteger(count) ? count : undefined };
  const paths = names.split(',').map((name) => name.trim().replaceAll('`', ''));
  // Only the names of top-level columns differ in files as far as these paths go; fields follow their column.
  return {
    indexedPaths: paths.map((path) => {
      const field = findField(schema, path.split('.')[0] ?? '');
      return field === undefined ? path : physicalName(field, mapping);
    }),
  };
}

/** Columns with NaN. DuckDB's `has_nan` is that of the last row group, so larger files are asked themselves. */
async function findNan(
  schema: StructType,
  facts: ReadonlyMap<string, ColumnFacts>,
  rowCount: number,
  localPath: string,
  options: Files,
): Promise<ReadonlySet<string>> {
  const floats = [...leavesOf(schema, [])].filter(({ type }) => type === 'float' || type === 'double').map(({ path }) => path);
  if (rowCount <= rowGroupSize || floats.length === 0) {
    return new Set(floats.map(pathKey).filter((key) => facts.get(key)?.['has_nan'] !== 'false'));
  }
  const checks = floats.map(
    (path) =>
      sql`coalesce(bool_or(isnan(${join(
        path.map((name) => ident(name)),
        '.',
      )})), false)`,
  );
  const [row] = await options.lease.rows(
    sql`SELECT [${join(checks)}]::VARCHAR AS nan FROM read_parquet(${literal(escapeGlob(localPath))}, hive_partitioning = false)`,
    options,
  );
  const found = String(row?.['nan']).slice(1, -1).split(', ');
  return new Set(floats.map(pathKey).filter((_, index) => found[index] !== 'false'));
}

function checkNulls(schema: StructType, facts: ReadonlyMap<string, ColumnFacts>, options: Files): void {
  for (const field of schema.fields) {
    const nulls = facts.get(pathKey([field.name]))?.['null_count'];
    if (field.nullable || typeof field.type !== 'string' || nulls === '0') continue;
    const name = options.layout.schema.fields.find((one) => physicalName(one, options.mapping) === field.name)?.name ?? field.name;
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${nulls ?? 'some'} rows have no value for ${name}, which may not be null in ${options.tablePath}; nothing was written`,
      { data: { column: name } },
    );
  }
}

function partitionValues(facts: Row, { schema, partitionColumns }: Files): Record<string, string | null> {
  const keys = new Map(mapEntries(facts['partition_keys']).map(([key, value]) => [String(key), value]));
  return Object.fromEntries(
    partitionColumns.map((column) => {
      const value = keys.get(column) ?? null;
      return [column, formatPartitionValue(typeof value === 'string' ? value : null, findField(schema, column)?.type ?? 'string', column)];
    }),
  );
}

function newAdd(path: string, values: Record<string, string | null>, size: number, stats: string, { now }: Files): AddFile {
  return {
    path: encodeFilePath(path),
    partitionValues: values,
    size,
    modificationTime: now.getTime(),
    dataChange: true,
    stats,
    tags: undefined,
    deletionVector: undefined,
    baseRowId: undefined,
    defaultRowCommitVersion: undefined,
    clusteringProvider: undefined,
  };
}

function inTable({ tablePath }: Files, name: string): string {
  return tablePath === '' ? name : `${tablePath}/${name}`;
}

/** The entries of a map of DuckDB: its client gives an object that holds them. */
function mapEntries(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (typeof value !== 'object' || value === null || !('entries' in value) || !Array.isArray(value.entries)) return [];
  return value.entries.map((entry: { readonly key: unknown; readonly value: unknown }) => [entry.key, entry.value] as const);
}
