import { literal, sql, type Sql } from '#sql';

import type { Span } from './ast.ts';
import type { BoundExpression } from './bind-context.ts';
import { convert, type ConvertContext } from './convert.ts';
import { once } from './once.ts';
import { raise } from './raise.ts';
import type { BoundColumn } from './scope.ts';
import { isBinary, isText } from './types.ts';

/**
 * A value as INSERT and UPDATE put it into a column. Where CAST would cut text or bytes that are too long, this is SQL
 * Server's error 2628; blanks at the end are cut without one.
 */
export function assignToColumn(context: ConvertContext, value: BoundExpression, column: BoundColumn, table: string, span: Span): Sql {
  const { type: to } = column;
  const { length } = to;
  const isSized = (isText(to) || isBinary(to)) && typeof length === 'number';
  const fits = isSized && isText(value.type) === isText(to) && typeof value.type.length === 'number' && value.type.length <= length;
  if (!isSized || fits || value.isNull || !(isText(value.type) || isBinary(value.type))) return convert(context, value, to, span).sql;
  // As long as it is, in the encoding of the column; then measured, then given the column's form.
  const whole = { name: isText(to) ? (to.name.startsWith('n') ? 'nvarchar' : 'varchar') : 'varbinary', length: 'max' } as const;
  const long = convert(context, value, whole, span);
  return once(long.sql, (piece) => {
    const measured = isText(to) ? sql`length(rtrim(${piece}, ' '))` : sql`octet_length(${piece})`;
    const shown = isText(to) ? sql`left(${piece}, ${literal(length)})` : sql`''`;
    const tooLong = raise(
      2628,
      `String or binary data would be truncated in table '${table}', column '${column.name}'. Truncated value: '`,
      shown,
      "'.",
    );
    const sized = convert(context, { ...long, sql: piece }, to, span).sql;
    return sql`CASE WHEN ${measured} > ${literal(length)} THEN ${tooLong} ELSE ${sized} END`;
  });
}
