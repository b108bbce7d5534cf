import { randomUUID } from 'node:crypto';

import { LakesteadError } from '#core';
import type { Lease, Row, StatementOptions } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectStore } from '#storage';

import type { AddFile } from './actions.ts';
import { encodeFilePath, escapeGlob } from './file-path.ts';
import { formatPartitionValue } from './partition-value.ts';
import { findField, type StructType } from './schema.ts';
import { type ColumnFacts, formatStatistics, leavesOf, pathKey } from './statistics.ts';

/** Files that are in the store, durable, and in no version yet. */
export type StagedData = {
  readonly files: readonly AddFile[];
  /** Decoded paths in the store, for whoever has to remove them again. */
  readonly objectPaths: readonly string[];
  readonly rowCount: number;
  readonly bytes: number;
};

export type StageOptions = StatementOptions & {
  readonly store: ObjectStore;
  readonly tablePath: string;
  readonly schema: StructType;
  readonly partitionColumns: readonly string[];
  readonly lease: Lease;
  readonly now: Date;
  readonly indexedColumns?: number | undefined;
};

/** DuckDB's own size of a row group: what `has_nan` speaks of. */
const rowGroupSize = 122_880;

/** Nothing to write, and nothing read either. */
export const nothingStaged: StagedData = { files: [], objectPaths: [], rowCount: 0, bytes: 0 };

/**
 * Writes a query's rows as Parquet files of the table, with statistics. A query without rows gives no files.
 * When this throws, nothing is left in the table's folder.
 */
export async function stageData(query: Sql, options: StageOptions): Promise<StagedData> {
  return options.partitionColumns.length === 0 ? await stageOneFile(query, options) : await stagePartitions(query, options);
}

async function stageOneFile(query: Sql, options: StageOptions): Promise<StagedData> {
  const name = `part-00000-${randomUUID()}-c000.snappy.parquet`;
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

async function stagePartitions(query: Sql, options: StageOptions): Promise<StagedData> {
  const { store, partitionColumns } = options;
  const folder = await store.stageFolder();
  try {
    const by = join(partitionColumns.map((column) => ident(column)));
    const unique = randomUUID();
    const rows = await copy(
      query,
      folder.localPath,
      sql`, PARTITION_BY (${by}), OVERWRITE_OR_IGNORE, FILENAME_PATTERN ${literal(`part-{i}-${unique}-c000.snappy`)}`,
      options,
    );
    const files: AddFile[] = [];
    const moves: { from: string; path: string }[] = [];
    let rowCount = 0;
    for (const facts of rows) {
      const from = String(facts['filename'])
        .slice(folder.localPath.length + 1)
        .replaceAll('\\', '/');
      const stats = await describeFile(facts, String(facts['filename']), options);
      files.push(newAdd(from, partitionValues(facts, options), Number(facts['file_size_bytes']), stats, options));
      moves.push({ from, path: inTable(options, from) });
      rowCount += Number(facts['count']);
    }
    await folder.publish(moves);
    return { files, objectPaths: moves.map(({ path }) => path), rowCount, bytes: files.reduce((sum, { size }) => sum + size, 0) };
  } finally {
    await folder.discard();
  }
}

async function copy(query: Sql, target: string, more: Sql, options: StageOptions): Promise<readonly Row[]> {
  // Maps as JSON: one text a column instead of nested values.
  const { batches } = await options.lease.stream(
    sql`COPY (${query}) TO ${literal(target)} (FORMAT parquet, COMPRESSION snappy, RETURN_STATS${more})`,
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

async function describeFile(facts: Row, localPath: string, options: StageOptions): Promise<string> {
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
    indexedColumns: options.indexedColumns,
  });
}

/** Columns with NaN. DuckDB's `has_nan` is that of the last row group, so larger files are asked themselves. */
async function findNan(
  schema: StructType,
  facts: ReadonlyMap<string, ColumnFacts>,
  rowCount: number,
  localPath: string,
  options: StageOptions,
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

function checkNulls(schema: StructType, facts: ReadonlyMap<string, ColumnFacts>, options: StageOptions): void {
  for (const field of schema.fields) {
    const nulls = facts.get(pathKey([field.name]))?.['null_count'];
    if (field.nullable || typeof field.type !== 'string' || nulls === '0') continue;
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${nulls ?? 'some'} rows have no value for ${field.name}, which may not be null in ${options.tablePath}; nothing was written`,
      { data: { column: field.name } },
    );
  }
}

function partitionValues(facts: Row, { schema, partitionColumns }: StageOptions): Record<string, string | null> {
  const keys = new Map(mapEntries(facts['partition_keys']).map(([key, value]) => [String(key), value]));
  return Object.fromEntries(
    partitionColumns.map((column) => {
      const value = keys.get(column) ?? null;
      return [column, formatPartitionValue(typeof value === 'string' ? value : null, findField(schema, column)?.type ?? 'string', column)];
    }),
  );
}

function newAdd(path: string, values: Record<string, string | null>, size: number, stats: string, { now }: StageOptions): AddFile {
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

function inTable({ tablePath }: StageOptions, name: string): string {
  return tablePath === '' ? name : `${tablePath}/${name}`;
}

/** The entries of a map of DuckDB: its client gives an object that holds them. */
function mapEntries(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (typeof value !== 'object' || value === null || !('entries' in value) || !Array.isArray(value.entries)) return [];
  return value.entries.map((entry: { readonly key: unknown; readonly value: unknown }) => [entry.key, entry.value] as const);
}
