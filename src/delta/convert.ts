import { LakesteadError } from '#core';
import type { Lease } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { ObjectInfo } from '#storage';

import type { AddFile } from './actions.ts';
import { deltaTypeOf } from './duckdb-types.ts';
import { encodeFilePath, escapeGlob } from './file-path.ts';
import { logFolder } from './log-segment.ts';
import type { DeltaType, StructField, StructType } from './schema.ts';
import { describeLocation, type TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import { type ColumnFacts, formatStatistics, leavesOf, pathKey } from './statistics.ts';
import type { CommitResult, CreateOptions, WriteOptions } from './table.ts';
import { checkSchemaNames } from './write-plan.ts';
import { commitCreate, newDefinition } from './write.ts';

/** What of a folder of Parquet files cannot be told from it. */
export type ConvertOptions = Pick<WriteOptions, 'lease' | 'signal' | 'userMetadata'> &
  Pick<CreateOptions, 'properties' | 'name' | 'description'> & {
    /** Types of partition columns; those that are not named are told from their values: whole numbers, dates, else texts. */
    readonly partitionTypes?: Readonly<Record<string, DeltaType>> | undefined;
    /** Without statistics no data is read, and filters leave no file out. Default true. */
    readonly withStatistics?: boolean | undefined;
  };

type Found = { readonly info: ObjectInfo; readonly name: string; readonly partition: ReadonlyMap<string, string | null> };

const atATime = 500;

/**
 * Makes a Delta table of a folder of Parquet files, which stay as they are: see {@link convertTable}.
 */
export async function convertFolder(location: TableLocation, options: ConvertOptions): Promise<CommitResult> {
  const { store, path } = location;
  const where = describeLocation(location);
  if ((await store.entries(logFolder(path))) !== undefined)
    throw new LakesteadError('STORAGE_EXISTS', `${where} is a Delta table already; nothing was changed`);
  const files = await findFiles(location, options);
  if (files.length === 0)
    throw new LakesteadError('STORAGE_NOT_FOUND', `${where} has no Parquet files: names that begin with _ or . do not count`);
  const partitionFields = partitionFieldsOf(files, options.partitionTypes ?? {}, where);
  const inFiles = await schemaOfFiles(location, files, options);
  const names = new Set(partitionFields.map(({ name }) => name.toLowerCase()));
  const data: StructType = { type: 'struct', fields: inFiles.fields.filter(({ name }) => !names.has(name.toLowerCase())) };
  const schema: StructType = { type: 'struct', fields: [...data.fields, ...partitionFields] };
  checkSchemaNames(schema, where);
  const { properties = {}, name, description, signal, userMetadata } = options;
  const definition = newDefinition(
    { schema, partitionColumns: partitionFields.map((field) => field.name), properties, name, description },
    where,
  );
  const stats = options.withStatistics === false ? undefined : await statisticsOf(location, files, data, options);
  const adds = files.map((file, index): AddFile => ({
    path: encodeFilePath(file.name),
    partitionValues: Object.fromEntries(partitionFields.map((field) => [field.name, file.partition.get(field.name) ?? null])),
    size: file.info.sizeBytes,
    modificationTime: file.info.modifiedAt.getTime(),
    dataChange: true,
    stats: stats?.[index],
    tags: undefined,
    deletionVector: undefined,
    baseRowId: undefined,
    defaultRowCommitVersion: undefined,
    clusteringProvider: undefined,
  })); // prettier-ignore
  const staged = { ...nothingStaged, files: adds, bytes: adds.reduce((sum, { size }) => sum + size, 0) };
  return await commitCreate(location, definition, staged, { operation: 'CONVERT', signal, userMetadata });
}

async function findFiles({ store, path }: TableLocation, { signal }: ConvertOptions): Promise<readonly Found[]> {
  const prefix = path === '' ? '' : `${path}/`;
  const found: Found[] = [];
  for await (const info of store.list(path, { signal })) {
    const name = info.path.slice(prefix.length);
    const parts = name.split('/');
    const isHidden = parts.some((part) => /^[_.]/.test(part) && !part.includes('='));
    if (isHidden || !/\.parquet$/i.test(name)) continue;
    found.push({ info, name, partition: partitionOf(parts.slice(0, -1)) });
  }
  return found;
}

/** `day=2024-01-01`, percent-encoded as Hive has it. */
function partitionOf(folders: readonly string[]): ReadonlyMap<string, string | null> {
  return new Map(
    folders.flatMap((folder) => {
      const at = folder.indexOf('=');
      if (at <= 0) return [];
      const value = decodeURIComponent(folder.slice(at + 1));
      return [[decodeURIComponent(folder.slice(0, at)), value === '__HIVE_DEFAULT_PARTITION__' || value === '' ? null : value] as const];
    }),
  );
}

function partitionFieldsOf(files: readonly Found[], types: Readonly<Record<string, DeltaType>>, where: string): readonly StructField[] {
  const names = [...(files[0]?.partition.keys() ?? [])];
  const odd = files.find(({ partition }) => [...partition.keys()].join('\0') !== names.join('\0'));
  if (odd !== undefined)
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${odd.name} of ${where} is in other partitions than (${names.join(', ')}); nothing was changed`,
    );
  const missing = Object.keys(types).find((name) => !names.includes(name));
  if (missing !== undefined)
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${where} is not partitioned by ${missing}, but by (${names.join(', ')}); nothing was changed`,
    );
  return names.map((name) => {
    const values = files.flatMap(({ partition }) => partition.get(name) ?? []);
    return { name, type: types[name] ?? typeOfValues(values), nullable: true, metadata: {} };
  });
}

function typeOfValues(values: readonly string[]): DeltaType {
  if (values.length === 0) return 'string';
  if (values.every((value) => /^-?(?:0|[1-9]\d{0,17})$/.test(value))) return values.every((value) => Math.abs(Number(value)) < 2 ** 31) ? 'integer' : 'long'; // prettier-ignore
  return values.every((value) => /^\d{4}-\d\d-\d\d$/.test(value)) ? 'date' : 'string';
}

async function relationOf({ store }: TableLocation, files: readonly Found[], options: ConvertOptions): Promise<Sql> {
  const paths = await Promise.all(
    files.map(async ({ info }) => escapeGlob(await store.readable(info.path, { scope: options.lease, signal: options.signal }))),
  );
  return sql`read_parquet(${literal(paths)}, union_by_name = true, hive_partitioning = false)`;
}

async function schemaOfFiles(location: TableLocation, files: readonly Found[], options: ConvertOptions): Promise<StructType> {
  const relation = await relationOf(location, files, options);
  const rows = await options.lease.rows(sql`DESCRIBE SELECT * FROM ${relation}`, { signal: options.signal });
  const fields = rows.map((row): StructField => {
    const [name, type] = [String(row['column_name']), String(row['column_type'])];
    // A Parquet timestamp without a zone is one in Delta too, which readers must know of.
    const found = /^TIMESTAMP(?:_(?:S|MS|NS))?$/.test(type) ? 'timestamp_ntz' : deltaTypeOf(type, name);
    return { name, type: found, nullable: true, metadata: {} };
  });
  return { type: 'struct', fields };
}

/** The statistics of each file, from its rows. */
async function statisticsOf(
  location: TableLocation,
  files: readonly Found[],
  schema: StructType,
  options: ConvertOptions,
): Promise<readonly string[]> {
  const all: string[] = [];
  for (let start = 0; start < files.length; start += atATime)
    all.push(...(await statisticsOfSome(location, files.slice(start, start + atATime), schema, options)));
  return all;
}

async function statisticsOfSome(
  location: TableLocation,
  files: readonly Found[],
  schema: StructType,
  options: ConvertOptions,
): Promise<readonly string[]> {
  const leaves = [...leavesOf(schema, [])].slice(0, 32);
  const facts = leaves.map(({ path, type }) => {
    const value = ident(...path);
    const nan = type === 'float' || type === 'double' ? sql`coalesce(bool_or(isnan(${value})), false)::VARCHAR` : sql`'false'`;
    return sql`[min(${value})::VARCHAR, max(${value})::VARCHAR, (count(*) - count(${value}))::VARCHAR, ${nan}]`;
  });
  const relation = await relationOf(location, files, options);
  const list = facts.length === 0 ? sql`[]` : sql`[${join(facts)}]`;
  const found = await rowsOf(options.lease, sql`SELECT file_index::INTEGER AS file, count(*)::DOUBLE AS n, to_json(${list})::VARCHAR AS facts FROM ${relation} GROUP BY file_index`, options); // prettier-ignore
  const byFile = new Map(found.map((row) => [Number(row['file']), row]));
  return files.map((_, index) => {
    const row = byFile.get(index);
    const values = JSON.parse(String(row?.['facts'] ?? '[]')) as readonly (readonly (string | null)[])[]; // of the query above
    const columns = new Map<string, ColumnFacts>();
    const nanColumns = new Set<string>();
    leaves.forEach(({ path }, column) => {
      const [min = null, max = null, nulls = '0', nan] = values[column] ?? [];
      columns.set(pathKey(path), { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }), null_count: nulls ?? '0' });
      if (nan === 'true') nanColumns.add(pathKey(path));
    });
    return formatStatistics(Number(row?.['n'] ?? 0), schema, columns, { nanColumns });
  });
}

async function rowsOf(lease: Lease, query: Sql, { signal }: ConvertOptions) {
  return await lease.rows(query, { signal });
}
