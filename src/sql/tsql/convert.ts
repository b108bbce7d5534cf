import { sql, type Sql, unsafeSql } from '#sql';

import type { Span } from './ast.ts';
import { bindError, type BoundExpression } from './bind-context.ts';
import { binaryToNumber, toBinary } from './convert-binary.ts';
import { fromText } from './convert-from-text.ts';
import { temporalToTemporal } from './convert-temporal.ts';
import { toSizedText } from './convert-to-text.ts';
import { once } from './once.ts';
import { raise } from './raise.ts';
import { decimalShape, engineType, formatType, isBinary, isInteger, isNumeric, isTemporal, isText, type SqlServerType } from './types.ts';

/** What a conversion is refused with: the text that spans count in. */
export type ConvertContext = { readonly text: string };
export type ConvertOptions = { readonly style?: number; readonly isTry?: boolean };
/** One conversion: the value, where it goes, and where the statement says so. */
export type Conversion = {
  readonly context: ConvertContext;
  readonly value: BoundExpression;
  readonly to: SqlServerType;
  readonly span: Span;
  readonly options: ConvertOptions;
};

/**
 * A value as another type, by SQL Server's rules: what it cannot convert is an error (NULL with `isTry`), numbers are
 * truncated or rounded as there, text is cut to its length.
 */
export function convert(
  context: ConvertContext,
  value: BoundExpression,
  to: SqlServerType,
  span: Span,
  options: ConvertOptions = {},
): BoundExpression {
  const { type: from } = value;
  if (value.isNull) return { sql: sql`CAST(NULL AS ${unsafeSql(engineType(to))})`, type: to, nullable: true };
  if (sameType(from, to) && options.style === undefined) return value;
  return {
    sql: convertSql({ context, value, to, span, options }),
    type: to,
    nullable: value.nullable || options.isTry === true,
    ...(isText(to) && value.collation !== undefined ? { collation: value.collation } : {}),
    ...(isText(to) && value.isJson ? { isJson: true } : {}),
  };
}

function convertSql(conversion: Conversion): Sql {
  const { context, value, to, span, options } = conversion;
  const { type: from, sql: piece } = value;
  const isTry = options.isTry === true;
  if (isText(to)) return toSizedText(conversion);
  if (isBinary(to)) return toBinary(conversion);
  if (isText(from)) return once(piece, (text) => fromText({ ...conversion, value: { ...value, sql: text } }));
  if (isNumeric(from) && isNumeric(to)) return numberToNumber(piece, from, to, isTry);
  if (isTemporal(from) && isTemporal(to)) return temporalToTemporal(piece, from, to);
  const isClassic = (type: SqlServerType) => type.name === 'datetime' || type.name === 'smalldatetime';
  if (isNumeric(from) && isClassic(to)) return sql`(TIMESTAMP '1900-01-01' + ${daysInterval(piece)})`;
  if (isClassic(from) && isNumeric(to)) {
    const days = sql`((epoch_us(${piece}) + 2208988800000000) / 86400000000.0)`;
    // From noon on, the day is rounded up.
    return isInteger(to) && to.name !== 'bit'
      ? sql`CAST(floor(${days} + 0.5) AS ${unsafeSql(engineType(to))})`
      : numberToNumber(days, { name: 'float' }, to, isTry);
  }
  if (isBinary(from) && isInteger(to) && to.name !== 'bit') return binaryToNumber(piece, to);
  throw bindError(context, 'SQL_TYPE', `a value of ${formatType(from)} does not convert to ${formatType(to)}`, span);
}

/** A number of days, with their fraction, as an interval of the engine. */
export function daysInterval(days: Sql): Sql {
  return sql`to_microseconds(CAST(round(CAST(${days} AS DOUBLE) * 86400000000) AS BIGINT))`;
}

function sameType(a: SqlServerType, b: SqlServerType): boolean {
  return a.name === b.name && a.length === b.length && a.precision === b.precision && a.scale === b.scale;
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
  if ((to.name === 'tinyint' || to.name === 'smallint') && !isTry && from.name !== 'tinyint') {
    const failed = (piece: Sql) =>
      raise(220, `Arithmetic overflow error for data type ${to.name}, value = `, sql`CAST(${piece} AS VARCHAR)`, '.');
    return once(
      value,
      (piece) => sql`CASE WHEN ${piece} IS NULL OR TRY_CAST(${piece} AS ${target}) IS NOT NULL THEN TRY_CAST(${piece} AS ${target}) ELSE ${failed(piece)} END`,
    ); // prettier-ignore
  }
  if ((from.name === 'float' || from.name === 'real') && !isInteger(to) && to.name !== 'float' && to.name !== 'real')
    return sql`${cast}(round(CAST(${value} AS DOUBLE), ${unsafeSql(String(decimalShape(to).scale))}) AS ${target})`;
  return sql`${cast}(${value} AS ${target})`;
}
