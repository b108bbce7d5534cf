import type { Batch } from '#engine';
import { ident, join, type Sql, sql } from '#sql';

import { columnsNamedBy, conditionsOf } from './condition-of.ts';
import { planToSql, type RelationOptions } from './relation.ts';
import { rowIdColumn, rowVersionColumn } from './row-columns.ts';
import { type Condition, type PlanSummary, type ScanPlan, summarisePlan } from './scan-plan.ts';
import type { StructType } from './schema.ts';
import { loadForScan, type SnapshotOptions, type TableLocation, withLease } from './snapshot.ts';

/** Which rows and columns, of which state of a table. */
export type TableScanOptions = SnapshotOptions &
  Pick<RelationOptions, 'scope'> & {
    /** Columns in the order wanted, or how to choose them; default all of the schema. */
    readonly columns?: readonly string[] | ((schema: StructType) => readonly string[]) | undefined;
    /** A condition in SQL that rows fulfil. Columns stand bare or behind `t`. */
    readonly filter?: Sql | undefined;
    /** What whoever reads the rows will filter them by: leaves out files alone. */
    readonly conditions?: ((schema: StructType) => readonly Condition[]) | undefined;
    /** Adds `__lakestead_row_id` and `__lakestead_row_version`, of a table with row tracking. */
    readonly rowIds?: boolean | undefined;
  };

/** What a scan reads: nothing was read yet but the log. */
export type TableScan = {
  readonly version: number;
  /** The files that are read; `summary` has how many, and how many others there are and why. */
  readonly plan: ScanPlan;
  readonly summary: PlanSummary;
  /** The rows as a SELECT for the engine that the table was opened with, on the lease that was handed in; of a remote table their columns are fetched for it. */
  relation(): Promise<Sql>;
  /** The rows by column, about 2,048 at a time. Every call reads anew; stopping early frees the statement. */
  batches(): AsyncIterable<Batch>;
};

/**
 * Decides what to read for a filter: files are left out by partitions and statistics, and of a long list in a checkpoint only those
 * that can hold such rows are read at all.
 *
 * @throws {LakesteadError} what loading a snapshot throws, `DELTA_SCHEMA_MISMATCH` for a column that the table does not have
 */
export async function scanTable(location: TableLocation, options: TableScanOptions): Promise<TableScan> {
  const { columns, filter, rowIds, signal } = options;
  return await withLease(location, options, async (lease) => {
    const statement = { lease, signal };
    const conditionsFor = async (schema: StructType) => [
      ...(options.conditions?.(schema) ?? []),
      ...(filter === undefined ? [] : await conditionsOf(filter, { schema, as: 't' }, statement)),
    ];
    const snapshot = await loadForScan(location, { ...options, lease }, async ({ schema }) => await conditionsFor(schema));
    const { schema } = snapshot;
    const conditions = await conditionsFor(schema);
    const wanted = typeof columns === 'function' ? columns(schema) : (columns ?? schema.fields.map(({ name }) => name));
    const tested = filter === undefined ? [] : await columnsNamedBy(filter, { schema }, statement);
    const isWanted = new Set(wanted.map((name) => name.toLowerCase()));
    const plan = snapshot.scan({ columns: [...wanted, ...tested.filter((name) => !isWanted.has(name.toLowerCase()))], filter: conditions });
    const chosen = [...wanted, ...(rowIds === true ? [rowIdColumn, rowVersionColumn] : [])].map((name) => ident(name));
    const relation = async () => {
      const rows = await planToSql(plan, location.store, { scope: options.scope ?? options.lease, signal, rowIds });
      return filter === undefined ? rows : sql`SELECT ${join(chosen)} FROM (${rows}) AS t WHERE (${filter}\n)`;
    };
    return {
      version: snapshot.version,
      plan: { ...plan, columns: plan.columns.slice(0, wanted.length) },
      summary: summarisePlan(plan, snapshot),
      relation,
      batches: () => readBatches(location, relation, options),
    };
  });
}

async function* readBatches(
  { engine }: TableLocation,
  relation: () => Promise<Sql>,
  { lease, signal }: SnapshotOptions,
): AsyncGenerator<Batch> {
  const query = await relation();
  if (lease === undefined) {
    await using own = await engine.lease({ signal });
    yield* (await own.stream(query, { signal })).batches;
  } else yield* (await lease.stream(query, { signal })).batches;
}
