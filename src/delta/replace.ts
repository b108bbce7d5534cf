import { LakesteadError } from '#core';
import { ident, join, type Sql, sql } from '#sql';

import { describeCondition } from './change-rows.ts';
import { afterNumbering } from './column-values.ts';
import { conditionsOf, rangeOfJoin } from './condition-of.ts';
import type { RowChange } from './change-table.ts';
import { type ChangeMetrics, type ChangeOptions, rewriteRows } from './rewrite.ts';
import type { Condition } from './scan-plan.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import type { CommitResult } from './table.ts';
import { planWrite } from './write-plan.ts';
import { columnsOf, isMapped, loadForWrite } from './write.ts';

/** What of a table is replaced: the rows that fit a condition, or the partitions that the new rows belong to. */
export type Replacement = { readonly where: Sql } | { readonly partitions: 'dynamic' };

const newRows = sql`__lakestead_inserts`;

/**
 * Replaces a part of the rows by a query's in one commit: see {@link DeltaTable.replace}.
 *
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` when a new row is outside of what is replaced
 */
export async function replaceRows(
  location: TableLocation,
  query: Sql,
  replacement: Replacement,
  options: ChangeOptions,
): Promise<CommitResult> {
  const { lease, signal, as = 't' } = options;
  const snapshot = await loadForWrite(location, options, true);
  const plan = planWrite(query, await columnsOf(query, options), snapshot.schema, 'strict', snapshot.table, isMapped(snapshot.metadata));
  // Read once, since it is looked at three times and what a query gives may change from one time to the next.
  await lease.run(sql`CREATE OR REPLACE TEMP TABLE ${newRows} AS ${plan.query}`, { signal });
  try {
    const condition = 'where' in replacement ? replacement.where : samePartition(snapshot, as);
    const [counted] = await lease.rows(
      sql`SELECT count(*) AS n, count(*) FILTER (WHERE NOT coalesce((${condition}), false)) AS outside FROM ${newRows} AS ${ident(as)}`,
      { signal },
    );
    if (Number(counted?.['outside']) > 0)
      throw new LakesteadError(
        'DELTA_SCHEMA_MISMATCH',
        `${String(counted?.['outside'])} of the new rows do not fit the condition of what they replace in ${snapshot.table}; nothing was written`,
        { hint: 'filter the query, or widen the condition' },
      );
    const rowCount = Number(counted?.['n']);
    const change: RowChange = {
      as,
      touched: (rows) => sql`${rows} AS ${ident(as)} WHERE (${condition})`,
      choice: sql`1`,
      actions: [{ kind: 'delete' }],
      filter:
        'where' in replacement
          ? await conditionsOf(condition, { schema: snapshot.schema, as }, options)
          : await partitionsOf(snapshot, options),
      inspect: async () =>
        await Promise.resolve({
          query: sql`SELECT * FROM ${newRows}`,
          rowCount,
          schema: afterNumbering(snapshot.schema, plan.given, rowCount),
        }),
    };
    const record = {
      operation: 'WRITE',
      parameters: {
        mode: 'Overwrite',
        partitionBy: JSON.stringify(snapshot.partitionColumns),
        ...('where' in replacement
          ? { predicate: describeCondition(replacement.where, options).slice(1, -1) }
          : { isDynamicPartitionOverwrite: 'true' }),
      },
      metrics: (did: ChangeMetrics) => ({
        numFiles: did.filesAdded,
        numOutputRows: did.rowsInserted + did.rowsCopied,
        numOutputBytes: did.bytesWritten,
        numRemovedFiles: did.filesRemoved,
        numDeletedRows: did.rowsDeleted,
      }),
    };
    const { version, rowsInserted, ...result } = await rewriteRows(location, snapshot, change, record, options);
    const { filesAdded, filesRemoved, bytesWritten, warnings } = result;
    return { version: version ?? snapshot.version, rowsWritten: rowsInserted, filesAdded, filesRemoved, bytesWritten, warnings };
  } finally {
    await lease.run(sql`DROP TABLE IF EXISTS temp.${newRows}`);
  }
}

/** Which partitions the new rows are of, as far as their values are told apart by text. */
async function partitionsOf(snapshot: Snapshot, options: ChangeOptions): Promise<readonly Condition[]> {
  const pairs = snapshot.partitionColumns.map((name) => ({ column: name, other: name }));
  const hasNull = join(pairs.map(({ other }) => sql`${ident(other)} IS NULL`), ' OR '); // prettier-ignore
  const [row] = await options.lease.rows(sql`SELECT count(*) AS n FROM ${newRows} WHERE ${hasNull}`, { signal: options.signal });
  return Number(row?.['n']) > 0 ? [] : await rangeOfJoin(pairs, newRows, { schema: snapshot.schema, as: 't' }, options);
}

/** True for a row of a partition that some new row belongs to; null is a partition too. */
function samePartition({ partitionColumns, table }: Snapshot, as: string): Sql {
  if (partitionColumns.length === 0)
    throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no partitions; nothing was written`, {
      hint: 'overwrite the whole table, or name a condition',
    });
  const same = partitionColumns.map((name) => sql`n.${ident(name)} IS NOT DISTINCT FROM ${ident(as, name)}`);
  return sql`EXISTS (SELECT 1 FROM ${newRows} AS n WHERE ${join(same, ' AND ')})`;
}
