import { LakesteadError } from '#core';
import { literal, type Sql, sql, unsafeSql } from '#sql';

import { duckdbType } from './duckdb-types.ts';
import type { DeltaType } from './schema.ts';

/** A partition value as a typed constant of SQL. Nested types are no partition columns in Delta. */
export function partitionConstant(value: string | null, type: DeltaType): Sql {
  const target = unsafeSql(duckdbType(type));
  if (value === null) return sql`CAST(NULL AS ${target})`;
  // The log holds bytes as the characters that UTF-8 makes of them.
  if (type === 'binary') return sql`encode(${literal(value)})`;
  // Without a zone the text means UTC, whatever the session's time zone.
  if (type === 'timestamp') return sql`CAST(${literal(/(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}+00`)} AS ${target})`;
  return sql`CAST(${literal(value)} AS ${target})`;
}

/**
 * The log's text of a partition value that DuckDB wrote as text; '' and null are both the null partition.
 *
 * @throws {LakesteadError} `DELTA_UNSUPPORTED` for a type that is not written as partition column
 */
export function formatPartitionValue(text: string | null, type: DeltaType, column: string): string | null {
  if (text === null || text === '') return null;
  switch (type) {
    case 'timestamp':
      return text.replace(' ', 'T').replace(/\+00$/, 'Z');
    case 'binary':
    case 'double':
    case 'float':
      throw refuseType(type, column);
    default:
      if (typeof type !== 'string') throw refuseType(type.type, column);
      return text;
  }
}

function refuseType(type: string, column: string): LakesteadError {
  return new LakesteadError('DELTA_UNSUPPORTED', `a table cannot be partitioned by ${column}, whose type is ${type}; nothing was written`, {
    hint: 'partition by a string, a whole number, a date or a timestamp',
  });
}
