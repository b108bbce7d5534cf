import { literal, sql, type Sql, unsafeSql } from '#sql';

import type { BinaryOperator, Span } from './ast.ts';
import { bindError, type BoundExpression, type Collation } from './bind-context.ts';
import { roundTemporal } from './convert-temporal.ts';
import { convert, daysInterval } from './convert.ts';
import { raise } from './raise.ts';
import {
  decimalShape,
  engineType,
  formatType,
  isBinary,
  isInteger,
  isNumeric,
  isTemporal,
  isText,
  rankOf,
  type SqlServerType,
} from './types.ts';

type Text = { readonly text: string };

/** The type that values of two types meet in: the higher by SQL Server's precedence, wide enough for both. */
function commonType(a: SqlServerType, b: SqlServerType): SqlServerType {
  const [high, low] = rankOf(a) >= rankOf(b) ? [a, b] : [b, a];
  if (high.name === 'decimal' && isNumeric(low) && low.name !== 'float' && low.name !== 'real') {
    const [x, y] = [decimalShape(high), decimalShape(low)];
    return decimalSum(Math.max(x.precision - x.scale, y.precision - y.scale), Math.max(x.scale, y.scale), 0);
  }
  if (high.length !== undefined && low.length !== undefined && isText(high) === isText(low)) {
    const length = high.length === 'max' || low.length === 'max' ? 'max' : Math.max(high.length, low.length);
    const name =
      high.name === 'nchar' && high.length !== low.length
        ? 'nvarchar'
        : high.name === 'char' && high.length !== low.length
          ? 'varchar'
          : high.name;
    return { name: length === 'max' && name === 'nchar' ? 'nvarchar' : name, length };
  }
  if (high.scale !== undefined && low.scale !== undefined && high.name === low.name)
    return { ...high, scale: Math.max(high.scale, low.scale) };
  return high;
}

/** The common type of several values; NULLs take no part. Without any, int as SQL Server has it. */
export function commonTypeOf(values: readonly BoundExpression[]): SqlServerType {
  const typed = values.filter((value) => !value.isNull).map(({ type }) => type);
  const [first, ...rest] = typed;
  return first === undefined ? { name: 'int' } : rest.reduce(commonType, first);
}

/** A decimal of so many digits before and behind the point; the scale gives way to the digits before it. */
function decimalSum(whole: number, scale: number, carry: number): SqlServerType {
  const precision = Math.min(38, whole + scale + carry);
  return { name: 'decimal', precision, scale: whole + scale > 38 ? 38 - whole : scale };
}

/** A product or quotient in 38 digits: the scale gives way, but not below 6. */
function decimal(precision: number, scale: number): SqlServerType {
  if (precision <= 38) return { name: 'decimal', precision, scale };
  return { name: 'decimal', precision: 38, scale: Math.max(Math.min(scale, 38 - (precision - scale)), Math.min(scale, 6)) };
}

/** The collation of an operation: one that asks for case wins. */
export function commonCollation(...values: readonly BoundExpression[]): Collation {
  return values.some((value) => value.collation === 'caseSensitive') ? 'caseSensitive' : 'caseInsensitive';
}

/** What two values are compared by: text without case and trailing blanks, anything else as it is. */
export function comparisonKey(value: BoundExpression, collation: Collation = value.collation ?? 'caseInsensitive'): Sql {
  if (!isText(value.type)) return value.type.name === 'datetimeoffset' ? sql`CAST(${value.sql} AS TIMESTAMPTZ)` : value.sql;
  return collation === 'caseSensitive' ? sql`rtrim(${value.sql}, ' ')` : sql`lower(rtrim(${value.sql}, ' '))`;
}

/** Two values in their common type, ready to be compared. */
export function comparable(scope: Text, left: BoundExpression, right: BoundExpression, span: Span): { left: Sql; right: Sql } {
  const type = commonTypeOf([left, right]);
  const collation = commonCollation(left, right);
  const key = (value: BoundExpression) =>
    comparisonKey(numericAsIs(value, type) ? value : convert(scope, value, widened(type), span), collation);
  return { left: key(left), right: key(right) };
}

/** Numbers of different kinds compare in the engine without a conversion. */
function numericAsIs(value: BoundExpression, type: SqlServerType): boolean {
  return isNumeric(value.type) && isNumeric(type) && value.type.name !== 'bit' && type.name !== 'bit';
}

/** Text is never cut for a comparison. */
function widened(type: SqlServerType): SqlServerType {
  return isText(type) ? { name: type.name.startsWith('n') ? 'nvarchar' : 'varchar', length: 'max' } : type;
}

/** `left operator right` with SQL Server's types and errors. */
export function bindOperation(
  scope: Text,
  operator: BinaryOperator,
  left: BoundExpression,
  right: BoundExpression,
  span: Span,
): BoundExpression {
  if (operator === '||') return concatenate(scope, left, right, span);
  const type = commonTypeOf([left, right]);
  if (operator === '+' && (isText(type) || isBinary(type))) return concatenate(scope, left, right, span);
  if (isTemporal(type)) return shiftDate(scope, operator, left, right, span);
  if (!isNumeric(type))
    throw bindError(scope, 'SQL_TYPE', `${formatType(left.type)} ${operator} ${formatType(right.type)} has no meaning`, span);
  return arithmetic(scope, operator, left, right, type, span);
}

/** `-x`, `+x` and `~x`. */
export function bindSign(scope: Text, operator: '-' | '+' | '~', operand: BoundExpression, span: Span): BoundExpression {
  const { type, constant, nullable, digits } = operand;
  if (operand.isNull) return operand;
  if (operator === '~') {
    if (!isInteger(type)) throw bindError(scope, 'SQL_TYPE', '~ takes an integer', span);
    return { sql: type.name === 'bit' ? sql`(NOT ${operand.sql})` : sql`(~ ${operand.sql})`, type, nullable };
  }
  if (!isNumeric(type) || type.name === 'bit') throw bindError(scope, 'SQL_TYPE', `${operator} takes a number`, span);
  if (operator === '+') return operand;
  const shape = digits === undefined ? {} : { digits };
  const negative = constant === undefined ? {} : { constant: -Number(constant) };
  // A tinyint is never negative.
  const result: SqlServerType = type.name === 'tinyint' ? { name: 'smallint' } : type;
  return { sql: sql`(- ${convert(scope, operand, result, span).sql})`, type: result, nullable, ...shape, ...negative };
}

function concatenate(scope: Text, left: BoundExpression, right: BoundExpression, span: Span): BoundExpression {
  const type = commonTypeOf([left, right]);
  if (isBinary(type))
    return {
      sql: sql`(${left.sql} || ${right.sql})`,
      type: { name: 'varbinary', length: sumLength(left.type, right.type, 8000) },
      nullable: left.nullable || right.nullable,
    };
  const isNational = left.type.name.startsWith('n') || right.type.name.startsWith('n');
  const text: SqlServerType = { name: isNational ? 'nvarchar' : 'varchar', length: 'max' };
  const piece = (value: BoundExpression) => (isText(value.type) ? value : convert(scope, value, text, span));
  const length = sumLength(left.type, right.type, isNational ? 4000 : 8000);
  return {
    sql: sql`(${piece(left).sql} || ${piece(right).sql})`,
    type: { name: text.name, length },
    nullable: left.nullable || right.nullable,
    collation: commonCollation(left, right),
  };
}

function sumLength(a: SqlServerType, b: SqlServerType, limit: number): number | 'max' {
  if (a.length === 'max' || b.length === 'max') return 'max';
  return Math.min(limit, (a.length ?? 30) + (b.length ?? 30));
}

function shiftDate(scope: Text, operator: BinaryOperator, left: BoundExpression, right: BoundExpression, span: Span): BoundExpression {
  const dateFirst = isTemporal(left.type);
  const [date, days] = dateFirst ? [left, right] : [right, left];
  if (left.type.name === 'datetime' && right.type.name === 'datetime' && (operator === '+' || operator === '-')) {
    // Both are days since 1900.
    const zero = sql`TIMESTAMP '1900-01-01'`;
    const sum = operator === '-' ? sql`(${zero} + (${left.sql} - ${right.sql}))` : sql`(${left.sql} + (${right.sql} - ${zero}))`;
    return { sql: roundTemporal(sum, left.type), type: left.type, nullable: left.nullable || right.nullable };
  }
  const isClassic = date.type.name === 'datetime' || date.type.name === 'smalldatetime';
  if (!isClassic || !isNumeric(days.type) || !(operator === '+' || (operator === '-' && dateFirst))) {
    throw bindError(
      scope,
      'SQL_TYPE',
      `${formatType(left.type)} ${operator} ${formatType(right.type)} has no meaning`,
      span,
      'use DATEADD or DATEDIFF',
    );
  }
  const shifted = sql`(${date.sql} ${unsafeSql(operator)} ${daysInterval(days.sql)})`;
  return { sql: roundTemporal(shifted, date.type), type: date.type, nullable: left.nullable || right.nullable };
}

function arithmetic(
  scope: Text,
  operator: BinaryOperator,
  left: BoundExpression,
  right: BoundExpression,
  common: SqlServerType,
  span: Span,
): BoundExpression {
  const nullable = left.nullable || right.nullable;
  const isBitwise = operator === '&' || operator === '|' || operator === '^';
  if (common.name === 'bit' && !isBitwise) throw bindError(scope, 'SQL_TYPE', `bit ${operator} bit has no meaning`, span);
  const type: SqlServerType = common.name === 'bit' ? { name: 'tinyint' } : common;
  const a = numeric(scope, left, type, span);
  const b = numeric(scope, right, type, span);
  const op = unsafeSql(operator);
  if (isBitwise) {
    if (!isInteger(type)) throw bindError(scope, 'SQL_TYPE', `${operator} takes integers, not ${formatType(type)}`, span);
    const target = unsafeSql(engineType(type));
    const bits = operator === '^' ? sql`xor(${a}, ${b})` : sql`(${a} ${op} ${b})`;
    if (common.name === 'bit') return { sql: sql`(${bits} <> 0)`, type: common, nullable };
    return { sql: sql`CAST(${bits} AS ${target})`, type, nullable };
  }
  const isZero = right.constant !== undefined && Number(right.constant) !== 0;
  const divisor = isZero ? b : sql`CASE WHEN ${b} = 0 THEN ${raise(8134, 'Divide by zero error encountered.')} ELSE ${b} END`;
  if (isInteger(type)) {
    const target = unsafeSql(engineType(type));
    if (operator === '/') return { sql: sql`CAST(${a} // ${divisor} AS ${target})`, type, nullable };
    if (operator === '%') return { sql: sql`CAST(${a} % ${divisor} AS ${target})`, type, nullable };
    return { sql: sql`(${a} ${op} ${b})`, type, nullable };
  }
  if (type.name === 'float' || type.name === 'real') {
    return { sql: sql`(${a} ${op} ${operator === '/' || operator === '%' ? divisor : b})`, type, nullable };
  }
  return decimalArithmetic(operator, { ...left, sql: a }, { ...right, sql: b }, divisor, type, nullable);
}

/** Precision and scale of an operand: a literal integer has as many digits as it shows. */
function shapeOf({ type, digits }: BoundExpression): { readonly precision: number; readonly scale: number } {
  return digits === undefined ? decimalShape(type) : { precision: digits, scale: 0 };
}

/** An operand as the engine's arithmetic takes it: decimals keep their own scale, the rest goes to the common type. */
function numeric(scope: Text, value: BoundExpression, type: SqlServerType, span: Span): Sql {
  const isExact = (one: SqlServerType) => isNumeric(one) && one.name !== 'float' && one.name !== 'real' && one.name !== 'bit';
  if (isExact(value.type) && isExact(type) && !isInteger(type)) {
    const { precision, scale } = shapeOf(value);
    return isInteger(value.type)
      ? sql`CAST(${value.sql} AS DECIMAL(${unsafeSql(String(precision))},${unsafeSql(String(scale))}))`
      : value.sql;
  }
  return convert(scope, value, type, span).sql;
}

function decimalArithmetic(
  operator: BinaryOperator,
  left: BoundExpression,
  right: BoundExpression,
  divisor: Sql,
  common: SqlServerType,
  nullable: boolean,
): BoundExpression {
  const [x, y] = [shapeOf(left), shapeOf(right)];
  const isMoney = common.name === 'money' || common.name === 'smallmoney';
  const whole = Math.max(x.precision - x.scale, y.precision - y.scale);
  const shapes: Readonly<Record<string, readonly [number, number]>> = {
    '+': [whole + Math.max(x.scale, y.scale) + 1, Math.max(x.scale, y.scale)],
    '-': [whole + Math.max(x.scale, y.scale) + 1, Math.max(x.scale, y.scale)],
    '*': [x.precision + y.precision + 1, x.scale + y.scale],
    '/': [x.precision - x.scale + y.scale + Math.max(6, x.scale + y.precision + 1), Math.max(6, x.scale + y.precision + 1)],
    '%': [Math.min(x.precision - x.scale, y.precision - y.scale) + Math.max(x.scale, y.scale), Math.max(x.scale, y.scale)],
  };
  const [precision, scale] = shapes[operator] ?? [38, 6];
  const isSum = operator === '+' || operator === '-';
  const type = isMoney ? common : isSum ? decimalSum(whole, scale, 1) : decimal(precision, scale);
  const target = unsafeSql(engineType(type));
  const shape = decimalShape(type);
  if (operator === '/')
    return {
      sql: divideDecimals({ value: left.sql, scale: x.scale }, { value: divisor, scale: y.scale }, shape.scale, engineType(type)),
      type,
      nullable,
    };
  const wide = (value: Sql, itsScale: number) => sql`CAST(${value} AS DECIMAL(38,${unsafeSql(String(itsScale))}))`;
  if (operator === '*') {
    // DuckDB refuses products that could need more than 38 digits: then the factors give up what they do not need.
    if (x.precision + y.precision <= 38) return { sql: sql`CAST(${left.sql} * ${right.sql} AS ${target})`, type, nullable };
    return {
      sql: fromUnscaled(sql`(${unscaled(left.sql)} * ${unscaled(right.sql)})`, x.scale + y.scale, shape.scale, target, true),
      type,
      nullable,
    };
  }
  const [a, b] =
    operator === '%'
      ? [left.sql, divisor]
      : precision > 38
        ? [wide(left.sql, shape.scale), wide(right.sql, shape.scale)]
        : [left.sql, right.sql];
  return { sql: sql`CAST((${a} ${unsafeSql(operator)} ${b}) AS ${target})`, type, nullable };
}

/** A decimal's digits as one integer, without the point. */
function unscaled(value: Sql): Sql {
  return sql`CAST(replace(CAST(${value} AS VARCHAR), '.', '') AS HUGEINT)`;
}

type ScaledValue = { readonly value: Sql; readonly scale: number };

/** The exact quotient of two decimals, cut after `scale` digits as SQL Server cuts it, as the engine's type `target`. */
export function divideDecimals(left: ScaledValue, right: ScaledValue, scale: number, target: string): Sql {
  const shift = scale - left.scale + right.scale;
  const power = literal(`1${'0'.repeat(Math.abs(shift))}`);
  const numerator =
    shift >= 0 ? sql`(${unscaled(left.value)} * CAST(${power} AS HUGEINT))` : sql`(${unscaled(left.value)} // CAST(${power} AS HUGEINT))`;
  return fromUnscaled(sql`(${numerator} // ${unscaled(right.value)})`, scale, scale, unsafeSql(target), false);
}

/** An integer of digits as a decimal with the point set before the last `digits`. */
function fromUnscaled(value: Sql, digits: number, scale: number, target: Sql, rounds: boolean): Sql {
  const drop = digits - scale;
  const power = drop > 0 ? literal(`1${'0'.repeat(drop)}`) : undefined;
  const kept =
    power === undefined
      ? value
      : rounds
        ? sql`((${value} + sign(${value}) * (CAST(${power} AS HUGEINT) // 2)) // CAST(${power} AS HUGEINT))`
        : sql`(${value} // CAST(${power} AS HUGEINT))`;
  const padded = unsafeSql(String(scale + 1));
  const text = sql`lpad(CAST(abs(${kept}) AS VARCHAR), CAST(greatest(length(CAST(abs(${kept}) AS VARCHAR)), ${padded}) AS INTEGER), '0')`;
  if (scale === 0) return sql`CAST(${kept} AS ${target})`;
  return sql`CAST(CASE WHEN ${kept} < 0 THEN '-' ELSE '' END || left(${text}, -${unsafeSql(String(scale))}) || '.' || right(${text}, ${unsafeSql(String(scale))}) AS ${target})`;
}
