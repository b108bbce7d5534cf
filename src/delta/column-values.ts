import { LakesteadError } from '#core';
import { sparkExpression } from '#delta-sql';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';

import { writtenType } from './duckdb-types.ts';
import { generationOf } from './row-checks.ts';
import type { StructField, StructType } from './schema.ts';

/** Numbers that a column gives to new rows: each `step` after the one before. */
type Identity = { readonly start: bigint; readonly step: bigint; readonly last: bigint | undefined; readonly allowsExplicit: boolean };

/** How a column numbers its rows; `undefined` where it does not. */
export function identityOf({ metadata }: StructField): Identity | undefined {
  const [start, step, last] = ['start', 'step', 'highWaterMark'].map((key) => metadata[`delta.identity.${key}`]);
  if (start === undefined && step === undefined) return undefined;
  const whole = (value: unknown) => BigInt(typeof value === 'number' || typeof value === 'string' ? value : 1);
  return {
    start: whole(start),
    step: whole(step),
    last: last === undefined || last === null ? undefined : whole(last),
    allowsExplicit: metadata['delta.identity.allowExplicitInsert'] === true,
  };
}

/** Spark's text of what a column is where a write does not say. */
function defaultOf({ metadata }: StructField): string | undefined {
  const found = metadata['CURRENT_DEFAULT'];
  return typeof found === 'string' ? found : undefined;
}

/** Whether a write may leave the column out even where it may not be null. */
export function hasOwnValue(field: StructField): boolean {
  return generationOf(field) !== undefined || identityOf(field) !== undefined || defaultOf(field) !== undefined;
}

/**
 * Rows with every column of the table, in its order and types: what is given, defaults, numbers, and generated columns from
 * these.
 *
 * @param given a value for each column that has one, over the rows of `from`
 */
export function fillColumns(schema: StructType, given: ReadonlyMap<StructField, Sql>, from: Sql): Sql {
  const isGenerated = (field: StructField) => !given.has(field) && generationOf(field) !== undefined;
  const base = schema.fields.filter((field) => !isGenerated(field));
  const values = base.map((field) => sql`${given.get(field) ?? ownValue(field)} AS ${ident(field.name)}`);
  const rows = sql`SELECT ${join(values)} FROM ${from}`;
  if (base.length === schema.fields.length) return rows;
  return sql`SELECT ${generatedColumns(schema, isGenerated)} FROM (${rows}) AS base`;
}

/** All columns by name, some of them generated anew from the others. */
export function generatedColumns(schema: StructType, isGenerated: (field: StructField) => boolean): Sql {
  return join(
    schema.fields.map((field) =>
      isGenerated(field)
        ? sql`CAST(${sparkExpression(generationOf(field) ?? 'NULL')} AS ${unsafeSql(writtenType(field.type))}) AS ${ident(field.name)}`
        : ident(field.name),
    ),
  );
}

function ownValue(field: StructField): Sql {
  const type = unsafeSql(writtenType(field.type));
  const identity = identityOf(field);
  if (identity !== undefined) {
    const before = identity.last ?? identity.start - identity.step;
    return sql`CAST(${literal(before)} + ${literal(identity.step)} * (row_number() OVER ()) AS ${type})`;
  }
  const text = defaultOf(field);
  return text === undefined ? sql`CAST(NULL AS ${type})` : sql`CAST(${sparkExpression(text)} AS ${type})`;
}

/** The schema after so many rows were numbered by the columns that were left out. */
export function afterNumbering(schema: StructType, given: ReadonlySet<string>, rowCount: number): StructType {
  if (rowCount === 0) return schema;
  const fields = schema.fields.map((field): StructField => {
    const identity = given.has(field.name) ? undefined : identityOf(field);
    if (identity === undefined) return field;
    const last = (identity.last ?? identity.start - identity.step) + identity.step * BigInt(rowCount);
    return { ...field, metadata: { ...field.metadata, 'delta.identity.highWaterMark': Number(last) } };
  });
  return fields.every((field, index) => field === schema.fields[index]) ? schema : { type: 'struct', fields };
}

/** Refuses values for columns that only the table itself gives. Throws `DELTA_SCHEMA_MISMATCH`. */
export function refuseNumbered(fields: Iterable<StructField>, table: string): void {
  for (const field of fields) {
    const identity = identityOf(field);
    if (identity === undefined || identity.allowsExplicit) continue;
    throw new LakesteadError(
      'DELTA_SCHEMA_MISMATCH',
      `${field.name} of ${table} is numbered by the table (GENERATED ALWAYS AS IDENTITY) and takes no values; nothing was written`,
      { hint: 'leave the column out' },
    );
  }
}
