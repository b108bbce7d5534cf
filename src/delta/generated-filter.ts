import type { Condition, ConditionValue } from './scan-plan.ts';
import { findField, type StructType } from './schema.ts';

type Comparison = Extract<Condition, { readonly op: '=' | '<' | '<=' | '>' | '>=' | '<>' }>;

/**
 * What conditions on a column say of a partition column that is generated from it by `CAST(c AS DATE)` or `YEAR(c)`: files of other
 * partitions are left out although nobody named the partition. Days of timestamps count two more at each end: the condition's zone and that
 * in which another writer took the day may each move it by one.
 */
export function withGenerated(filter: readonly Condition[], schema: StructType, partitionColumns: readonly string[]): readonly Condition[] {
  const derived = partitionColumns.flatMap((partition) => {
    const text = findField(schema, partition)?.metadata['delta.generationExpression'];
    const [, byDate, byYear] = typeof text === 'string' ? (/^\s*(?:CAST\(\s*`?(\w+)`?\s+AS\s+DATE\s*\)|YEAR\(\s*`?(\w+)`?\s*\))\s*$/i.exec(text) ?? []) : [];
    const base = byDate ?? byYear;
    if (base === undefined) return [];
    const isTimed = findField(schema, base)?.type !== 'date';
    const fitting = filter.filter((one): one is Comparison => 'value' in one && one.op !== 'starts with' && one.op !== '<>' && one.column.toLowerCase() === base.toLowerCase());
    return fitting.flatMap(({ op, value }) => boundsOf(partition, op, value, isTimed ? 2 : 0, byYear !== undefined));
  }); // prettier-ignore
  return derived.length === 0 ? filter : [...filter, ...derived];
}

function boundsOf(column: string, op: Comparison['op'], value: ConditionValue, slackDays: number, byYear: boolean): readonly Condition[] {
  const [low, high] = [shift(value, -slackDays), shift(value, slackDays)];
  if (low === undefined || high === undefined) return [];
  const of = (day: string): ConditionValue => (byYear ? Number(day.slice(0, 4)) : day);
  const above: Condition = { column, op: '>=', value: of(low) };
  const below: Condition = { column, op: '<=', value: of(high) };
  switch (op) {
    case '=':
      return [above, below];
    case '<':
    case '<=':
      return [below];
    default:
      return [above];
  }
}

/** The day so many days from a date or timestamp in ISO's form; `undefined` for anything else, or outside of the years 1 to 9999. */
function shift(value: ConditionValue, days: number): string | undefined {
  const day = typeof value === 'string' ? /^\d{4}-\d\d-\d\d/.exec(value)?.[0] : undefined;
  if (day === undefined) return undefined;
  const moved = new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000);
  const year = Number.isNaN(moved.getTime()) ? 0 : moved.getUTCFullYear();
  return year >= 1 && year <= 9999 ? moved.toISOString().slice(0, 10) : undefined;
}
