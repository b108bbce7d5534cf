import { type Sql, sql } from '#sql';

import type { Action } from './actions.ts';
import { addOf } from './commit-actions.ts';
import { loadDeletionVector } from './deletion-vector.ts';
import { writeDeletionVectors } from './deletion-vector-write.ts';
import { planToSql } from './relation.ts';
import { planScan, type ScanFile } from './scan-plan.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { parseStatistics } from './pruning.ts';
import type { WriteOptions } from './table.ts';

/** Files of which more rows count as deleted: the add actions that say so. The files as they were are to be removed. */
export type MarkedFiles = {
  readonly actions: readonly Action[];
  readonly paths: ReadonlySet<string>;
  readonly objectPath: string | undefined;
  readonly bytes: number;
};

/**
 * Marks rows of files as deleted, beside those that are already: one file of deletion vectors for all.
 *
 * @param files with their positions, which `changes` names
 * @param changes a relation with `__lakestead_file` and `__lakestead_row`
 */
export async function markDeleted(
  location: TableLocation,
  snapshot: Snapshot,
  files: readonly ScanFile[],
  changes: Sql,
  options: Pick<WriteOptions, 'lease' | 'signal'>,
): Promise<MarkedFiles> {
  const rows = await deletedRows(location, files, changes, options);
  const { descriptors, objectPath, bytes } = await writeDeletionVectors(location.store, location.path, rows);
  const actions: Action[] = [];
  for (const [index, { index: position = -1 }] of files.entries()) {
    const stats = await looseStatistics(location, snapshot, position, options);
    actions.push({
      add: { ...addOf(snapshot, position), modificationTime: Date.now(), dataChange: true, stats, deletionVector: descriptors[index] },
    });
  }
  return { actions, paths: new Set(files.map(({ path }) => path)), objectPath, bytes };
}

/** For each file the rows that are deleted now or were before, ascending. */
async function deletedRows(
  { store, path }: TableLocation,
  files: readonly ScanFile[],
  changes: Sql,
  { lease, signal }: Pick<WriteOptions, 'lease' | 'signal'>,
): Promise<readonly (readonly number[])[]> {
  const found = new Map<number, number[]>(files.map(({ position = 0 }) => [position, []]));
  const { batches } = await lease.stream(
    sql`SELECT __lakestead_file::DOUBLE, __lakestead_row::DOUBLE FROM ${changes} ORDER BY __lakestead_file, __lakestead_row`,
    { signal },
  );
  for await (const { rowCount, columns } of batches)
    for (let row = 0; row < rowCount; row += 1) found.get(Number(columns[0]?.[row]))?.push(Number(columns[1]?.[row]));
  signal?.throwIfAborted();
  return await Promise.all(
    files.map(async ({ position = 0, deletionVector }) => {
      const now = found.get(position) ?? [];
      if (deletionVector === undefined) return now;
      const before = await loadDeletionVector(store, path, deletionVector);
      return [...before, ...now].toSorted((a, b) => a - b);
    }),
  );
}

/** A file's statistics, whose bounds may be those of deleted rows from now on. How many rows it has must be known. */
async function looseStatistics(
  location: TableLocation,
  snapshot: Snapshot,
  index: number,
  { lease, signal }: Pick<WriteOptions, 'lease' | 'signal'>,
): Promise<string> {
  const text = snapshot.files.stats[index] ?? null;
  if (text !== null && parseStatistics(text)?.numRecords !== undefined) {
    // As text: numbers stay exactly as they were written.
    const open = text.replace(/,?\s*"tightBounds"\s*:\s*(?:true|false)/, '').replace(/\}\s*$/, '');
    return `${open}${open.trim() === '{' ? '' : ','}"tightBounds":false}`;
  }
  const plan = planScan(snapshot);
  const path = snapshot.files.paths[index] ?? '';
  const files = plan.files
    .filter((file) => file.path === path)
    .map(({ path: whole, sizeBytes, partitionValues }) => ({ path: whole, sizeBytes, partitionValues }));
  const rows = await planToSql({ ...plan, files }, location.store, { scope: lease, signal });
  const [row] = await lease.rows(sql`SELECT count(*) AS n FROM (${rows}) AS counted`, { signal });
  return `{"numRecords":${String(row?.['n'])},"tightBounds":false}`;
}
