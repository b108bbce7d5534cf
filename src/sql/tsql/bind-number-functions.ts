import { join, literal, sql, type Sql, unsafeSql } from '#sql';

import type { BoundExpression } from './bind-context.ts';
import { argumentAs, argumentOf, type Call, checkCount, float, type FunctionBinder, int, refuseCall } from './bind-call.ts';
import { convert } from './convert.ts';
import { once } from './once.ts';
import { raise } from './raise.ts';
import { decimalShape, engineType, isInteger, isNumeric, type SqlServerType } from './types.ts';

/** A function of numbers whose result is a float. */
const floatFunction =
  (fn: string, count = 1): FunctionBinder =>
  (call) => {
    checkCount(call, count, count);
    const args = Array.from({ length: count }, (_, index) => argumentAs(call, index, float));
    return { sql: sql`${unsafeSql(fn)}(${join(args)})`, type: float, nullable: true };
  };

/** The first argument as the number that a mathematical function takes: small integers as int, text and bit as float. */
function numberOf(call: Call): BoundExpression {
  const value = argumentOf(call, 0);
  if (value.isNull) return convert(call.frame.scope, value, float, call.node.span);
  const { name } = value.type;
  const type: SqlServerType =
    !isNumeric(value.type) || name === 'bit' || name === 'real'
      ? float
      : name === 'tinyint' || name === 'smallint'
        ? int
        : name === 'smallmoney'
          ? { name: 'money' }
          : value.type;
  return convert(call.frame.scope, value, type, call.node.span);
}

const cast = (value: Sql, type: SqlServerType): BoundExpression => ({
  sql: sql`CAST(${value} AS ${unsafeSql(engineType(type))})`,
  type,
  nullable: true,
});

/** CEILING and FLOOR: a decimal loses its digits behind the point. */
const whole =
  (fn: 'ceil' | 'floor'): FunctionBinder =>
  (call) => {
    checkCount(call, 1, 1);
    const { sql: value, type } = numberOf(call);
    const result: SqlServerType = type.name === 'decimal' ? { name: 'decimal', precision: type.precision ?? 18, scale: 0 } : type;
    return isInteger(type) ? { sql: value, type, nullable: true } : cast(sql`${unsafeSql(fn)}(${value})`, result);
  };

const ROUND: FunctionBinder = (call) => {
  checkCount(call, 2, 3);
  const { sql: value, type } = numberOf(call);
  const { constant: cut } = call.args.length > 2 ? argumentOf(call, 2) : { constant: 0 };
  if (typeof cut !== 'number') throw refuseCall(call, 'a third argument of ROUND that is not a constant is not supported');
  const fn = cut === 0 ? sql`round` : sql`trunc`;
  const places = argumentOf(call, 1).constant;
  if (type.name === 'float' || isInteger(type)) return cast(sql`${fn}(${value}, ${argumentAs(call, 1, int)})`, type);
  if (typeof places !== 'number') throw refuseCall(call, 'ROUND of a decimal to places that are not a constant is not supported');
  const { precision, scale } = decimalShape(type);
  if (places >= scale) return { sql: value, type, nullable: true };
  // With room for one more digit: a result that then does not fit the type is an overflow.
  const wide = sql`CAST(${value} AS DECIMAL(${literal(Math.min(38, precision + 1))}, ${literal(scale)}))`;
  return cast(sql`${fn}(${wide}, ${literal(places)})`, type);
};

/** ABS, SIGN and their like keep the type of their number. */
const sameNumber =
  (build: (value: Sql, type: SqlServerType) => Sql): FunctionBinder =>
  (call) => {
    checkCount(call, 1, 1);
    const { sql: value, type } = numberOf(call);
    return cast(build(value, type), type);
  };

const POWER: FunctionBinder = (call) => {
  checkCount(call, 2, 2);
  const { type } = numberOf(call);
  const power = sql`pow(${argumentAs(call, 0, float)}, ${argumentAs(call, 1, float)})`;
  if (type.name === 'float') return { sql: power, type, nullable: true };
  const result: SqlServerType = type.name === 'decimal' ? { name: 'decimal', precision: 38, scale: type.scale ?? 0 } : type;
  if (!isInteger(result)) return cast(power, result);
  const limit = result.name === 'bigint' ? '9223372036854775808' : '2147483648';
  return cast(once(power, (found) => sql`CASE WHEN ${found} >= ${unsafeSql(limit)} OR ${found} < -${unsafeSql(limit)} THEN ${raise(232, `Arithmetic overflow error for type ${result.name}, value = `, sql`format('{:.6f}', ${found})`, '.')} ELSE trunc(${found}) END`), result); // prettier-ignore
};

/** The error of a function outside its domain. */
const invalid = raise(3623, 'An invalid floating point operation occurred.');
const domain =
  (fn: string, isOutside: (value: Sql) => Sql): FunctionBinder =>
  (call) => {
    checkCount(call, 1, 1);
    const build = (value: Sql) => sql`CASE WHEN ${isOutside(value)} THEN ${invalid} ELSE ${unsafeSql(fn)}(${value}) END`;
    return { sql: once(argumentAs(call, 0, float), build), type: float, nullable: true };
  };

const LOG: FunctionBinder = (call) => {
  checkCount(call, 1, 2);
  const natural = (value: Sql) => once(value, (one) => sql`CASE WHEN ${one} <= 0 THEN ${invalid} ELSE ln(${one}) END`);
  const value = natural(argumentAs(call, 0, float));
  return { sql: call.args.length === 1 ? value : sql`(${value} / ${natural(argumentAs(call, 1, float))})`, type: float, nullable: true };
};

const RAND: FunctionBinder = (call) => {
  if (call.args.length > 0) throw refuseCall(call, 'RAND with a seed is not supported');
  return { sql: sql`random()`, type: float, nullable: false };
};

const ISNUMERIC: FunctionBinder = (call) => {
  checkCount(call, 1, 1);
  const value = argumentOf(call, 0);
  const shape = String.raw`[+-]?[$]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]+)?|[-+.,$]`;
  const test =
    value.isNull === true
      ? sql`false`
      : isNumeric(value.type)
        ? sql`${value.sql} IS NOT NULL`
        : sql`regexp_full_match(trim(${argumentAs(call, 0, { name: 'nvarchar', length: 'max' })}), ${literal(shape)})`;
  return { sql: sql`CASE WHEN ${test} THEN 1 ELSE 0 END`, type: int, nullable: false };
};

/** The functions of numbers, by upper-case name. */
export const numberFunctions: Readonly<Record<string, FunctionBinder>> = {
  ABS: sameNumber((value) => sql`abs(${value})`),
  SIGN: sameNumber((value, type) => (type.name === 'float' ? sql`CAST(sign(${value}) AS DOUBLE)` : sql`sign(${value})`)),
  CEILING: whole('ceil'),
  FLOOR: whole('floor'),
  ROUND,
  POWER,
  SQRT: domain('sqrt', (value) => sql`${value} < 0`),
  SQUARE: (call) => {
    checkCount(call, 1, 1);
    return { sql: once(argumentAs(call, 0, float), (value) => sql`(${value} * ${value})`), type: float, nullable: true };
  },
  EXP: floatFunction('exp'),
  LOG10: domain('log10', (value) => sql`${value} <= 0`),
  LOG,
  PI: floatFunction('pi', 0),
  SIN: floatFunction('sin'),
  COS: floatFunction('cos'),
  TAN: floatFunction('tan'),
  COT: floatFunction('cot'),
  ASIN: domain('asin', (value) => sql`abs(${value}) > 1`),
  ACOS: domain('acos', (value) => sql`abs(${value}) > 1`),
  ATAN: floatFunction('atan'),
  ATN2: floatFunction('atan2', 2),
  DEGREES: sameNumber((value, type) => (isInteger(type) ? sql`trunc(degrees(${value}))` : sql`degrees(CAST(${value} AS DOUBLE))`)),
  RADIANS: sameNumber((value, type) => (isInteger(type) ? sql`trunc(radians(${value}))` : sql`radians(CAST(${value} AS DOUBLE))`)),
  RAND,
  ISNUMERIC,
};
