import { literal, sql, type Sql, unsafeSql } from '#sql';

import type { Span } from './ast.ts';
import { bindError, type BoundExpression } from './bind-context.ts';

type BindContext = { readonly text: string };
import { decimalShape, engineType, formatType, isBinary, isInteger, isNumeric, isTemporal, isText, type SqlServerType } from './types.ts';

/** Text formats that SQL Server reads as a date under us_english, after ISO 8601. */
const dateFormats = [
  '%Y%m%d', '%m/%d/%Y', '%m-%d-%Y', '%m.%d.%Y', '%b %d %Y', '%b %d, %Y', '%d %b %Y', '%B %d, %Y', '%B %d %Y', '%d %B %Y', '%Y/%m/%d', '%Y.%m.%d', '%m/%d/%y',
]; // prettier-ignore
const timeFormats = ['', ' %H:%M:%S', ' %H:%M', ' %H:%M:%S.%g', ' %I:%M%p', ' %I:%M %p', ' %I:%M:%S %p', ' %I:%M:%S%p', 'T%H:%M:%S'];
const allFormats = dateFormats.flatMap((date) => timeFormats.map((time) => `${date}${time}`));

/** Microseconds from 1753-01-01, where SQL Server's datetime begins, to 1970-01-01. */
const datetimeOffset = 6_847_804_800_000_000;

export type ConvertOptions = { readonly style?: number; readonly isTry?: boolean };

/**
 * A value as another type, by SQL Server's rules: what it cannot convert is an error (NULL with `isTry`), numbers are
 * truncated or rounded as there, text is cut to its length.
 */
export function convert(
  context: BindContext,
  value: BoundExpression,
  to: SqlServerType,
  span: Span,
  options: ConvertOptions = {},
): BoundExpression {
  const { type: from } = value;
  const result = (piece: Sql): BoundExpression => ({
    sql: piece,
    type: to,
    nullable: value.nullable || options.isTry === true,
    ...(isText(to) && value.collation !== undefined ? { collation: value.collation } : {}),
  });
  if (value.isNull) return { sql: sql`CAST(NULL AS ${unsafeSql(engineType(to))})`, type: to, nullable: true };
  if (sameType(from, to) && options.style === undefined) return value;
  if (isText(to)) return result(cutText(toText(context, value, span, options.style, to), to));
  if (isText(from)) return result(fromText(context, value.sql, to, span, options));
  if (isBinary(to)) return result(toBinary(context, value, to, span));
  if (isNumeric(from) && isNumeric(to)) return result(numberToNumber(value.sql, from, to, options.isTry === true));
  if (isTemporal(from) && isTemporal(to)) return result(temporalToTemporal(value.sql, from, to));
  if (isNumeric(from) && ['datetime', 'smalldatetime'].includes(to.name)) {
    return result(sql`(TIMESTAMP '1900-01-01' + to_microseconds(CAST(round(CAST(${value.sql} AS DOUBLE) * 86400000000) AS BIGINT)))`);
  }
  if (from.name === 'datetime' && isNumeric(to)) {
    return result(
      numberToNumber(sql`(epoch_us(${value.sql}) + 2208988800000000) / 86400000000.0`, { name: 'float' }, to, options.isTry === true),
    );
  }
  if (isBinary(from) && isNumeric(to) && isInteger(to))
    return result(sql`CAST(${unsafeSql("'0x'")} || hex(${value.sql}) AS ${unsafeSql(engineType(to))})`);
  throw bindError(context, 'SQL_TYPE', `a value of ${formatType(from)} does not convert to ${formatType(to)}`, span);
}

function sameType(a: SqlServerType, b: SqlServerType): boolean {
  return a.name === b.name && a.length === b.length && a.precision === b.precision && a.scale === b.scale;
}

function cutText(text: Sql, to: SqlServerType): Sql {
  if (typeof to.length !== 'number') return text;
  if (to.name === 'nchar' || to.name === 'char') return sql`rpad(${text}, ${unsafeSql(String(to.length))}, ' ')`;
  return sql`left(${text}, ${unsafeSql(String(to.length))})`;
}

/** A number as another number: integers are cut from decimals and floats, rounded from money; the rest rounds half away. */
function numberToNumber(value: Sql, from: SqlServerType, to: SqlServerType, isTry: boolean): Sql {
  const cast = unsafeSql(isTry ? 'TRY_CAST' : 'CAST');
  const target = unsafeSql(engineType(to));
  if (to.name === 'bit') return sql`(${value} <> 0)`;
  if (from.name === 'bit') return sql`CAST(CAST(${value} AS TINYINT) AS ${target})`;
  if (isInteger(to) && !isInteger(from)) {
    const whole = from.name === 'money' || from.name === 'smallmoney' ? sql`round(${value}, 0)` : sql`trunc(${value})`;
    return sql`${cast}(${whole} AS ${target})`;
  }
  if ((from.name === 'float' || from.name === 'real') && !isInteger(to) && to.name !== 'float' && to.name !== 'real') {
    return sql`${cast}(round(CAST(${value} AS DOUBLE), ${unsafeSql(String(decimalShape(to).scale))}) AS ${target})`;
  }
  return sql`${cast}(${value} AS ${target})`;
}

function temporalToTemporal(value: Sql, from: SqlServerType, to: SqlServerType): Sql {
  const asTimestamp =
    from.name === 'time'
      ? sql`(TIMESTAMP '1900-01-01' + CAST(${from.scale === 7 ? sql`left(${value}, 15)` : value} AS TIME))`
      : from.name === 'datetimeoffset'
        ? sql`CAST(left(${value}, length(${value}) - 7) AS TIMESTAMP)`
        : sql`CAST(${value} AS TIMESTAMP)`;
  return roundTemporal(asTimestamp, to);
}

/** A timestamp as a temporal type, with that type's rounding. */
export function roundTemporal(timestamp: Sql, to: SqlServerType): Sql {
  switch (to.name) {
    case 'date':
      return sql`CAST(${timestamp} AS DATE)`;
    case 'datetime': {
      const offset = unsafeSql(String(datetimeOffset));
      // Ticks of 1/300 s, rounded half up, and each tick as whole milliseconds: .000, .003, .007.
      return sql`make_timestamp(((((((epoch_us(${timestamp}) + ${offset}) * 3 + 5000) // 10000) * 20 + 3) // 6) * 1000) - ${offset})`;
    }
    case 'smalldatetime':
      return sql`date_trunc('minute', ${timestamp} + INTERVAL 29998500 MICROSECONDS)`;
    case 'datetime2':
      return roundFraction(timestamp, to.scale ?? 7);
    case 'time': {
      const time = sql`CAST(${roundFraction(timestamp, to.scale ?? 7)} AS TIME)`;
      return (to.scale ?? 7) <= 6 ? time : sql`(strftime(CAST('1900-01-01' AS DATE) + ${time}, '%H:%M:%S.%f') || '0')`;
    }
    default:
      return sql`(strftime(${timestamp}, '%Y-%m-%d %H:%M:%S') || ${fractionText(timestamp, to.scale ?? 7)} || ' +00:00')`;
  }
}

function roundFraction(timestamp: Sql, scale: number): Sql {
  if (scale >= 6) return timestamp;
  const step = unsafeSql(String(10 ** (6 - scale)));
  const half = unsafeSql(String(10 ** (6 - scale) / 2));
  const offset = unsafeSql('62135596800000000');
  return sql`make_timestamp(((epoch_us(${timestamp}) + ${offset} + ${half}) // ${step}) * ${step} - ${offset})`;
}

/** `.123` and so on; nothing for scale 0. */
function fractionText(timestamp: Sql, scale: number): Sql {
  if (scale === 0) return sql`''`;
  return sql`('.' || left(strftime(${timestamp}, '%f') || '0', ${unsafeSql(String(scale))}))`;
}

const styles: Readonly<Record<number, string>> = {
  1: '%m/%d/%y', 2: '%y.%m.%d', 3: '%d/%m/%y', 4: '%d.%m.%y', 5: '%d-%m-%y', 6: '%d %b %y', 7: '%b %d, %y', 8: '%H:%M:%S', 10: '%m-%d-%y', 11: '%y/%m/%d', 12: '%y%m%d', 14: '%H:%M:%S:%g',
  101: '%m/%d/%Y', 102: '%Y.%m.%d', 103: '%d/%m/%Y', 104: '%d.%m.%Y', 105: '%d-%m-%Y', 106: '%d %b %Y', 107: '%b %d, %Y', 108: '%H:%M:%S', 110: '%m-%d-%Y', 111: '%Y/%m/%d', 112: '%Y%m%d', 113: '%d %b %Y %H:%M:%S:%g', 114: '%H:%M:%S:%g',
  20: '%Y-%m-%d %H:%M:%S', 120: '%Y-%m-%d %H:%M:%S', 23: '%Y-%m-%d', 24: '%H:%M:%S',
}; // prettier-ignore

function toText(context: BindContext, value: BoundExpression, span: Span, style: number | undefined, to: SqlServerType): Sql {
  const { type: from, sql: piece } = value;
  if (isText(from)) return piece;
  switch (from.name) {
    case 'bit':
      return sql`CASE WHEN ${piece} THEN '1' WHEN NOT ${piece} THEN '0' END`;
    case 'money':
    case 'smallmoney':
      if (style === 1) return sql`format('{:,.2f}', CAST(round(${piece}, 2) AS DOUBLE))`;
      return style === 2 ? sql`CAST(${piece} AS VARCHAR)` : sql`CAST(CAST(round(${piece}, 2) AS DECIMAL(38,2)) AS VARCHAR)`;
    case 'float':
    case 'real': {
      const format = style === 1 ? '{:.7e}' : style === 2 ? '{:.15e}' : style === 3 ? '{:.17g}' : '{:g}';
      // C prints exponents of two digits, SQL Server of three.
      return sql`regexp_replace(format(${literal(format)}, CAST(${piece} AS DOUBLE)), 'e([+-])(\\d\\d)$', 'e\\10\\2')`;
    }
    case 'uniqueidentifier':
      return piece;
    case 'date':
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
    case 'time':
    case 'datetimeoffset':
      return temporalToText(context, piece, from, style, span);
    default:
      if (isBinary(from)) {
        if (style === 1) return sql`('0x' || hex(${piece}))`;
        if (style === 2) return sql`hex(${piece})`;
        if (to.name.startsWith('n'))
          throw bindError(context, 'SQL_NOT_SUPPORTED', 'binary to national text without style 1 or 2 is not supported', span);
        return sql`decode(${piece})`;
      }
      return sql`CAST(${piece} AS VARCHAR)`;
  }
}

function temporalToText(context: BindContext, piece: Sql, from: SqlServerType, style: number | undefined, span: Span): Sql {
  if (from.name === 'time' || from.name === 'datetimeoffset') {
    if (style !== undefined && ![0, 121, 126, 21, 114, 108, 25].includes(style))
      throw bindError(context, 'SQL_NOT_SUPPORTED', `style ${style} of ${from.name} is not supported`, span);
    if (from.name === 'datetimeoffset' || from.scale === 7) return piece;
    return sql`(strftime(CAST('1900-01-01' AS DATE) + ${piece}, '%H:%M:%S') || ${fractionText(sql`(CAST('1900-01-01' AS DATE) + ${piece})`, from.scale ?? 0)})`;
  }
  const timestamp = sql`CAST(${piece} AS TIMESTAMP)`;
  const isModern = from.name === 'date' || from.name === 'datetime2';
  const chosen = style ?? (isModern ? 121 : 0);
  if (from.name === 'date' && [20, 21, 23, 25, 120, 121, 126, 127].includes(chosen)) return sql`strftime(${piece}, '%Y-%m-%d')`;
  const digits = from.name === 'datetime2' ? (from.scale ?? 7) : from.name === 'datetime' ? 3 : 0;
  const fraction = from.name === 'smalldatetime' ? sql`'.000'` : fractionText(timestamp, digits);
  const formatted = (format: string) => sql`strftime(${timestamp}, ${literal(format)})`;
  if (chosen === 121 || chosen === 21 || chosen === 25) return sql`(${formatted('%Y-%m-%d %H:%M:%S')} || ${fraction})`;
  if (chosen === 126 || chosen === 127) {
    const whole =
      from.name === 'datetime'
        ? sql`CASE WHEN millisecond(${timestamp}) % 1000 = 0 THEN '' ELSE ${fraction} END`
        : from.name === 'smalldatetime'
          ? sql`''`
          : fraction;
    return sql`(${formatted('%Y-%m-%dT%H:%M:%S')} || ${whole}${chosen === 127 ? sql` || 'Z'` : sql``})`;
  }
  if (chosen === 0 || chosen === 100)
    return sql`(strftime(${timestamp}, '%b ') || lpad(CAST(day(${timestamp}) AS VARCHAR), 2, ' ') || strftime(${timestamp}, ' %Y ') || lpad(ltrim(strftime(${timestamp}, '%I:%M%p'), '0'), 7, ' '))`;
  const format = styles[chosen];
  if (format === undefined) throw bindError(context, 'SQL_NOT_SUPPORTED', `style ${chosen} of dates is not supported`, span);
  return formatted(format);
}

function fromText(context: BindContext, piece: Sql, to: SqlServerType, span: Span, options: ConvertOptions): Sql {
  const failed = (value: Sql) =>
    options.isTry
      ? sql`NULL`
      : sql`error('Conversion failed when converting the text ''' || ${value} || ''' to data type ${unsafeSql(to.name)}.')`;
  const target = unsafeSql(engineType(to));
  const trimmed = sql`trim(${piece})`;
  if (isInteger(to)) {
    if (to.name === 'bit') {
      return sql`CASE WHEN lower(${trimmed}) = 'true' THEN true WHEN lower(${trimmed}) IN ('false', '') THEN false WHEN regexp_full_match(${trimmed}, '[+-]?[0-9]+') THEN CAST(${trimmed} AS BIGINT) <> 0 WHEN ${piece} IS NULL THEN NULL ELSE ${failed(piece)} END`;
    }
    const cast = unsafeSql(options.isTry ? 'TRY_CAST' : 'CAST');
    return sql`CASE WHEN regexp_full_match(${trimmed}, '[+-]?[0-9]+') THEN ${cast}(${trimmed} AS ${target}) WHEN ${trimmed} = '' THEN CAST(0 AS ${target}) WHEN ${piece} IS NULL THEN NULL ELSE ${failed(piece)} END`;
  }
  if (to.name === 'money' || to.name === 'smallmoney') {
    const plain = sql`regexp_replace(${trimmed}, '[$£€,]', '', 'g')`;
    return checkedCast(plain, sql`CASE WHEN ${plain} = '' THEN '0' ELSE ${plain} END`, target, failed(piece));
  }
  if (isNumeric(to)) {
    // Text with an exponent is a float and no decimal.
    const pattern = to.name === 'decimal' ? '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)' : '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?';
    return sql`CASE WHEN regexp_full_match(${trimmed}, ${literal(pattern)}) THEN ${unsafeSql(options.isTry ? 'TRY_CAST' : 'CAST')}(${trimmed} AS ${target}) WHEN ${piece} IS NULL THEN NULL ${to.name === 'decimal' ? sql`` : sql`WHEN ${trimmed} = '' THEN 0`} ELSE ${failed(piece)} END`;
  }
  if (to.name === 'uniqueidentifier')
    return checkedCast(
      sql`trim(${piece}, '{} ')`,
      sql`trim(${piece}, '{} ')`,
      unsafeSql('UUID'),
      failed(piece),
      (value) => sql`upper(CAST(${value} AS VARCHAR))`,
    );
  if (isBinary(to)) {
    if (options.style === 1) return sql`unhex(substr(${piece}, 3))`;
    if (options.style === 2) return sql`unhex(${piece})`;
    return sql`encode(${piece})`;
  }
  if (to.name === 'datetimeoffset') {
    return sql`CASE WHEN ${piece} IS NULL THEN NULL WHEN regexp_full_match(${trimmed}, '.*[+-][0-9]{2}:[0-9]{2}') THEN ${trimmed} ELSE ${roundTemporal(sql`CAST(${trimmed} AS TIMESTAMP)`, to)} END`;
  }
  if (isTemporal(to)) return textToTemporal(context, piece, to, options, failed(piece), span);
  throw bindError(context, 'SQL_TYPE', `text does not convert to ${formatType(to)}`, span);
}

function checkedCast(test: Sql, value: Sql, target: Sql, failed: Sql, finish: (value: Sql) => Sql = (same) => same): Sql {
  return sql`CASE WHEN ${test} IS NULL THEN NULL WHEN TRY_CAST(${value} AS ${target}) IS NULL THEN ${failed} ELSE ${finish(sql`TRY_CAST(${value} AS ${target})`)} END`;
}

function textToTemporal(context: BindContext, piece: Sql, to: SqlServerType, options: ConvertOptions, failed: Sql, span: Span): Sql {
  const trimmed = sql`trim(${piece})`;
  if (to.name === 'time') {
    const stamp = sql`coalesce(TRY_CAST('1900-01-01 ' || left(${trimmed}, 15) AS TIMESTAMP), TRY_CAST(${trimmed} AS TIMESTAMP), try_strptime('1900-01-01 ' || ${trimmed}, ['%Y-%m-%d %I:%M%p', '%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %H:%M']))`;
    return sql`CASE WHEN ${piece} IS NULL THEN NULL WHEN ${stamp} IS NULL THEN ${failed} ELSE ${roundTemporal(stamp, to)} END`;
  }
  const { style } = options;
  let stamp: Sql;
  if (style !== undefined && ![0, 20, 21, 23, 25, 100, 120, 121, 126, 127, 112].includes(style)) {
    const format = styles[style];
    if (format === undefined) throw bindError(context, 'SQL_NOT_SUPPORTED', `style ${style} of dates is not supported`, span);
    stamp = sql`try_strptime(${trimmed}, [${literal(format)}, ${literal(`${format} %H:%M:%S`)}, ${literal(`${format} %H:%M`)}])`;
  } else {
    // Digits beyond microseconds and a closing Z are not DuckDB's; eight digits are a date, as everywhere in SQL Server.
    const iso = sql`regexp_replace(regexp_replace(${trimmed}, '(\\.\\d{6})\\d+', '\\1'), 'Z$', '')`;
    stamp = sql`coalesce(TRY_CAST(${iso} AS TIMESTAMP), try_strptime(${trimmed}, ${literal(allFormats)}), CASE WHEN ${trimmed} = '' THEN TIMESTAMP '1900-01-01' END)`;
  }
  const rounded = roundTemporal(stamp, to);
  const low = to.name === 'datetime' ? sql` OR ${stamp} < TIMESTAMP '1753-01-01'` : sql``;
  return sql`CASE WHEN ${piece} IS NULL THEN NULL WHEN ${stamp} IS NULL${low} THEN ${failed} ELSE ${rounded} END`;
}

function toBinary(context: BindContext, value: BoundExpression, to: SqlServerType, span: Span): Sql {
  const { type: from, sql: piece } = value;
  if (isBinary(from)) return piece;
  if (from.name === 'uniqueidentifier' || !isInteger(from))
    throw bindError(context, 'SQL_NOT_SUPPORTED', `${formatType(from)} to ${formatType(to)} is not supported`, span);
  const bytes = { bigint: 8, int: 4, smallint: 2, tinyint: 1, bit: 1 }[from.name as 'int'];
  const digits = unsafeSql(String(bytes * 2));
  return sql`unhex(right(lpad(to_hex(CAST(${piece} AS BIGINT)), 16, CASE WHEN CAST(${piece} AS BIGINT) < 0 THEN 'F' ELSE '0' END), ${digits}))`;
}
