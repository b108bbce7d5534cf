import type { Condition, ConditionValue } from './scan-plan.ts';
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

/** False only when no row of the partition can fulfil the condition. */
export function canMatchPartition(condition: Condition, type: DeltaType, value: string | null): boolean {
  if (condition.op === 'is null') return value === null;
  if (condition.op === 'is not null') return value !== null;
  if (value === null) return false;
  return !isComparison(condition) || canMatchRange(condition, type, value, value);
}

/** False only when the statistics prove that no row of the file can fulfil the condition. */
export function canMatchStatistics(condition: Condition, type: DeltaType, column: string, statistics: FileStatistics): boolean {
  const nulls = statistics.nullCount[column];
  if (condition.op === 'is null') return nulls !== 0;
  const isAllNull = typeof nulls === 'number' && statistics.numRecords !== undefined && nulls === statistics.numRecords;
  if (isAllNull) return false;
  if (condition.op === 'is not null') return true;
  return !isComparison(condition) || canMatchRange(condition, type, statistics.minValues[column], statistics.maxValues[column]);
}

type Comparison = Exclude<Condition, { readonly op: 'is null' | 'is not null' }>;

function isComparison(condition: Condition): condition is Comparison {
  return condition.op !== 'is null' && condition.op !== 'is not null';
}

function canMatchRange(condition: Comparison, type: DeltaType, min: unknown, max: unknown): boolean {
  const isBelow = (value: ConditionValue) => min !== undefined && min !== null && isCertainlyLess(value, min, type, 'min');
  const isAbove = (value: ConditionValue) => max !== undefined && max !== null && isCertainlyLess(max, value, type, 'max');
  switch (condition.op) {
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

function toNumber(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function isIsoDate(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
}

function toMilliseconds(value: unknown, type: string): number {
  if (typeof value !== 'string') return Number.NaN;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(value);
  if (type === 'timestamp_ntz' && hasZone) return Number.NaN;
  const [, date, time = '00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(value) ?? [];
  return date === undefined ? Number.NaN : Date.parse(`${date}T${time}${zone}`);
}
