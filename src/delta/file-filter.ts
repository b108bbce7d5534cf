import { join, literal, type Sql, sql } from '#sql';

import { type Comparison, isComparison, toMilliseconds, toNumber } from './pruning.ts';
import { type ColumnCondition, type Condition, type ConditionValue, type KnownColumn, numericTypes } from './scan-plan.ts';

/**
 * Where a list of files has its facts, as SQL of texts: the value of a partition column, and what the statistics say at a path
 * (`minValues`, then physical names); NULL for nothing.
 */
export type FileColumns = { readonly partitionValue: (index: number) => Sql; readonly statistic: (path: readonly string[]) => Sql };

/** {@link FileColumns} of statistics as JSON text. They are parsed once for all paths, in `facts`, which has to stand below the filter. */
export function statisticsIn(stats: Sql): { readonly statistic: FileColumns['statistic']; readonly facts: () => Sql } {
  const pointers: string[] = [];
  return {
    statistic: (path) => {
      const pointer = pointerOf(path);
      if (!pointers.includes(pointer)) pointers.push(pointer);
      return sql`facts[${literal(pointers.indexOf(pointer) + 1)}]`;
    },
    // Statistics that are no JSON say nothing: NULL lets a file through.
    facts: () => (pointers.length === 0 ? sql`NULL` : sql`TRY(json_extract_string(${stats}, ${literal(pointers)}))`),
  };
}

/** A JSON pointer: names may hold anything. */
function pointerOf(path: readonly string[]): string {
  return path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * Conditions as SQL over a list of files: false only where {@link canMatch} says false, so that the engine leaves out most of a
 * long list before any of it becomes JavaScript's. What it lets through is looked at again. `undefined` where nothing can be told.
 *
 * @param known where the facts of each named column stand
 */
export function fileFilter(conditions: readonly Condition[], known: ReadonlyMap<string, KnownColumn>, files: FileColumns): Sql | undefined {
  const parts = conditions.map((one) => translate(one, known, files)).filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : join(parts, ' AND ');
}

function translate(condition: Condition, known: ReadonlyMap<string, KnownColumn>, files: FileColumns): Sql | undefined {
  if ('of' in condition) {
    const parts = condition.of.map((one) => translate(one, known, files));
    const certain = parts.filter((part) => part !== undefined);
    if (certain.length === 0 || (condition.op === 'or' && certain.length < parts.length)) return undefined;
    return sql`(${join(certain, condition.op === 'and' ? ' AND ' : ' OR ')})`;
  }
  const column = known.get(condition.column);
  if (column === undefined) return undefined;
  return column.partition >= 0 ? ofPartition(condition, column, files.partitionValue(column.partition)) : ofStatistics(condition, column, files.statistic); // prettier-ignore
}

function ofPartition(condition: ColumnCondition, { type }: KnownColumn, text: Sql): Sql | undefined {
  // The empty text stands for NULL, as in the protocol.
  const value = sql`nullif(${text}, '')`;
  if (!isComparison(condition)) return condition.op === 'is null' ? sql`${value} IS NULL` : sql`${value} IS NOT NULL`;
  const fits = ofRange(condition, type, value, value);
  return fits === undefined ? sql`${value} IS NOT NULL` : sql`(${value} IS NOT NULL AND ${fits})`;
}

function ofStatistics(condition: ColumnCondition, { type, path }: KnownColumn, statistic: FileColumns['statistic']): Sql | undefined {
  if (path.length === 0) return undefined;
  const fits = isComparison(condition) ? ofRange(condition, type, statistic(['minValues', ...path]), statistic(['maxValues', ...path])) : undefined; // prettier-ignore
  if (fits !== undefined) return fits;
  const nulls = statistic(['nullCount', ...path]);
  if (condition.op === 'is null') return sql`coalesce(${nulls} <> '0', true)`;
  return sql`coalesce(${nulls} <> ${statistic(['numRecords'])}, true)`;
}

/** True unless the bounds (texts) prove that no value between them fulfils the comparison. */
function ofRange(condition: Comparison, type: KnownColumn['type'], min: Sql, max: Sql): Sql | undefined {
  if (typeof type !== 'string') return undefined;
  const isWithin = (value: ConditionValue) => both(notBelow(value, type, min), notAbove(value, type, max));
  switch (condition.op) {
    case '=':
      return isWithin(condition.value);
    case 'in': {
      const parts = condition.values.map(isWithin);
      if (parts.includes(undefined)) return undefined;
      return parts.length === 0 ? sql`false` : sql`(${join(parts.filter((part) => part !== undefined), ' OR ')})`; // prettier-ignore
    }
    case '<':
    case '<=':
      return notBelow(condition.value, type, min);
    case '>':
    case '>=':
      return type === 'double' || type === 'float' ? undefined : notAbove(condition.value, type, max);
    // What is left: few files go by it, and the second look finds them.
    default:
      return undefined;
  }
}

function both(a: Sql | undefined, b: Sql | undefined): Sql | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return sql`(${a} AND ${b})`;
}

/** NOT (value < min), as far as that is certain. */
function notBelow(value: ConditionValue, type: string, min: Sql): Sql | undefined {
  const operands = comparable(value, type, min, 'min');
  if (operands === undefined) return undefined;
  // A NaN is above all here: as a difference it proves nothing.
  const reaches =
    operands.isNumber === true ? sql`${operands.value} - ${operands.bound} >= 0` : sql`${operands.bound} <= ${operands.value}`;
  return sql`coalesce(${reaches}, true)`;
}

/** NOT (max < value), as far as that is certain: of a text the maximum may be cut. */
function notAbove(value: ConditionValue, type: string, max: Sql): Sql | undefined {
  const operands = comparable(value, type, max, 'max');
  if (operands === undefined) return undefined;
  const reaches = sql`coalesce(${operands.bound} >= ${operands.value}, true)`;
  return type === 'string' ? sql`(${reaches} OR starts_with(${operands.value}, ${max}))` : reaches;
}

/**
 * A condition's value and a bound's text as what the engine compares in the order of the type; NULL for a bound that is none.
 * The text stands once in it: what it comes from is parsed for each time that it stands there.
 */
function comparable(
  value: ConditionValue,
  type: string,
  bound: Sql,
  which: 'min' | 'max',
): { readonly value: Sql; readonly bound: Sql; readonly isNumber?: boolean } | undefined {
  if (numericTypes.has(type) || type.startsWith('decimal')) {
    const number = toNumber(value);
    if (Number.isNaN(number)) return undefined;
    const parsed = sql`TRY_CAST(${bound} AS DOUBLE)`;
    if (type !== 'float') return { value: sql`${literal(String(number))}::DOUBLE`, bound: parsed, isNumber: true };
    return { value: sql`${literal(String(Math.fround(number)))}::FLOAT`, bound: sql`TRY_CAST(${parsed} AS FLOAT)`, isNumber: true };
  }
  switch (type) {
    case 'date':
      return typeof value === 'string' ? { value: sql`TRY_CAST(${literal(value)} AS DATE)`, bound: sql`TRY_CAST(${bound} AS DATE)` } : undefined; // prettier-ignore
    case 'timestamp':
    case 'timestamp_ntz': {
      const milliseconds = toMilliseconds(value, type);
      if (Number.isNaN(milliseconds)) return undefined;
      // A zone where the type has none proves nothing.
      const text = type === 'timestamp' ? bound : sql`regexp_replace(${bound}, '(Z|[+-][0-9][0-9]:?[0-9][0-9])$', 'zone')`;
      // Bounds are cut to milliseconds, by some writers the maximum too; another one is for what is cut of the text here.
      const slack = literal(which === 'min' ? -2000 : 2000);
      return { value: literal(milliseconds * 1000), bound: sql`(TRY(epoch_us(TRY_CAST(${text} AS TIMESTAMP))) + ${slack})` };
    }
    case 'string':
      return typeof value === 'string' ? { value: literal(value), bound } : undefined;
    default:
      return undefined;
  }
}
