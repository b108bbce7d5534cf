import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join as joinPath } from 'node:path';

import { z } from 'zod';

import { LakesteadError } from '#core';
import type { Engine, Lease, StatementOptions } from '#engine';
import { ident, join, literal, sql } from '#sql';
import { parseType } from '#tsql';

import { computeAbsent } from './source-computed.ts';
import { type CsvFile, csvRows, findLine, openCsv } from './source-csv.ts';
import { parseText, problemOf } from './source-value.ts';
import type { ColumnDescription, TableDescription } from './table-description.ts';
import type { Database } from './types.ts';
import { inTransaction, replaceTable } from './write-table.ts';

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
  const csv = await openCsv(path);
  const unknown = csv.header.find((name) => !table.columns.some((column) => column.name === name));
  if (unknown !== undefined)
    throw new LakesteadError('CONFIG_INVALID', `the columns file does not have the column ${unknown} of ${path}`, {
      hint: 'case matters here',
    });
  const present = table.columns.filter((column) => csv.header.includes(column.name));
  const list = present.map((column) => {
    const text = ident(column.name);
    const problem = problemOf(text, column);
    return sql`CASE WHEN ${problem} IS NULL THEN ${parseText(text, column.type)} ELSE error(${literal(wrongValue)}) END AS ${text}`;
  });
  const rows = await computeAbsent(table, present, sql`SELECT ${join(list)} FROM ${csvRows(csv)}`, path);
  const load = async () => {
    const { rowCount } = await replaceTable({ lease, database, table, rows, ...options });
    await refuseDuplicates(lease, database, table, csv, options);
    return rowCount;
  };
  try {
    return await inTransaction(lease, load, options);
  } catch (error) {
    if (!(error instanceof LakesteadError) || !error.message.includes(wrongValue)) throw error;
    throw await findWrongValue(lease, table, present, csv, options, error);
  }
}

const wrongValue = 'a value of the file is none of its column';

/** Says which value stopped the load: the first one of the file. */
async function findWrongValue(
  lease: Lease,
  table: TableDescription,
  present: readonly ColumnDescription[],
  csv: CsvFile,
  options: StatementOptions,
  cause: LakesteadError,
): Promise<LakesteadError> {
  const cases = present.map((column) => {
    const problem = problemOf(ident(column.name), column);
    return sql`CASE WHEN ${problem} IS NOT NULL THEN [${literal(column.name)}, ${problem}] END`;
  });
  const numbered = sql`SELECT row_number() OVER () AS "row number", * FROM ${csvRows(csv, { isOrdered: true })}`;
  const found = sql`SELECT "row number" AS n, coalesce(${join(cases)}, NULL) AS problem FROM (${numbered})`;
  const [row] = await lease.rows(
    sql`SELECT n, problem[1] AS name, problem[2] AS why FROM (${found}) WHERE problem IS NOT NULL ORDER BY n LIMIT 1`,
    options,
  );
  if (row === undefined) return cause;
  return await refuseRow(table, csv, Number(row['n']), [String(row['name'])], String(row['why']), cause);
}

/** SQL Server refuses a key that is there twice; no index does here, so that a load needs no memory for one. */
async function refuseDuplicates(
  lease: Lease,
  database: string,
  table: TableDescription,
  csv: CsvFile,
  options: StatementOptions,
): Promise<void> {
  const { primaryKey } = table;
  if (primaryKey.length === 0) return;
  const keys = join(primaryKey.map((name) => ident(name)));
  const target = ident(database, table.schema, table.name);
  const [found] = await lease.rows(sql`SELECT 1 AS one FROM ${target} GROUP BY ${keys} HAVING count(*) > 1 LIMIT 1`, options);
  if (found === undefined) return;
  const numbered = sql`SELECT row_number() OVER () AS "row number", * FROM ${csvRows(csv, { isOrdered: true })}`;
  const parsed = table.columns
    .filter(({ name }) => primaryKey.includes(name) && csv.header.includes(name))
    .map(({ name, type }) => sql`${parseText(ident(name), type)} AS ${ident(name)}`);
  if (parsed.length < primaryKey.length)
    throw new LakesteadError('SQL_TYPE', `${table.schema}.${table.name}: the key (${primaryKey.join(', ')}) is there twice`, {
      place: { file: csv.path },
    });
  const groups = sql`SELECT list("row number" ORDER BY "row number") AS n, concat_ws(', ', ${keys}) AS key FROM (SELECT "row number", ${join(parsed)} FROM (${numbered})) GROUP BY ${keys} HAVING count(*) > 1`;
  const [row] = await lease.rows(sql`SELECT n[1] AS first, n[2] AS second, key FROM (${groups}) ORDER BY second LIMIT 1`, options);
  const first = await findLine(csv.path, Number(row?.['first']));
  const why = `the key (${String(row?.['key'])}) is on line ${first} already`;
  throw await refuseRow(table, csv, Number(row?.['second']), primaryKey, why);
}

async function refuseRow(
  table: TableDescription,
  csv: CsvFile,
  row: number,
  columns: readonly string[],
  why: string,
  cause?: unknown,
): Promise<LakesteadError> {
  const line = await findLine(csv.path, row);
  const name = `${table.schema}.${table.name}`;
  const column = columns.join(', ');
  return new LakesteadError('SQL_TYPE', `${name}, column ${column}, line ${line} of ${csv.path}: ${why}`, {
    place: { file: csv.path, line },
    hint: 'the table is as it was before: mend the line, or the column in the columns file, and load again',
    data: { table: name, column, line },
    cause,
  });
}
