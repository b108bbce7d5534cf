import type { ColumnCondition, Condition, ConditionValue } from './scan-plan.ts';
import type { DeltaType } from './schema.ts';

/** The statistics of one file, as far as they could be read. Values are by the physical names of columns. */
export type FileStatistics = {
  readonly numRecords: number | undefined;
  readonly minValues: Readonly<Record<string, unknown>>;
  readonly maxValues: Readonly<Record<string, unknown>>;
  readonly nullCount: Readonly<Record<string, unknown>>;
};

/** Statistics from their JSON; `undefined` where they are missing or damaged: then the file is read. */
export function parseStatistics(json: string | null): FileStatistics | undefined {
  if (json === null) return undefined;
  let found: unknown;
  try {
    found = JSON.parse(json);
  } catch {
    return undefined; // statistics are optional: without them the file is read
  }
  if (typeof found !== 'object' || found === null) return undefined;
  const part = (name: string): Record<string, unknown> => {
    const value: unknown = Reflect.get(found, name);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  };
  const numRecords: unknown = Reflect.get(found, 'numRecords');
  return {
    numRecords: typeof numRecords === 'number' ? numRecords : undefined,
    minValues: part('minValues'),
    maxValues: part('maxValues'),
    nullCount: part('nullCount'),
  };
}

/** What is known of one column in one file. */
export type ColumnFacts =
  | { readonly kind: 'partition'; readonly type: DeltaType; readonly value: string | null }
  | { readonly kind: 'statistics'; readonly type: DeltaType; readonly bounds: ColumnBounds }
  | { readonly kind: 'unknown' };

/** False only when what is known proves that no row of the file can fulfil the condition. */
export function canMatch(condition: Condition, factsOf: (column: string) => ColumnFacts): boolean {
  if ('of' in condition)
    return condition.op === 'and'
      ? condition.of.every((one) => canMatch(one, factsOf))
      : condition.of.some((one) => canMatch(one, factsOf));
  const facts = factsOf(condition.column);
  switch (facts.kind) {
    case 'unknown':
      return true;
    case 'partition':
      return canMatchPartition(condition, facts.type, facts.value);
    case 'statistics':
      return canMatchStatistics(condition, facts.type, facts.bounds);
  }
}

function canMatchPartition(condition: ColumnCondition, type: DeltaType, value: string | null): boolean {
  if (!isComparison(condition)) return (condition.op === 'is null') === (value === null);
  if (value === null) return false;
  if (condition.op === '<>') return type !== 'string' || value !== condition.value;
  return canMatchRange(condition, type, value, value);
}

export function canMatchStatistics(condition: ColumnCondition, type: DeltaType, { min, max, nulls, numRecords }: ColumnBounds): boolean {
  if (condition.op === 'is null') return nulls !== 0;
  const isAllNull = typeof nulls === 'number' && numRecords !== undefined && nulls === numRecords;
  if (isAllNull) return false;
  if (!isComparison(condition)) return true;
  return canMatchRange(condition, type, min, max);
}

/** The statistics of one column of a file; `undefined` where its writer did not say. */
export type ColumnBounds = {
  readonly min: unknown;
  readonly max: unknown;
  readonly nulls: unknown;
  readonly numRecords: number | undefined;
};

/** What the statistics of a file say of one column, by the path of its physical names. */
export function boundsOf(statistics: FileStatistics, path: readonly string[]): ColumnBounds {
  const { minValues, maxValues, nullCount, numRecords } = statistics;
  return { min: at(minValues, path), max: at(maxValues, path), nulls: at(nullCount, path), numRecords };
}

/**
 * As {@link boundsOf} from the JSON text itself, where both bounds are numbers of a column that is in no struct: of a hundred
 * thousand files all others are parsed for nothing. `undefined` where the text has to be parsed.
 */
export function scanNumbers(json: string, name: string): ColumnBounds | undefined {
  // A quote in a name or a text is escaped, so that this is found where it is a key alone.
  const key = `"${name}":`;
  const min = scanNumber(json, '"minValues":{', key);
  const max = min === undefined ? undefined : scanNumber(json, '"maxValues":{', key);
  return max === undefined ? undefined : { min, max, nulls: undefined, numRecords: undefined };
}

function scanNumber(json: string, section: string, key: string): number | undefined {
  const start = json.indexOf(section);
  const place = start < 0 ? -1 : json.indexOf(key, start + section.length);
  if (place < 0) return undefined;
  // A brace before it may begin a struct, or end the section.
  for (const brace of ['{', '}']) {
    const found = json.indexOf(brace, start + section.length);
    if (found >= 0 && found < place) return undefined;
  }
  let end = place + key.length;
  while (end < json.length && json[end] !== ',' && json[end] !== '}') end += 1;
  const value = Number(json.slice(place + key.length, end).trim() || Number.NaN);
  return Number.isNaN(value) ? undefined : value;
}

/** The value of a field in a struct in a struct ... */
function at(values: Readonly<Record<string, unknown>>, path: readonly string[]): unknown {
  let found: unknown = values;
  for (const name of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = Reflect.get(found, name);
  }
  return found;
}

/** A condition that compares a column's values. */
export type Comparison = Exclude<ColumnCondition, { readonly op: 'is null' | 'is not null' }>;

/** True for a comparison with values, false for the two that ask for NULL. */
export function isComparison(condition: ColumnCondition): condition is Comparison {
  return condition.op !== 'is null' && condition.op !== 'is not null';
}

function canMatchRange(condition: Comparison, type: DeltaType, min: unknown, max: unknown): boolean {
  const isBelow = (value: ConditionValue) => min !== undefined && min !== null && isCertainlyLess(value, min, type, 'min');
  const isAbove = (value: ConditionValue) => max !== undefined && max !== null && isCertainlyLess(max, value, type, 'max');
  switch (condition.op) {
    case 'starts with': {
      if (type !== 'string') return true;
      // What begins with the prefix is neither below it nor above every text that does.
      const isUnder = typeof max === 'string' && !max.startsWith(condition.value) && !condition.value.startsWith(max) && isAbove(condition.value); // prettier-ignore
      const isOver = typeof min === 'string' && !min.startsWith(condition.value) && isCertainlyLess(condition.value, min, type, 'min');
      return !isUnder && !isOver;
    }
    case '<>':
      return true;
    case 'in':
      return condition.values.some((value) => !isBelow(value) && !isAbove(value));
    case '=':
      return !isBelow(condition.value) && !isAbove(condition.value);
    // `<` and `>` keep a file whose bound equals the value: bounds were rounded on their way here, and one file too many does no harm.
    case '<':
    case '<=':
      return !isBelow(condition.value);
    case '>':
    case '>=':
      // NaN is above all numbers here, and other writers' maxima pass it over.
      return type === 'double' || type === 'float' || !isAbove(condition.value);
  }
}

/** True when a < b for sure. One of them is a bound: which one says how far it may have been cut. */
function isCertainlyLess(a: unknown, b: unknown, type: DeltaType, bound: 'min' | 'max'): boolean {
  if (typeof type !== 'string') return false;
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
    case 'float':
    case 'double': {
      // Numbers beyond 2^53 were rounded by JSON; rounding never turns an order around, so "less" stays certain.
      const [x, y] = [toNumber(a), toNumber(b)];
      // A float's statistics may be written in fewer digits than the value it stands for.
      return type === 'float' ? Math.fround(x) < Math.fround(y) : x < y;
    }
    case 'date':
      return isIsoDate(a) && isIsoDate(b) && a < b;
    case 'timestamp':
    case 'timestamp_ntz': {
      // Bounds are cut to milliseconds, by some writers the maximum too.
      return toMilliseconds(a, type) + 1 < toMilliseconds(b, type);
    }
    case 'string': {
      if (typeof a !== 'string' || typeof b !== 'string') return false;
      // A cut maximum is a prefix of what it stands for.
      if (bound === 'max' && b.startsWith(a)) return false;
      return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
    }
    default:
      return type.startsWith('decimal') && toNumber(a) < toNumber(b);
  }
}

/** A number of JSON, or a text of one; NaN for anything else. */
export function toNumber(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function isIsoDate(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
}

/** An instant as ISO text in milliseconds since 1970, in UTC where it has no zone; NaN for anything else, and for a zone where the type has none. */
export function toMilliseconds(value: unknown, type: string): number {
  if (typeof value !== 'string') return Number.NaN;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(value);
  if (type === 'timestamp_ntz' && hasZone) return Number.NaN;
  const [, date, time = '00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(value) ?? [];
  return date === undefined ? Number.NaN : Date.parse(`${date}T${time}${zone}`);
}
