import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';

import { duckdbType } from './duckdb-types.ts';
import { isOn } from './properties.ts';
import { rowIdColumn, rowVersionColumn } from './row-columns.ts';
import { type DeltaType, findField, type StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';
import type { WriteOptions } from './table.ts';

type Options = Pick<WriteOptions, 'lease' | 'signal'>;

/** How finely each column's values are told apart: in so many bits, as far as all columns fit into one number of 62. */
const maxRankBits = 8;
/** So many rows, chosen by chance, say where the values of a column are. */
const sampleRows = 50_000;
/** Up to so many parts the rows are read again for each; more go through a temporary table, which spills to disk. */
const maxReads = 4;

/**
 * Gives the rows in z-order, as so many queries of about the same number of rows: each column's values are ranked among bounds that
 * a sample gives, so that skewed values spread, and rows are sorted by the interleaved bits of their ranks. By one column rows are
 * sorted by its values.
 *
 * @param columns paths of columns, or of fields of structs
 */
export async function inZOrder(
  rows: Sql,
  columns: readonly (readonly string[])[],
  parts: number,
  { schema, metadata }: Snapshot,
  options: Options,
  take: (query: Sql) => Promise<void>,
): Promise<void> {
  const ids = isOn(metadata.configuration, 'delta.enableRowTracking') ? [ident(rowIdColumn), ident(rowVersionColumn)] : [];
  const names = join([...schema.fields.map(({ name }) => ident(name)), ...ids]);
  const bits = Math.min(maxRankBits, Math.floor(62 / columns.length));
  const ranks: Sql[] = [];
  for (const [index, path] of columns.entries())
    ranks.push(sql`${await rankOf(rows, path, typeAt(schema, path), 2 ** bits, options)} AS ${ident(`__lakestead_rank_${index}`)}`);
  const places = columns.flatMap((_, index) =>
    Array.from(
      { length: bits },
      (__, bit) =>
        sql`(((${ident(`__lakestead_rank_${index}`)} >> ${literal(bit)}) & 1)::BIGINT << ${literal(bit * columns.length + index)})`,
    ),
  );
  const ranked = sql`SELECT ${names}, (${join(places, ' | ')}) AS __lakestead_z FROM (SELECT *, ${join(ranks)} FROM (${rows}) AS r) AS ranked`;
  const order = columns.length === 1 ? ident(...(columns[0] ?? [])) : sql`__lakestead_z`;
  if (parts === 1) {
    await take(sql`SELECT ${names} FROM (${ranked}) AS z ORDER BY ${order}`);
    return;
  }
  const { lease, signal } = options;
  const isKept = parts > maxReads;
  if (isKept) await lease.run(sql`CREATE OR REPLACE TEMP TABLE __lakestead_ordered AS ${ranked}`, { signal });
  try {
    const all = isKept ? sql`SELECT * FROM __lakestead_ordered` : ranked;
    for (const within of await rangesOf(all, parts, options))
      await take(sql`SELECT ${names} FROM (${all}) AS z WHERE ${within} ORDER BY ${order}`);
  } finally {
    if (isKept) await lease.run(sql`DROP TABLE IF EXISTS temp.__lakestead_ordered`);
  }
}

/** Conditions that part the rows into about equal parts by their place in the order. */
async function rangesOf(ranked: Sql, parts: number, { lease, signal }: Options): Promise<readonly Sql[]> {
  const shares = Array.from({ length: parts - 1 }, (_, index) => (index + 1) / parts);
  const [row] = await lease.rows(
    sql`SELECT array_to_string(approx_quantile(__lakestead_z, ${unsafeSql(`[${shares.join(', ')}]`)}), ',') AS edges FROM (${ranked}) AS z`,
    { signal },
  );
  const edges = [...new Set(String(row?.['edges'] ?? '').split(',').filter((edge) => /^-?\d+$/.test(edge)).map(BigInt))].toSorted((a, b) => (a < b ? -1 : 1)); // prettier-ignore
  return [...edges, undefined].map((upper, index) => {
    const lower = index === 0 ? undefined : edges[index - 1];
    const conditions = [
      ...(lower === undefined ? [] : [sql`__lakestead_z > ${literal(lower)}`]),
      ...(upper === undefined ? [] : [sql`__lakestead_z <= ${literal(upper)}`]),
    ];
    return conditions.length === 0 ? sql`true` : join(conditions, ' AND ');
  });
}

function typeAt(schema: StructType, path: readonly string[]): DeltaType {
  let type: DeltaType = schema;
  for (const name of path)
    type = (typeof type !== 'string' && type.type === 'struct' ? findField(type, name)?.type : undefined) ?? 'string';
  return type;
}

/** The rank of a column's value among so many bounds, as nested comparisons; NULL comes last. */
async function rankOf(rows: Sql, path: readonly string[], type: DeltaType, ranks: number, { lease, signal }: Options): Promise<Sql> {
  const found = await lease.rows(
    sql`SELECT max(v)::VARCHAR AS bound FROM (
          SELECT v, ntile(${literal(ranks)}) OVER (ORDER BY v) AS tile FROM (
            SELECT * FROM (SELECT ${ident(...path)} AS v FROM (${rows}) AS r WHERE ${ident(...path)} IS NOT NULL) AS s
            USING SAMPLE reservoir(${literal(sampleRows)} ROWS) REPEATABLE (1)
          ) AS sampled
        ) AS tiled GROUP BY tile ORDER BY max(v)`,
    { signal },
  );
  const bounds = [...new Set(found.map((row) => String(row['bound'])))];
  const target = unsafeSql(duckdbType(type));
  const choose = (low: number, high: number): Sql => {
    if (low === high) return literal(low);
    const middle = (low + high) >> 1;
    const isBelow = sql`${ident(...path)} <= CAST(${literal(bounds[middle] ?? '')} AS ${target})`;
    return sql`CASE WHEN ${isBelow} THEN ${choose(low, middle)} ELSE ${choose(middle + 1, high)} END`;
  };
  return bounds.length === 0 ? literal(0) : choose(0, Math.min(bounds.length, ranks - 1));
}
