import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';

import { z } from 'zod';

import { LakesteadError } from '#core';
import type { Engine, Lease, StatementOptions } from '#engine';
import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';
import { bindQuery, type BindScope, engineType, formatType, parseBatch, parseType, roundTemporal, type SqlServerType } from '#tsql';

import type { ColumnDescription, TableDescription } from './table-description.ts';
import type { Database } from './types.ts';
import { replaceTable } from './write-table.ts';

const columnsSchema = z.record(
  z.string(),
  z.object({
    primaryKey: z.array(z.string()).default([]),
    columns: z
      .array(
        z.object({
          name: z.string(),
          type: z.string(),
          nullable: z.boolean().default(true),
          identity: z.boolean().default(false),
          computed: z.string().optional(),
        }),
      )
      .min(1),
  }),
);

/** A table that was loaded. */
export type LoadedTable = { readonly schema: string; readonly table: string; readonly rows: number };

export type LoadOptions = StatementOptions & {
  readonly engine: Engine;
  /** An embedded one: a serverless database has no tables. */
  readonly database: Pick<Database, 'name' | 'kind'>;
  /** With a `<schema>.<table>.csv` for each table. */
  readonly folder: string;
  /** JSON: by table, `{ primaryKey, columns: [{ name, type, nullable, identity, computed }] }`. */
  readonly columnsFile: string;
  readonly onProgress?: ((done: LoadedTable) => void) | undefined;
};

/**
 * Fills an embedded database from CSV files: UTF-8, a header, `NULL` for null, binary as 0x and hexadecimal digits. Each
 * table is replaced in one transaction; what was loaded before an error stays. A computed column that a file does not
 * have is computed by its T-SQL expression.
 *
 * @throws STORAGE_NOT_FOUND for a missing file, CONFIG_INVALID for a columns file or header that does not fit, SQL_TYPE
 *   for a value that its column cannot take
 */
export async function loadSource(options: LoadOptions): Promise<readonly LoadedTable[]> {
  const { engine, database, folder, onProgress, signal } = options;
  if (database.kind !== 'embedded')
    throw new LakesteadError('USAGE', `the database ${database.name} is serverless: it has no tables to load`);
  const loaded: LoadedTable[] = [];
  for (const [key, columns] of readColumns(options.columnsFile)) {
    const file = findFile(folder, key);
    const table: TableDescription = { schema: file.schema, name: file.table, ...columns };
    const rows = await engine.withLease(async (lease) => await loadTable(lease, database.name, table, file.path, { signal }), { signal });
    const done = { schema: table.schema, table: table.name, rows };
    loaded.push(done);
    onProgress?.(done);
  }
  return loaded;
}

function readColumns(file: string): [string, Pick<TableDescription, 'columns' | 'primaryKey'>][] {
  const refuse = (why: string, cause?: unknown) =>
    new LakesteadError('CONFIG_INVALID', `${file} does not describe the tables: ${why}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    if (!existsSync(file)) throw new LakesteadError('STORAGE_NOT_FOUND', `there is no file ${file}`, { cause: error });
    throw refuse('it is no JSON', error);
  }
  const parsed = columnsSchema.safeParse(json);
  if (!parsed.success) throw refuse(z.prettifyError(parsed.error), parsed.error);
  return Object.entries(parsed.data).map(([table, { columns, primaryKey }]) => [
    table,
    {
      primaryKey,
      columns: columns.map(({ name, type, nullable, identity, computed }): ColumnDescription => {
        const start = identity ? { identity: { seed: 1, increment: 1 } } : {};
        return { name, type: parseType(type), nullable, ...start, ...(computed === undefined ? {} : { computed }) };
      }),
    },
  ]);
}

function findFile(folder: string, key: string): { readonly schema: string; readonly table: string; readonly path: string } {
  if (!existsSync(folder)) throw new LakesteadError('STORAGE_NOT_FOUND', `there is no folder ${folder}`);
  const dot = key.indexOf('.');
  const wanted = dot < 0 ? `.${key}.csv` : `${key}.csv`;
  const found = readdirSync(folder).filter((name) =>
    dot < 0 ? name.endsWith(wanted) && !name.slice(0, -wanted.length).includes('.') : name === wanted,
  );
  const [file] = found;
  if (file === undefined) throw new LakesteadError('STORAGE_NOT_FOUND', `there is no file <schema>.${key}.csv in ${folder}`);
  if (found.length > 1)
    throw new LakesteadError('CONFIG_INVALID', `${found.join(' and ')} could both be the table ${key}`, {
      hint: 'write schema.table in the columns file',
    });
  const parts = file.slice(0, -'.csv'.length);
  const first = parts.indexOf('.');
  return { schema: parts.slice(0, first), table: parts.slice(first + 1), path: joinPath(folder, file) };
}

async function loadTable(
  lease: Lease,
  database: string,
  table: TableDescription,
  path: string,
  options: StatementOptions,
): Promise<number> {
  const csv = sql`read_csv(${literal(path)}, all_varchar = true, header = true, delim = ',', quote = '"', escape = '"', nullstr = 'NULL', allow_quoted_nulls = false, max_line_size = 134217728)`;
  const header = (await lease.rows(sql`DESCRIBE SELECT * FROM ${csv}`, options)).map((row) => String(row['column_name']));
  const unknown = header.find((name) => !table.columns.some((column) => column.name === name));
  if (unknown !== undefined)
    throw new LakesteadError('CONFIG_INVALID', `the columns file does not have the column ${unknown} of ${path}`, {
      hint: 'case matters here',
    });
  const present = table.columns.filter((column) => header.includes(column.name));
  const list = present.map((column) => sql`${convertText(column)} AS ${ident(column.name)}`);
  const rows = await computeAbsent(table, present, sql`SELECT ${join(list)} FROM ${csv}`, path);
  try {
    return (await replaceTable({ lease, database, table, rows, ...options })).rowCount;
  } catch (error) {
    const wrong = error instanceof LakesteadError ? wrongValue.exec(error.message)?.[1] : undefined;
    if (wrong === undefined) throw error;
    throw new LakesteadError('SQL_TYPE', `${path}: ${wrong}`, { cause: error });
  }
}

const wrongValue = /wrong value: (.*)/s;

/** The text of a CSV in the storage form of the column's type; stops at a value that is none. */
function convertText({ name, type, nullable }: ColumnDescription): Sql {
  const text = ident(name);
  const says = literal(`wrong value: column ${name}: `);
  const failed = sql`error(${says} || left(${text}, 100) || ${literal(` is no ${formatType(type)}`)})`;
  const missing = nullable ? sql`NULL` : sql`error(${says} || 'NULL in a column that takes none')`;
  return sql`CASE WHEN ${text} IS NULL THEN ${missing} ELSE coalesce(${parseText(text, type)}, ${failed}) END`;
}

/** NULL where the text is no value of the type. */
function parseText(text: Sql, type: SqlServerType): Sql {
  const size = literal(typeof type.length === 'number' ? type.length : 0);
  const hex = sql`CASE WHEN regexp_full_match(${text}, '0[xX]([0-9a-fA-F]{2})*') THEN substr(${text}, 3) END`;
  // National text is counted in UTF-16 units; most values are short enough in UTF-8 already.
  const units = type.name.startsWith('n')
    ? sql`(length(${text}) + length(regexp_replace(${text}, '[^\\x{10000}-\\x{10FFFF}]', '', 'g')))`
    : sql`length(${text})`;
  const fitting = sql`CASE WHEN strlen(${text}) <= ${size} OR ${units} <= ${size} THEN ${text} END`;
  switch (type.name) {
    case 'nvarchar':
    case 'varchar':
      return type.length === 'max' ? text : fitting;
    case 'nchar':
    case 'char':
      return sql`(${fitting}) || repeat(' ', greatest(0, ${size} - ${units}))`;
    case 'ntext':
    case 'text':
    case 'xml':
    case 'hierarchyid':
      return text;
    case 'uniqueidentifier':
      return sql`upper(CAST(TRY_CAST(${text} AS UUID) AS VARCHAR))`;
    case 'varbinary':
    case 'image':
    case 'rowversion':
      return typeof type.length === 'number'
        ? sql`CASE WHEN length(${hex}) <= 2 * ${size} THEN from_hex(${hex}) END`
        : sql`from_hex(${hex})`;
    case 'binary':
      return sql`CASE WHEN length(${hex}) <= 2 * ${size} THEN from_hex(rpad(${hex}, 2 * ${size}, '0')) END`;
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2': {
      const first = literal(type.name === 'datetime2' ? '0001-01-01' : type.name === 'datetime' ? '1753-01-01' : '1900-01-01');
      const end = literal(type.name === 'smalldatetime' ? '2079-06-07' : '10000-01-01');
      const stamp = sql`TRY_CAST(${text} AS TIMESTAMP)`;
      const isInRange = sql`${stamp} >= CAST(${first} AS TIMESTAMP) AND ${stamp} < CAST(${end} AS TIMESTAMP)`;
      return sql`CASE WHEN ${isInRange} THEN ${roundTemporal(stamp, type)} END`;
    }
    case 'datetimeoffset':
      return sql`CASE WHEN TRY_CAST(${text} AS TIMESTAMPTZ) IS NOT NULL THEN ${text} END`;
    default:
      return sql`TRY_CAST(${text} AS ${unsafeSql(engineType(type))})`;
  }
}

/** All columns of the table in order: those that the file does not have come from their T-SQL expressions. */
async function computeAbsent(table: TableDescription, present: readonly ColumnDescription[], rows: Sql, path: string): Promise<Sql> {
  const quote = (name: string) => `[${name.replaceAll(']', ']]')}]`;
  const list = table.columns.map((column) => {
    if (present.includes(column)) return quote(column.name);
    if (column.computed === undefined)
      throw new LakesteadError('CONFIG_INVALID', `${path} does not have the column ${column.name}, and no expression computes it`);
    return `CONVERT(${formatType(column.type)}, ${column.computed}) AS ${quote(column.name)}`;
  });
  const names = join(present.map(({ name }) => ident(name)));
  if (present.length === table.columns.length) return sql`SELECT ${names} FROM (${rows}) AS t`;
  const text = `SELECT ${list.join(', ')} FROM t`;
  const none = async () => await Promise.resolve(undefined);
  const scope: BindScope = {
    text,
    now: new Date(),
    findTable: async ({ parts }) => await Promise.resolve(parts.join('.') === 't' ? { columns: present, sql: rows } : undefined),
    findTarget: none,
    findTableVariable: none,
    findVariable: () => undefined,
    sessionValue: none,
    openRowset: async () => await Promise.reject(new LakesteadError('SQL_NOT_SUPPORTED', 'a computed column cannot read files')),
  };
  try {
    const [statement] = parseBatch(text);
    if (statement?.kind !== 'query') throw new LakesteadError('SQL_SYNTAX', 'the expressions are none of T-SQL');
    return (await bindQuery(statement.query, scope)).sql;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LakesteadError('SQL_NOT_SUPPORTED', `a computed column of ${table.schema}.${table.name} cannot be computed: ${why}`, {
      cause: error,
    });
  }
}
