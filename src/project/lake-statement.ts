import { LakesteadError } from '#core';
import { type CommitResult, createTable, type DeltaTable, duckdbType, storeAs, writeTable } from '#delta';
import { type DeltaStatement, type Name, replaceDefaults, toSparkText } from '#delta-sql';
import type { Lease } from '#engine';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';

import { defaultText } from './column-default.ts';
import { fieldOf } from './column-definition.ts';
import { alter } from './lake-alter.ts';
import { deleteFrom, merge, update } from './lake-change.ts';
import { clone, convert, dropTable } from './lake-place-statement.ts';
import { optimize, reorg, restore, vacuum } from './lake-maintain.ts';
import {
  changed,
  compile,
  compileExpressions,
  type Context,
  deltaTable,
  findNamed,
  type LakePorts,
  lakeView,
  openNamed,
  rowsOf,
  type StatementRows,
  text,
} from './lake-context.ts';

type Verb<K extends DeltaStatement['kind']> = Extract<DeltaStatement, { kind: K }>;

/**
 * Performs a statement in Spark's words about a table of the lake, and gives the rows that Spark would show. Queries in it
 * pass the gateway.
 *
 * @throws {LakesteadError} `SQL_NOT_SUPPORTED` for what of a statement is not there, by name
 */
export async function performLakeStatement(
  project: LakePorts,
  statement: Exclude<DeltaStatement, { kind: 'query' }>,
  lease: Lease,
  signal: AbortSignal,
): Promise<StatementRows> {
  const context = { project, lease, signal };
  switch (statement.kind) {
    case 'history':
      return await history(statement, context);
    case 'detail':
      return await detail(statement, context);
    case 'showProperties':
      return await properties(statement, context);
    case 'createTable':
      return await create(statement, context);
    case 'insert':
      return await insert(statement, context);
    case 'delete':
      return await deleteFrom(statement, context);
    case 'update':
      return await update(statement, context);
    case 'merge':
      return await merge(statement, context);
    case 'optimize':
      return await optimize(statement, context);
    case 'reorg':
      return await reorg(statement, context);
    case 'vacuum':
      return await vacuum(statement, context);
    case 'restore':
      return await restore(statement, context);
    case 'alter':
      return await alter(statement, context);
    case 'clone':
      return await clone(statement, await placeOf(statement.table, context), context);
    case 'convert':
      return await convert(statement, async (name) => await placeOf(name, context), context);
    case 'dropTable':
      return await dropTable(statement, context);
  }
}

async function history({ table: name, limit }: Verb<'history'>, context: Context): Promise<StatementRows> {
  const { address } = await deltaTable(name, context);
  const entries = await (await lakeView(context.project)).history(address, { limit, signal: context.signal });
  const names = [
    'version',
    'timestamp',
    'operation',
    'operationParameters',
    'readVersion',
    'isBlindAppend',
    'operationMetrics',
    'userMetadata',
    'engineInfo',
  ];
  return rowsOf(
    names,
    entries.map((entry) => [
      literal(entry.version),
      sql`${literal(entry.timestamp.toISOString())}::TIMESTAMPTZ`,
      text(entry.operation),
      text(JSON.stringify(entry.operationParameters)),
      entry.readVersion === undefined ? sql`NULL::BIGINT` : sql`${literal(entry.readVersion)}::BIGINT`,
      entry.isBlindAppend === undefined ? sql`NULL::BOOLEAN` : literal(entry.isBlindAppend),
      text(JSON.stringify(entry.operationMetrics)),
      text(entry.userMetadata),
      text(entry.engineInfo),
    ]),
  );
}

async function inspect(name: Name, context: Context) {
  const { address } = await deltaTable(name, context);
  return await (await lakeView(context.project)).inspect(address, { signal: context.signal });
}

async function detail({ table: name }: Verb<'detail'>, context: Context): Promise<StatementRows> {
  const found = await inspect(name, context);
  const names = ['format', 'id', 'name', 'description', 'location', 'createdAt', 'lastModified', 'partitionColumns', 'numFiles', 'sizeInBytes', 'properties', 'minReaderVersion', 'minWriterVersion', 'tableFeatures']; // prettier-ignore
  const list = (values: readonly string[]) => sql`[${join(values.map((value) => literal(value)))}]::VARCHAR[]`;
  return rowsOf(names, [
    [
      text('delta'), text(found.id), text(found.name), text(found.description), text(found.table), sql`${text(found.createdTime)}::TIMESTAMPTZ`,
      sql`${text(found.timestamp)}::TIMESTAMPTZ`, list(found.partitionColumns), literal(found.files), sql`${literal(found.bytes)}::BIGINT`,
      text(JSON.stringify(found.properties)), literal(found.protocol.minReaderVersion), literal(found.protocol.minWriterVersion), list(found.features),
    ],
  ]); // prettier-ignore
}

async function properties({ table: name, key }: Verb<'showProperties'>, context: Context): Promise<StatementRows> {
  const found = await inspect(name, context);
  const all = Object.entries({
    ...found.properties,
    'delta.minReaderVersion': String(found.protocol.minReaderVersion),
    'delta.minWriterVersion': String(found.protocol.minWriterVersion),
  });
  const wanted = key === undefined ? all : all.filter(([one]) => one === key);
  return rowsOf(
    ['key', 'value'],
    wanted.map(([one, value]) => [literal(one), text(value ?? undefined)]),
  );
}

async function create(statement: Verb<'createTable'>, context: Context): Promise<StatementRows> {
  const { definition, table: name, replace } = statement;
  if (definition.location !== undefined)
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'LOCATION of a table is not supported: its name says where it is; nothing was changed');
  const found = await findNamed(name, context);
  if (found !== undefined && statement.ifNotExists) return changed({ num_affected_rows: 0, num_inserted_rows: 0 });
  if (found !== undefined && replace === 'no')
    throw new LakesteadError('STORAGE_EXISTS', `there is a table ${name.parts.join('.')} already; nothing was written`, {
      hint: 'CREATE TABLE IF NOT EXISTS leaves it, CREATE OR REPLACE TABLE defines it anew',
    });
  if (found === undefined && replace === 'existing') await openNamed(name, context); // says that there is none
  if (definition.query === undefined && definition.columns.length === 0)
    throw new LakesteadError('SQL_SYNTAX', 'CREATE TABLE needs columns, or AS and a query');
  if (definition.query !== undefined && definition.columns.length > 0)
    throw new LakesteadError('SQL_NOT_SUPPORTED', 'a list of columns beside AS is not supported; nothing was changed');
  const { lease, signal } = context;
  const query = definition.query === undefined ? undefined : await compile(definition.query, context);
  const options = {
    schema: query === undefined ? { type: 'struct' as const, fields: definition.columns.map(fieldOf) } : undefined,
    partitionBy: definition.partitionBy,
    description: definition.comment,
    properties: definition.properties,
    clusterBy: definition.clusterBy?.map(({ parts }) => parts.join('.')),
    signal,
  };
  let rows = 0;
  if (found !== undefined) {
    const operation = `${replace === 'orCreate' ? 'CREATE OR REPLACE' : 'REPLACE'} TABLE${query === undefined ? '' : ' AS SELECT'}`;
    const table = await openNamed(name, context);
    rows = (await table.replaceTable({ ...options, query, operation, lease })).rowsWritten;
  } else {
    const { store, path } = await placeOf(name, context);
    const place = { store, path, engine: await context.project.engine() };
    if (query === undefined) await createTable({ ...place, ...options, schema: options.schema ?? { type: 'struct', fields: [] } });
    else rows = (await writeTable({ ...place, ...options, query, mode: 'error', lease })).rowsWritten;
  }
  for (const { name: constraint, condition } of definition.constraints) {
    const table = await openNamed(name, context);
    await table.alter({ kind: 'addConstraint', name: constraint, condition: toSparkText(condition.text.trim()) }, { lease, signal });
  }
  return changed({ num_affected_rows: rows, num_inserted_rows: rows });
}

async function insert(statement: Verb<'insert'>, context: Context): Promise<StatementRows> {
  const { overwrite, table: name } = statement;
  const table = await openNamed(name, context);
  const { schema } = await table.snapshot(context);
  const { lease, signal } = context;
  // Values of partitions stand in the statement, and not in the rows.
  const named =
    typeof overwrite !== 'object' || 'where' in overwrite ? [] : 'partition' in overwrite ? overwrite.partition : overwrite.into;
  const fixed = named.filter(({ value }) => value !== undefined);
  const isFixed = (column: string) => fixed.some((one) => one.column.toLowerCase() === column.toLowerCase());
  const byPosition =
    statement.columns.length > 0
      ? statement.columns.map(({ parts }) => parts.join('.'))
      : schema.fields.map((one) => one.name).filter((one) => !isFixed(one));
  const query = await compile(
    { ...statement.query, text: replaceDefaults(statement.query.text, (position) => defaultText(schema, byPosition[position])) },
    context,
  );
  const described = await lease.rows(sql`DESCRIBE (${query}\n)`, { signal });
  const given = described.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) }));
  const names = statement.byName ? given.map((one) => one.name) : byPosition;
  if (given.length !== names.length)
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `the query has ${given.length} columns, and ${names.length} are wanted: ${names.join(', ')}; nothing was written`,
    );
  const list = names.map((column, index) => {
    const field = schema.fields.find((one) => one.name.toLowerCase() === column.toLowerCase());
    return sql`${storeAs(ident(`c${index}`), given[index]?.type ?? '', field?.type)} AS ${ident(column)}`;
  });
  for (const { column, value } of fixed) {
    const [constant = sql`NULL`] = value === undefined ? [] : await compileExpressions([value], context);
    list.push(sql`${constant} AS ${ident(column)}`);
  }
  const rows = sql`SELECT ${join(list)} FROM (${query}\n) AS q(${join(names.map((_, index) => ident(`c${index}`)))})`;
  const result = await performInsert(table, rows, overwrite, context);
  return changed({ num_affected_rows: result.rowsWritten, num_inserted_rows: result.rowsWritten });
}

/** Where a new table of that name goes: layer, folder, table. */
async function placeOf(name: Name, { project }: Context) {
  if (project.place !== undefined) return await project.place(name);
  const { parts } = name;
  if (parts.length < 2 || parts.some((part) => part === '' || part === '.' || part === '..' || /[/\\]/.test(part)))
    throw new LakesteadError('SQL_SYNTAX', `${parts.join('.')} is no name of a lake table`, {
      hint: 'write layer.folder.table, as in gold.SalesLT.Address',
    });
  if (parts.some((part) => /^[_.]/.test(part)))
    throw new LakesteadError('SQL_SYNTAX', `${parts.join('.')} would be hidden: names of the lake do not begin with _ or .`);
  for (let length = 2; length < parts.length; length += 1) {
    const parent = parts.slice(0, length);
    if ((await (await lakeView(project)).item([...parent, '_delta_log'].join('/'), { kind: 'folder' })) !== undefined)
      throw new LakesteadError('SQL_SYNTAX', `${parent.join('.')} is a table: there is none inside it`);
  }
  return await project.lake.resolve(parts.join('/'));
}

async function performInsert(
  table: DeltaTable,
  rows: Sql,
  overwrite: Verb<'insert'>['overwrite'],
  context: Context,
): Promise<CommitResult> {
  const { lease, signal } = context;
  if (overwrite === 'no' || (typeof overwrite === 'object' && 'into' in overwrite)) return await table.append(rows, { lease, signal });
  if (overwrite === 'all') return await table.overwrite(rows, { lease, signal });
  if ('where' in overwrite) {
    const [where = sql`true`] = await compileExpressions([overwrite.where], context);
    return await table.replace(rows, { where }, { lease, signal, conditionTexts: new Map([[where, overwrite.where.text.trim()]]) });
  }
  const fixed = overwrite.partition.flatMap(({ column, value }) => (value === undefined ? [] : [{ column, value }]));
  if (fixed.length === 0) return await table.replace(rows, { partitions: 'dynamic' }, { lease, signal });
  // As Spark has it: with a value given, all of those partitions go, whatever the rows have in the other columns.
  const values = await compileExpressions(
    fixed.map(({ value }) => value),
    context,
  );
  const { schema } = await table.snapshot(context);
  const typed = fixed.map(({ column }, index) => {
    const field = schema.fields.find(({ name }) => name.toLowerCase() === column.toLowerCase());
    return sql`CAST(${values[index] ?? sql`NULL`} AS ${unsafeSql(duckdbType(field?.type ?? 'string'))})`;
  });
  const where = join(
    fixed.map(({ column }, index) => sql`${ident(column)} IS NOT DISTINCT FROM ${typed[index] ?? sql`NULL`}`),
    ' AND ',
  );
  const texts = fixed.map(({ column, value }) => `${column} = ${value.text.trim()}`).join(' AND ');
  return await table.replace(rows, { where }, { lease, signal, conditionTexts: new Map([[where, texts]]) });
}
