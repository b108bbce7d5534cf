import { LakesteadError } from '#core';

import { parseDecimal } from './duckdb-types.ts';
import type { DeltaType, StructType } from './schema.ts';

/** What DuckDB says of one column of a file it wrote: `RETURN_STATS`, all as text. */
export type ColumnFacts = Readonly<Record<string, string>>;

/** How many leaf columns get statistics where the table does not say. */
const defaultIndexedColumns = 32;
const maxStringLength = 32;

type Entry = { readonly path: readonly string[]; readonly type: DeltaType; readonly facts: ColumnFacts };

/**
 * The statistics of a file as the log holds them: bounds that are never too narrow, left out where they would not be
 * sure. Text is cut to 32 code points (the maximum rounded up), timestamps go outward to milliseconds, columns with NaN
 * have no bounds, booleans and binary none at all.
 *
 * @param facts by DuckDB's path of a column: `"a"."b"`
 * @param nanColumns paths of columns in which the file has a NaN
 */
export function formatStatistics(
  rowCount: number,
  schema: StructType,
  facts: ReadonlyMap<string, ColumnFacts>,
  options: {
    readonly nanColumns: ReadonlySet<string>;
    readonly indexedColumns?: number | undefined;
    /** Instead of the first so many: these columns, or fields by their paths with dots. */
    readonly indexedPaths?: readonly string[] | undefined;
  },
): string {
  const { indexedPaths } = options;
  const isNamed = (path: readonly string[]) => path.some((_, index) => indexedPaths?.includes(path.slice(0, index + 1).join('.')));
  const all = [...leavesOf(schema, [])];
  const indexed = indexedPaths === undefined ? all.slice(0, indexedCount(options.indexedColumns)) : all.filter(({ path }) => isNamed(path));
  const leaves = indexed.flatMap(({ path, type }): Entry[] => {
    const found = facts.get(pathKey(path));
    return found === undefined ? [] : [{ path, type, facts: found }];
  });
  const bounds = (which: 'min' | 'max') =>
    leaves.flatMap((leaf): [readonly string[], string][] => {
      if (options.nanColumns.has(pathKey(leaf.path))) return [];
      const text = formatBound(leaf, which);
      return text === undefined ? [] : [[leaf.path, text]];
    });
  const nullCounts = leaves.flatMap(({ path, facts: { null_count: count } }): [readonly string[], string][] =>
    count === undefined ? [] : [[path, count]],
  );
  return `{"numRecords":${rowCount},"minValues":${formatTree(bounds('min'))},"maxValues":${formatTree(bounds('max'))},"nullCount":${formatTree(nullCounts)}}`;
}

function indexedCount(asked: number | undefined): number {
  if (asked === undefined) return defaultIndexedColumns;
  return asked < 0 ? Number.POSITIVE_INFINITY : asked; // -1 means all
}

/** DuckDB's text of a path: each name in double quotes, joined by dots. */
export function pathKey(path: readonly string[]): string {
  return path.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/** The leaf columns of a schema that can have statistics: those inside structs, not those inside arrays and maps. */
export function* leavesOf(
  schema: StructType,
  above: readonly string[],
): Generator<{ readonly path: readonly string[]; readonly type: DeltaType }> {
  for (const field of schema.fields) {
    const path = [...above, field.name];
    if (typeof field.type === 'string') yield { path, type: field.type };
    else if (field.type.type === 'struct') yield* leavesOf(field.type, path);
  }
}

/** Nested objects of JSON from paths and texts of values: numbers stay exactly as they were written. */
function formatTree(entries: readonly (readonly [readonly string[], string])[]): string {
  const groups = Map.groupBy(entries, ([path]) => path[0] ?? '');
  const parts = [...groups].map(([name, group]) => {
    const [first] = group;
    const value =
      first !== undefined && first[0].length === 1 ? first[1] : formatTree(group.map(([path, text]) => [path.slice(1), text] as const));
    return `${JSON.stringify(name)}:${value}`;
  });
  return `{${parts.join(',')}}`;
}

function formatBound({ path, type, facts }: Entry, which: 'min' | 'max'): string | undefined {
  const text = facts[which];
  if (text === undefined || typeof type !== 'string') return undefined;
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return /^-?\d+$/.test(text) ? text : undefined;
    case 'float':
    case 'double':
      return Number.isFinite(Number(text)) && text.trim() !== '' ? formatNumber(text) : undefined;
    case 'string':
      return which === 'min' ? JSON.stringify(cut(text)) : formatMaximum(text);
    case 'date':
      refuseInfinity(text, path);
      return /^\d{4}-\d\d-\d\d$/.test(text) ? JSON.stringify(text) : undefined;
    case 'timestamp':
    case 'timestamp_ntz':
      refuseInfinity(text, path);
      return formatTimestamp(text, which, type === 'timestamp' ? 'Z' : '');
    default:
      return parseDecimal(type) !== undefined && /^-?\d+(?:\.\d+)?$/.test(text) ? text : undefined;
  }
}

function formatNumber(text: string): string {
  // DuckDB writes 1e+300 and 5.0, which are JSON as well; what is not ("inf") was sorted out before.
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(text) ? text : String(Number(text));
}

function cut(text: string): string {
  const points = Array.from(text); // code points
  return points.length <= maxStringLength ? text : points.slice(0, maxStringLength).join('');
}

function formatMaximum(text: string): string | undefined {
  const points = Array.from(text); // code points
  if (points.length <= maxStringLength) return JSON.stringify(text);
  // The highest code point after the prefix is above every text that begins so, unless that goes on with the same one.
  if (points[maxStringLength] === '\u{10FFFF}') return undefined;
  return JSON.stringify(`${points.slice(0, maxStringLength).join('')}\u{10FFFF}`);
}

function formatTimestamp(text: string, which: 'min' | 'max', zone: string): string | undefined {
  const [, date, time, fraction = ''] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text) ?? [];
  if (date === undefined || time === undefined) return undefined;
  const micros = Number(fraction.padEnd(6, '0'));
  const milliseconds = which === 'min' ? Math.floor(micros / 1000) : Math.ceil(micros / 1000);
  const instant = new Date(Date.parse(`${date}T${time}Z`) + milliseconds);
  // The last millisecond of 9999 has no room to be rounded up.
  if (Number.isNaN(instant.getTime()) || instant.getUTCFullYear() > 9999) return undefined;
  return JSON.stringify(instant.toISOString().replace('Z', zone));
}

function refuseInfinity(text: string, path: readonly string[]): void {
  if (!text.includes('infinity')) return;
  throw new LakesteadError(
    'DELTA_SCHEMA_MISMATCH',
    `the column ${path.join('.')} has the value ${text}, which Delta cannot hold; nothing was written`,
    {
      hint: 'replace it in the query by NULL or by a date of the years 1 to 9999',
    },
  );
}
