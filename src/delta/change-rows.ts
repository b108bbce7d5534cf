import { LakesteadError } from '#core';
import { ident, render, type Sql, sql } from '#sql';

import { conditionsOf } from './condition-of.ts';
import type { RowChange } from './change-table.ts';
import { type ChangeMetrics, type ChangeOptions, type ChangeResult, rewriteRows } from './rewrite.ts';
import { findField, type StructField } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { loadForWrite } from './write.ts';

/** Takes rows away: see {@link DeltaTable.delete}. */
export async function deleteRows(location: TableLocation, where: Sql | undefined, options: ChangeOptions): Promise<ChangeResult> {
  const snapshot = await loadForWrite(location, options, true);
  const rows = await someRows(where, snapshot, options);
  const record = {
    operation: 'DELETE',
    parameters: { predicate: describePredicate(where, options) },
    metrics: (did: ChangeMetrics) => ({ ...fileMetrics(did), numDeletedRows: did.rowsDeleted, numCopiedRows: did.rowsCopied }),
  };
  return await rewriteRows(location, snapshot, { ...rows, actions: [{ kind: 'delete' }] }, record, options);
}

/** Gives columns of rows new values: see {@link DeltaTable.update}. */
export async function updateRows(
  location: TableLocation,
  set: Readonly<Record<string, Sql>>,
  where: Sql | undefined,
  options: ChangeOptions,
): Promise<ChangeResult> {
  const snapshot = await loadForWrite(location, options, true);
  const rows = await someRows(where, snapshot, options);
  const record = {
    operation: 'UPDATE',
    parameters: { predicate: describePredicate(where, options) },
    metrics: (did: ChangeMetrics) => ({ ...fileMetrics(did), numUpdatedRows: did.rowsUpdated, numCopiedRows: did.rowsCopied }),
  };
  const actions = [{ kind: 'update' as const, set: assignments(set, snapshot) }];
  return await rewriteRows(location, snapshot, { ...rows, actions }, record, options);
}

/** A row that fits the condition is the first action's; NULL is no fit. */
async function someRows(where: Sql | undefined, { schema }: Snapshot, options: ChangeOptions): Promise<Omit<RowChange, 'actions'>> {
  const { as = 't' } = options;
  const name = ident(as);
  return {
    as,
    touched: (rows: Sql) => (where === undefined ? sql`${rows} AS ${name}` : sql`${rows} AS ${name} WHERE (${where})`),
    choice: sql`1`,
    filter: where === undefined ? undefined : await conditionsOf(where, { schema, as }, options),
  };
}

/**
 * The table's columns with the values that they are to get.
 *
 * @throws {LakesteadError} `DELTA_SCHEMA_MISMATCH` for a column that is not there, or that stands twice
 */
export function assignments(set: Readonly<Record<string, Sql>>, { schema, table }: Snapshot): ReadonlyMap<StructField, Sql> {
  const fields = new Map<StructField, Sql>();
  for (const [name, value] of Object.entries(set)) {
    const field = findField(schema, name);
    if (field === undefined)
      throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${table} has no column ${name}; nothing was written`, {
        hint: `its columns are ${schema.fields.map((one) => one.name).join(', ')}`,
      });
    if (fields.has(field)) throw new LakesteadError('DELTA_SCHEMA_MISMATCH', `${field.name} is set twice; nothing was written`);
    fields.set(field, value);
  }
  return fields;
}

/** As Spark has it in the history: a JSON list of conditions. Bound values stand as their numbers. */
export function describePredicate(condition: Sql | undefined, options: Pick<ChangeOptions, 'conditionTexts'>): string {
  return JSON.stringify(condition === undefined ? [] : [describeCondition(condition, options)]);
}

/** A condition's text in parentheses. */
export function describeCondition(condition: Sql, { conditionTexts }: Pick<ChangeOptions, 'conditionTexts'>): string {
  return `(${conditionTexts?.get(condition) ?? render(condition).text.trim()})`;
}

function fileMetrics(did: ChangeMetrics): Readonly<Record<string, number>> {
  return {
    numRemovedFiles: did.filesRemoved,
    numRemovedBytes: did.bytesRemoved,
    numAddedFiles: did.filesAdded,
    numAddedBytes: did.bytesWritten,
    numAddedChangeFiles: did.changeFiles,
    ...vectorMetrics(did),
    executionTimeMs: did.durationMs,
  };
}

/** What a change did to deletion vectors, in Spark's words. */
function vectorMetrics(did: ChangeMetrics): Readonly<Record<string, number>> {
  return {
    numDeletionVectorsAdded: did.vectorsAdded,
    numDeletionVectorsRemoved: did.vectorsRemoved,
    numDeletionVectorsUpdated: did.vectorsUpdated,
  };
}
