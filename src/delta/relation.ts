import { LakesteadError } from '#core';
import { literal, join, ident, type Sql, sql, unsafeSql } from '#sql';
import type { ObjectStore, ReadableOptions } from '#storage';

import { physicalName } from './column-mapping.ts';
import { loadDeletionVector } from './deletion-vector.ts';
import { duckdbType, fileType } from './duckdb-types.ts';
import { escapeGlob, isAbsolutePath } from './file-path.ts';
import { hasOtherNames } from './physical-schema.ts';
import { pinFiles } from './pinned-files.ts';
import { partitionConstant } from './partition-value.ts';
import type { ScanFile, ScanPlan } from './scan-plan.ts';
import type { DeltaType, StructField } from './schema.ts';
import { rowIdColumn, rowVersionColumn } from './row-columns.ts';
import { hasVariant, variantToJson } from './variant.ts';

/** Up to so many partitions are a UNION ALL of constants, which DuckDB prunes; more are looked up by file. */
const maxBranches = 32;

/** `scope` (a lease) holds the local copies of remote files for as long as the SELECT may run; without it they are held for good. */
export type RelationOptions = Pick<ReadableOptions, 'scope' | 'signal'> & {
  /** Adds where each row is: `__lakestead_file`, the file's position in the plan, and `__lakestead_row`, its number in the file. Both BIGINT. */
  readonly numbered?: boolean | undefined;
  /** Adds {@link rowIdColumn} and {@link rowVersionColumn}: which row it is, whatever file it moved to, and the version that last changed it. Both BIGINT. */
  readonly rowIds?: boolean | undefined;
};

/**
 * A plan as a SELECT of DuckDB: exactly the plan's columns, in its order, with the schema's types. Files that lack a
 * column give NULL, partition columns are typed constants, deleted rows are left out. Holds no bound values, so it can
 * stand in a view.
 *
 * @throws {LakesteadError} `DELTA_CORRUPT` for a deletion vector that is damaged, `STORAGE_NOT_FOUND` when it is missing
 */
export async function planToSql(plan: ScanPlan, store: ObjectStore, options: RelationOptions = {}): Promise<Sql> {
  if (plan.columns.length === 0) {
    throw new LakesteadError('DELTA_UNSUPPORTED', `${plan.table} has no columns, so there is nothing to read`, {
      hint: 'a first write with a new schema gives it some',
    });
  }
  if (plan.files.length === 0) {
    const columns = plan.columns.map((field) => sql`CAST(NULL AS ${unsafeSql(duckdbType(field.type))}) AS ${ident(field.name)}`);
    const numbers = options.numbered === true ? [sql`0::BIGINT AS __lakestead_file`, sql`0::BIGINT AS __lakestead_row`] : [];
    const ids = options.rowIds === true ? [sql`0::BIGINT AS ${ident(rowIdColumn)}`, sql`0::BIGINT AS ${ident(rowVersionColumn)}`] : [];
    return sql`SELECT ${join([...columns, ...numbers, ...ids])} WHERE false`;
  }
  // Who changes rows is told of a vacuum by the commit.
  if (options.scope !== undefined && options.numbered !== true) pinFiles(store, plan, options.scope);
  const branches: Sql[] = [];
  const plain = plan.files.filter((file) => file.deletionVector === undefined && file.onlyRows === undefined);
  for (const files of groupByPartition(plan, plain)) branches.push(await selectFiles(plan, store, files, undefined, options));
  for (const file of plan.files) {
    if (file.onlyRows === undefined) continue;
    const rows = await selectFiles(plan, store, [file], undefined, options);
    branches.push(sql`${rows} WHERE file_row_number IN (SELECT unnest(${literal(`[${file.onlyRows.join(',')}]`)}::BIGINT[]))`);
  }
  const marked = plan.files.filter((file) => file.deletionVector !== undefined && file.onlyRows === undefined);
  for (const files of groupByPartition(plan, marked)) branches.push(await selectFiles(plan, store, files, await deletedRows(plan, store, files), options)); // prettier-ignore
  return join(branches, ' UNION ALL ');
}

/** Room for a row's number below its file's position: both in one number that JavaScript holds exactly. */
const rowsPerFile = 2 ** 40;

/** The deleted rows of several files, each as its file's position in the list and its number in the file in one. */
async function deletedRows(plan: ScanPlan, store: ObjectStore, files: readonly ScanFile[]): Promise<readonly string[]> {
  const lists = await Promise.all(
    files.map(async ({ deletionVector }) =>
      deletionVector === undefined ? [] : await loadDeletionVector(store, plan.path, deletionVector),
    ),
  );
  return lists.flatMap((rows, index) => (rows.length === 0 ? [] : [rows.map((row) => index * rowsPerFile + row).join(',')]));
}

function groupByPartition(plan: ScanPlan, files: readonly ScanFile[]): readonly (readonly ScanFile[])[] {
  const isPartitioned = plan.columns.some((field) => partitionIndex(plan, field) >= 0);
  if (files.length === 0) return [];
  if (!isPartitioned) return [files];
  const groups = Map.groupBy(files, (file) => JSON.stringify(file.partitionValues));
  return groups.size > maxBranches ? [files] : [...groups.values()];
}

function partitionIndex(plan: ScanPlan, field: StructField): number {
  const lower = field.name.toLowerCase();
  return plan.partitionColumns.findIndex((name) => name.toLowerCase() === lower);
}

async function selectFiles(
  plan: ScanPlan,
  store: ObjectStore,
  files: readonly ScanFile[],
  deleted: readonly string[] | undefined,
  options: RelationOptions,
): Promise<Sql> {
  const dataColumns = plan.columns.filter((field) => partitionIndex(plan, field) < 0);
  const rowColumns = options.rowIds === true ? checkRowIds(plan, files) : undefined;
  const read = [...dataColumns.map((field) => columnKey(plan, field)), ...Object.values(rowColumns ?? {})];
  const located = await Promise.allSettled(files.map(async (file) => await locate(plan, store, file.path, { ...options, columns: read })));
  const paths = located.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return escapeGlob(result.value);
  });
  const columns = plan.columns.map((field) => {
    const index = partitionIndex(plan, field);
    if (index >= 0) return sql`${partitionExpression(files, index, field.type)} AS ${ident(field.name)}`;
    const name = physicalName(field, plan.columnMapping);
    return sql`${decoded(ident(name), field.type, plan.columnMapping)} AS ${ident(field.name)}`;
  });
  if (options.numbered === true) {
    const positionsByPath = new Map(plan.files.map(({ path, position }, index) => [path, position ?? index]));
    const positions = files.map(({ path }) => positionsByPath.get(path) ?? 0);
    columns.push(sql`${positionOf(positions)} AS __lakestead_file`, sql`file_row_number::BIGINT AS __lakestead_row`);
  }
  if (rowColumns !== undefined) {
    const base = perFile(files.map(({ baseRowId }) => baseRowId ?? 0));
    const version = perFile(files.map(({ defaultRowCommitVersion }) => defaultRowCommitVersion ?? 0));
    columns.push(
      sql`coalesce(${ident(rowColumns.id)}, ${base} + file_row_number::BIGINT) AS ${ident(rowIdColumn)}`,
      sql`coalesce(${ident(rowColumns.version)}, ${version}) AS ${ident(rowVersionColumn)}`,
    );
  }
  const extra = Object.values(rowColumns ?? {});
  const isBare = dataColumns.length === 0 && extra.length === 0;
  const schema = isBare ? unsafeSql('') : sql`, schema = ${schemaMap(plan, dataColumns, extra)}`;
  const relation = sql`SELECT ${join(columns)} FROM read_parquet(${literal(paths)}, hive_partitioning = false${schema})`;
  if (deleted === undefined || deleted.length === 0) return relation;
  const key = files.length === 1 ? sql`file_row_number` : sql`(file_index::BIGINT * ${literal(rowsPerFile)} + file_row_number)`;
  return sql`${relation} WHERE ${key} NOT IN (SELECT unnest(${literal(`[${deleted.join(',')}]`)}::BIGINT[]))`;
}

/** A whole number that each file has its own of. */
function perFile(values: readonly number[]): Sql {
  const [first = 0] = values;
  if (values.every((value) => value === first)) return sql`${literal(first)}::BIGINT`;
  return sql`(${literal(`[${values.join(',')}]`)}::BIGINT[])[file_index::BIGINT + 1]`;
}

/** The columns in which files keep the ids of rows. Throws `DELTA_UNSUPPORTED` where rows have none. */
function checkRowIds({ table, rowColumns, columnMapping }: ScanPlan, files: readonly ScanFile[]): NonNullable<ScanPlan['rowColumns']> {
  const isNumbered = files.every(({ baseRowId }) => baseRowId !== undefined);
  if (rowColumns !== undefined && isNumbered && columnMapping !== 'id') return rowColumns;
  throw new LakesteadError(
    'DELTA_UNSUPPORTED',
    columnMapping === 'id'
      ? `the rows of ${table} have ids that are not read where columns are found by numbers`
      : `the rows of ${table} have no ids: row tracking is not on`,
    { hint: "ALTER TABLE ... SET TBLPROPERTIES ('delta.enableRowTracking' = 'true') gives them some", data: { features: ['rowTracking'] } },
  );
}

/** The position of a row's file, from its number in the list that `read_parquet` is given. */
function positionOf(positions: readonly number[]): Sql {
  const [first = 0] = positions;
  if (positions.every((position, index) => position === first + index)) return sql`(file_index::BIGINT + ${literal(first)})`;
  return sql`(${literal(`[${positions.join(',')}]`)}::BIGINT[])[file_index::BIGINT + 1]`;
}

/** What read_parquet takes as `schema`: the file's columns by name, or by field id, with what to give where a file has none. */
function schemaMap(plan: ScanPlan, fields: readonly StructField[], whole: readonly string[]): Sql {
  const entries = fields.map((field) => {
    const name = physicalName(field, plan.columnMapping);
    const key = literal(columnKey(plan, field));
    const type = fileType(field.type, (inner) => physicalName(inner, plan.columnMapping));
    return sql`${key}: {'name': ${literal(name)}, 'type': ${literal(type)}, 'default_value': NULL}`;
  });
  const numbers = whole.map((name) => sql`${literal(name)}: {'name': ${literal(name)}, 'type': 'BIGINT', 'default_value': NULL}`);
  return sql`MAP {${join([...entries, ...numbers])}}`;
}

/** What a column is called in the files: its physical name, or its field id. */
function columnKey(plan: ScanPlan, field: StructField): string | number {
  const id = field.metadata['delta.columnMapping.id'];
  return plan.columnMapping === 'id' && typeof id === 'number' ? id : physicalName(field, plan.columnMapping);
}

function partitionExpression(files: readonly ScanFile[], index: number, type: DeltaType): Sql {
  const values = files.map((file) => file.partitionValues[index] ?? null);
  const [first = null] = values;
  if (values.every((value) => value === first)) return partitionConstant(first, type);
  return sql`([${join(values.map((value) => partitionConstant(value, type)))}])[file_index::BIGINT + 1]`;
}

/** The expression with the logical names of struct fields, where files have physical ones, and variants as JSON. */
function decoded(expression: Sql, type: DeltaType, mapping: ScanPlan['columnMapping'], depth = 0): Sql {
  if (type === 'variant') return variantToJson(expression);
  if (typeof type === 'string' || !(hasOtherNames(type, mapping) || hasVariant(type))) return expression;
  const element = ident(`e${depth}`);
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.map(
        (field) =>
          sql`${ident(field.name)} := ${decoded(sql`${expression}.${ident(physicalName(field, mapping))}`, field.type, mapping, depth)}`,
      );
      return sql`CASE WHEN ${expression} IS NULL THEN NULL ELSE struct_pack(${join(fields)}) END`;
    }
    case 'array':
      return sql`list_transform(${expression}, lambda ${element}: ${decoded(element, type.elementType, mapping, depth + 1)})`;
    case 'map': {
      const key = decoded(sql`${element}.key`, type.keyType, mapping, depth + 1);
      const value = decoded(sql`${element}.value`, type.valueType, mapping, depth + 1);
      return sql`map_from_entries(list_transform(map_entries(${expression}), lambda ${element}: {'key': ${key}, 'value': ${value}}))`;
    }
  }
}

async function locate(plan: ScanPlan, store: ObjectStore, path: string, options: ReadableOptions): Promise<string> {
  // A path of this machine is one for a table of this machine: whoever writes a remote log may not choose files here.
  if (path.startsWith('/') && store.traffic === undefined) return path;
  if (path.startsWith(`${store.root}/`)) return await store.readable(path.slice(store.root.length + 1), options);
  if (isAbsolutePath(path)) {
    throw new LakesteadError('STORAGE_UNMAPPED', `${plan.table} names the file ${path}, which is in another storage`, {
      hint: 'the table is a shallow clone, or was copied without its files: read it where it was written',
    });
  }
  return await store.readable(plan.path === '' ? path : `${plan.path}/${path}`, options);
}
