import { LakesteadError } from '#core';
import type { Column } from '#engine';
import { ident, type Sql, sql, unsafeSql } from '#sql';

import { fillColumns, hasOwnValue, refuseNumbered } from './column-values.ts';
import { canWiden, deltaTypeOf, describeField, duckdbType, writtenType } from './duckdb-types.ts';
import { type DeltaType, describeType, type StructField, type StructType } from './schema.ts';

/** How a query's rows get into a table's files. */
export type WritePlan = {
  /** The table's schema after the write. */
  readonly schema: StructType;
  /** A SELECT that gives exactly the schema's columns in order, with its types. */
  readonly query: Sql;
  /** Names of the columns that the query gives; the others get their defaults. */
  readonly given: ReadonlySet<string>;
};

/**
 * Fits a query into a table: columns by name without case, missing ones NULL, narrower types cast up.
 *
 * @param current the table's schema, `undefined` for a new table or when the schema is replaced
 * @param columns what the query gives
 * @param isMapped column mapping gives columns other names in files, so that any name will do
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` naming every column that does not fit
 */
export function planWrite(
  query: Sql,
  columns: readonly Column[],
  current: StructType | undefined,
  mode: 'strict' | 'merge',
  table: string,
  isMapped = false,
): WritePlan {
  checkNames(columns, table, isMapped);
  const schema = current === undefined ? newSchema(columns) : fitSchema(columns, current, mode, table);
  const source = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  const given = new Map<StructField, Sql>();
  for (const field of schema.fields) {
    const from = source.get(field.name.toLowerCase());
    if (from !== undefined) given.set(field, convert(ident(from.name), from.type, writtenType(field.type)));
  }
  refuseNumbered(given.keys(), table);
  const rows = fillColumns(schema, given, sql`(${query}\n) AS source`);
  return { schema, query: rows, given: new Set([...given.keys()].map(({ name }) => name)) };
}

function convert(expression: Sql, from: string, to: string): Sql {
  if (from === to) return expression;
  // A plain cast would take the session's time zone.
  if (to === 'TIMESTAMP WITH TIME ZONE' && from.startsWith('TIMESTAMP')) return sql`timezone('UTC', CAST(${expression} AS TIMESTAMP))`;
  if (to === 'TIMESTAMP' && from === 'TIMESTAMP WITH TIME ZONE') return sql`timezone('UTC', ${expression})`;
  return sql`CAST(${expression} AS ${unsafeSql(to)})`;
}

const integers: readonly DeltaType[] = ['byte', 'short', 'integer', 'long'];

/**
 * A value in a column's type, as Spark stores it: fractions are cut, what is out of range fails when it is run. What Spark
 * does not store there (a text in a number, a boolean in anything else) comes back as it is.
 *
 * @param from DuckDB's type of the value
 */
export function storeAs(value: Sql, from: string, to: DeltaType | undefined): Sql {
  // A timestamp without a zone is in UTC, which a cast would not know: the writer does.
  if (to === undefined || (from === 'VARCHAR' && to !== 'string') || from.startsWith('TIMESTAMP')) return value;
  if (to !== 'string' && (from === 'BOOLEAN') !== (to === 'boolean') && from !== '"NULL"') return value;
  const isCut = integers.includes(to) && /^(?:DECIMAL|FLOAT|DOUBLE)/.test(from);
  return sql`CAST(${isCut ? sql`trunc(${value})` : value} AS ${unsafeSql(duckdbType(to))})`;
}

/**
 * A value that is assigned to a column, in exactly its type.
 *
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` for a type that is not stored there
 */
export function assign(value: Sql, from: string, field: StructField, table: string): Sql {
  const to = writtenType(field.type);
  if (from === to || from === '"NULL"') return sql`CAST(${value} AS ${unsafeSql(to)})`;
  const stored = storeAs(value, from, field.type);
  if (stored !== value) return stored;
  if (from.startsWith('TIMESTAMP') && (field.type === 'timestamp' || field.type === 'timestamp_ntz')) return convert(value, from, to);
  if (canWiden(deltaTypeOf(from, field.name), field.type)) return convert(value, from, to);
  throw new LakesteadError(
    'DELTA_SCHEMA_MISMATCH',
    `${field.name} of ${table} is ${describeType(field.type)} and is assigned a value of DuckDB's type ${from}; nothing was written`,
    { hint: 'cast the value', data: { column: field.name } },
  );
}

function newSchema(columns: readonly Column[]): StructType {
  return { type: 'struct', fields: columns.map(newField) };
}

function newField({ name, type }: Column): StructField {
  return { name, type: deltaTypeOf(type, name), nullable: true, metadata: {} };
}

function fitSchema(columns: readonly Column[], current: StructType, mode: 'strict' | 'merge', table: string): StructType {
  const fields = new Map(current.fields.map((field) => [field.name.toLowerCase(), field]));
  const problems: string[] = [];
  const added: StructField[] = [];
  for (const column of columns) {
    const field = fields.get(column.name.toLowerCase());
    const given = newField(column);
    if (field === undefined) {
      if (mode === 'merge') added.push(given);
      else problems.push(`${describeField(given)} is not in the table`);
    } else if (!canWiden(given.type, field.type)) {
      problems.push(`${column.name} is ${describeType(given.type)} in the query and ${describeType(field.type)} in the table`);
    }
  }
  const names = new Set(columns.map(({ name }) => name.toLowerCase()));
  for (const field of current.fields) {
    if (!names.has(field.name.toLowerCase()) && !field.nullable && !hasOwnValue(field))
      problems.push(`${describeField(field)} may not be null and is not in the query`);
  }
  if (problems.length === 0) return added.length === 0 ? current : { type: 'struct', fields: [...current.fields, ...added] };
  throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `the query does not fit ${table}: ${problems.join('; ')}; nothing was written`, {
    hint: 'cast or rename in the query; new columns are taken with schemaMode "merge", a new schema with "overwrite"',
    data: { problems },
  });
}

/** Refuses names that stand twice, or that other engines could not read. Throws `DELTA_SCHEMA_MISMATCH`. */
function checkNames(columns: readonly { readonly name: string }[], table: string, isMapped: boolean): void {
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name.toLowerCase())) throw refuseName(table, name, 'stands twice; names compare without case');
    seen.add(name.toLowerCase());
    // Spark and Databricks refuse to read such names without column mapping.
    if ((!isMapped && /[ ,;{}()\n\t=]/.test(name)) || name === '')
      throw refuseName(
        table,
        name,
        'has a character that Delta does not allow in names without column mapping: one of " ,;{}()=", a tab or a line break',
      );
  }
}

/** As {@link checkNames}, for names of columns and of the fields of structs wherever they stand. */
export function checkSchemaNames(type: DeltaType, table: string, isMapped = false): void {
  if (typeof type === 'string') return;
  if (type.type === 'struct') {
    checkNames(type.fields, table, isMapped);
    for (const field of type.fields) checkSchemaNames(field.type, table, isMapped);
  } else if (type.type === 'array') checkSchemaNames(type.elementType, table, isMapped);
  else for (const part of [type.keyType, type.valueType]) checkSchemaNames(part, table, isMapped);
}

function refuseName(table: string, name: string, why: string): LakesteadError {
  return new LakesteadError('DELTA_SCHEMA_MISMATCH', `the column "${name}" for ${table} ${why}; nothing was written`, {
    hint: 'rename it in the query with AS',
    data: { column: name },
  });
}
