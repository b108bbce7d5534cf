import { literal, sql, type Sql, unsafeSql } from '#sql';
import { engineType, formatType, roundTemporal, type SqlServerType } from '#tsql';

import type { ColumnDescription } from './table-description.ts';

const day = String.raw`\d{4}-\d{2}-\d{2}`;
const clock = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.DIGITS)?)?`;

/** What is wrong with the text of a column, as text; NULL where nothing is. */
export function problemOf(text: Sql, { type, nullable }: ColumnDescription): Sql {
  const missing = nullable ? sql`NULL` : sql`${literal('NULL in a column that takes none')}`;
  const wrong = sql`'''' || left(${text}, 100) || ${literal(`' is no ${formatType(type)}`)}`;
  return sql`CASE WHEN ${text} IS NULL THEN ${missing} WHEN (${parseText(text, type)}) IS NULL THEN ${wrong} END`;
}

/**
 * The text of a CSV in the storage form of a type, NULL where it is none. Exactly: what would be rounded, cut or guessed
 * (1.5 as int, a fifth digit of money, `yes` as bit) is none.
 */
export function parseText(text: Sql, type: SqlServerType): Sql {
  const size = literal(typeof type.length === 'number' ? type.length : 0);
  const hex = sql`CASE WHEN ${matches(text, '0[xX]([0-9a-fA-F]{2})*')} THEN substr(${text}, 3) END`;
  // National text is counted in UTF-16 units; most values are short enough in UTF-8 already.
  const units = type.name.startsWith('n')
    ? sql`(length(${text}) + length(regexp_replace(${text}, '[^\\x{10000}-\\x{10FFFF}]', '', 'g')))`
    : sql`length(${text})`;
  const fitting = sql`CASE WHEN strlen(${text}) <= ${size} OR ${units} <= ${size} THEN ${text} END`;
  const cast = sql`TRY_CAST(${text} AS ${unsafeSql(engineType(type))})`;
  const when = (pattern: string, value: Sql) => sql`CASE WHEN ${matches(text, pattern)} THEN ${value} END`;
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
    case 'bigint':
    case 'int':
    case 'smallint':
    case 'tinyint':
      return when(String.raw` *[+-]?\d+ *`, cast);
    case 'bit':
      return when('(?i:0|1|true|false)', cast);
    case 'decimal':
    case 'money':
    case 'smallmoney':
      return when(String.raw` *[+-]?(\d+|\d*\.\d{0,${type.name === 'decimal' ? (type.scale ?? 0) : 4}}0*) *`, cast);
    case 'float':
    case 'real':
      return when(String.raw` *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *`, sql`CASE WHEN isfinite(${cast}) THEN ${cast} END`);
    case 'date':
      return when(String.raw`${day}([ T]00:00(:00(\.0+)?)?)?`, sql`CASE WHEN ${cast} >= DATE '0001-01-01' THEN ${cast} END`);
    case 'time':
      return when(clockOf(type.scale ?? 7), cast);
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2': {
      const first = literal(type.name === 'datetime2' ? '0001-01-01' : type.name === 'datetime' ? '1753-01-01' : '1900-01-01');
      const end = literal(type.name === 'smalldatetime' ? '2079-06-07' : '10000-01-01');
      const stamp = sql`TRY_CAST(${text} AS TIMESTAMP)`;
      const isInRange = sql`${stamp} >= CAST(${first} AS TIMESTAMP) AND ${stamp} < CAST(${end} AS TIMESTAMP)`;
      const isExact = sql`${roundTemporal(stamp, type)} = ${stamp}`;
      // The engine keeps microseconds: a seventh digit that is not 0 has no place.
      return when(`${day}([ T]${clockOf(6)}Z?)?`, sql`CASE WHEN ${isInRange} AND ${isExact} THEN ${stamp} END`);
    }
    case 'datetimeoffset': {
      const moment = sql`TRY_CAST(regexp_replace(${text}, ' ?(Z|[+-]\\d{2}:\\d{2})$', '') AS TIMESTAMP)`;
      const pattern = String.raw`${day}[ T]${clockOf(type.scale ?? 7)} ?(Z|[+-](0\d|1[0-4]):[0-5]\d)`;
      return when(pattern, sql`CASE WHEN ${moment} >= TIMESTAMP '0001-01-01' THEN ${text} END`);
    }
    default:
      return cast;
  }
}

const matches = (text: Sql, pattern: string): Sql => sql`regexp_full_match(${text}, ${literal(pattern)})`;
const clockOf = (digits: number): string => clock.replace('DIGITS', `\\d{0,${digits}}0*`);
