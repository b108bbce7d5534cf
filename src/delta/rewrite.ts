import type { Column } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';

import { adds, isCommitted, newCommitInfo, removes, txnAction } from './commit-actions.ts';
import { parseStatistics } from './pruning.ts';
import { planToSql } from './relation.ts';
import { planScan, type ScanPlan } from './scan-plan.ts';
import type { StructField } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { nothingStaged } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { assign } from './write-plan.ts';
import { columnsOf, finish, stage } from './write.ts';

/** What a change of rows takes beside the rows. */
export type ChangeOptions = Omit<WriteOptions, 'schemaMode' | 'partitionBy'> & {
  /** What conditions and values call the table. Default `t`. */
  readonly as?: string | undefined;
  /** How conditions read in the table's history. Default: as the engine is given them. */
  readonly conditionTexts?: ReadonlyMap<Sql, string> | undefined;
};

/** What a change did. No `version`: there was nothing to change, and nothing was committed. */
export type ChangeResult = {
  readonly version: number | undefined;
  readonly rowsInserted: number;
  readonly rowsUpdated: number;
  readonly rowsDeleted: number;
  /** Rows that were written again because others of their file changed. */
  readonly rowsCopied: number;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  readonly bytesWritten: number;
  /** What went wrong without harm to the commit: a checkpoint that could not be written. */
  readonly warnings: readonly string[];
};

/** What becomes of a row: it goes, or columns of it get new values. */
export type RowAction = { readonly kind: 'delete' } | { readonly kind: 'update'; readonly set: ReadonlyMap<StructField, Sql> };

/** Which rows change and how; columns of the table stand under `as`. */
export type RowChange = {
  readonly as: string;
  /** What stands behind FROM to find the rows that change; may leave out others. `rows` is the name of the table's rows. */
  readonly touched: (rows: Sql) => Sql;
  /** What stands behind FROM to write files again: every row of `rows` exactly once. */
  readonly all: (rows: Sql) => Sql;
  /** INTEGER: 0 for a row that stays, else the number (from 1) of its action. */
  readonly choice: Sql;
  readonly actions: readonly RowAction[];
  /** Rows to add, in the table's columns and types. */
  readonly inserts?: { readonly query: Sql; readonly rowCount: number } | undefined;
};

/** How a change appears in the history; `metrics` is given what it did. */
export type ChangeRecord = {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly metrics: (did: ChangeMetrics) => Readonly<Record<string, number>>;
};

/** Counts of a change before it is committed. */
export type ChangeMetrics = Omit<ChangeResult, 'version' | 'warnings'> & { readonly bytesRemoved: number; readonly durationMs: number };

/** The application had committed this before. */
const nothingChanged: ChangeResult = { version: undefined, rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0, rowsCopied: 0, filesAdded: 0, filesRemoved: 0, bytesWritten: 0, warnings: [] }; // prettier-ignore

/** The rows of the table while they are looked at: a view of the lease's connection. */
const rowsView = sql`__lakestead_rows`;

/**
 * Changes rows by writing the files that hold them again, and leaves other files alone. First finds the files that have
 * such rows; those of which every row goes are only removed. One commit, or none where no row changes.
 *
 * @throws {LakesteadError} `DELTA_CONFLICT` when another writer changed what this one looked at
 */
export async function rewriteRows(
  location: TableLocation,
  snapshot: Snapshot,
  change: RowChange,
  record: ChangeRecord,
  options: ChangeOptions,
): Promise<ChangeResult> {
  if (isCommitted(snapshot, options.txn)) return nothingChanged;
  const startedAt = performance.now();
  const plan = planScan(snapshot);
  const touched = await withRows(location, plan, options, async () => await findTouched(change, plan, options));
  const whole = new Set([...touched.entries()].filter(([file, { deleted }]) => deleted === touchedRows(snapshot, plan, file)).map(([file]) => file)); // prettier-ignore
  const rewritten = plan.files.filter((_, file) => touched.has(file) && !whole.has(file));
  const isNothing = touched.size === 0 && (change.inserts?.rowCount ?? 0) === 0;
  const staged = isNothing
    ? nothingStaged
    : await withRows(location, { ...plan, files: rewritten }, options, async () => {
        const query = await changedRows(change, snapshot, rewritten.length > 0, options);
        if (query === undefined) return nothingStaged;
        return await stage(location, query, snapshot.schema, snapshot.partitionColumns, snapshot.metadata, options);
      });
  const counts = [...touched.values()];
  const rowsUpdated = counts.reduce((sum, { updated }) => sum + updated, 0);
  const rowsInserted = change.inserts?.rowCount ?? 0;
  const removedPaths = new Set(plan.files.filter((_, file) => touched.has(file)).map(({ path }) => path));
  const did: ChangeMetrics = {
    rowsInserted,
    rowsUpdated,
    rowsDeleted: counts.reduce((sum, { deleted }) => sum + deleted, 0),
    rowsCopied: staged.rowCount - rowsUpdated - rowsInserted,
    filesAdded: staged.files.length,
    filesRemoved: touched.size,
    bytesWritten: staged.bytes,
    bytesRemoved: plan.files.reduce((sum, { path, sizeBytes }) => sum + (removedPaths.has(path) ? sizeBytes : 0), 0),
    durationMs: Math.round(performance.now() - startedAt),
  };
  const { bytesRemoved: _, durationMs: __, ...result } = did;
  if (isNothing) return { ...result, version: undefined, warnings: [] };
  const commitInfo = newCommitInfo(record.operation, record.parameters, snapshot.version, false, record.metrics(did), options);
  const { version, warnings } = await finish(
    location,
    staged,
    {
      readVersion: snapshot.version,
      actions: [...txnAction(options.txn), ...adds(staged), ...removes(snapshot, removedPaths)],
      commitInfo,
      reads: 'rows',
      isSerializable: snapshot.metadata.configuration['delta.isolationLevel'] === 'Serializable',
    },
    touched.size,
    snapshot,
    options,
  );
  return { ...result, version, warnings };
}

/** Runs work while the view of the rows is that of the plan. */
export async function withRows<T>(
  { store }: TableLocation,
  plan: ScanPlan,
  { lease, signal }: ChangeOptions,
  work: (rows: Sql) => Promise<T>,
): Promise<T> {
  const rows = await planToSql(plan, store, { scope: lease, signal, numbered: true });
  await lease.run(sql`CREATE OR REPLACE TEMP VIEW ${rowsView} AS ${rows}`, { signal });
  try {
    return await work(rowsView);
  } finally {
    await lease.run(sql`DROP VIEW IF EXISTS temp.${rowsView}`);
  }
}

type Touched = { readonly updated: number; readonly deleted: number };

/** How many rows of each file change, by the file's position in the plan. */
async function findTouched(change: RowChange, plan: ScanPlan, { lease, signal }: ChangeOptions): Promise<ReadonlyMap<number, Touched>> {
  const found = new Map<number, Touched>();
  if (plan.files.length === 0 || change.actions.length === 0) return found;
  const { batches } = await lease.stream(
    sql`SELECT f, a, count(*) AS n
        FROM (SELECT ${ident(change.as)}.__lakestead_file AS f, ${change.choice} AS a FROM ${change.touched(rowsView)}) AS changed
        WHERE a > 0 GROUP BY f, a`,
    { signal },
  );
  for await (const { rowCount, columns } of batches) {
    for (let row = 0; row < rowCount; row += 1) {
      const [file = -1, action = 0, count = 0] = columns.map((column) => Number(column[row]));
      const { updated, deleted } = found.get(file) ?? { updated: 0, deleted: 0 };
      const isDelete = change.actions[action - 1]?.kind === 'delete';
      found.set(file, isDelete ? { updated, deleted: deleted + count } : { updated: updated + count, deleted });
    }
  }
  return found;
}

/** How many rows a file has that are not deleted yet; `undefined` where its writer did not say. */
function touchedRows({ files }: Snapshot, plan: ScanPlan, file: number): number | undefined {
  const rows = parseStatistics(files.stats[file] ?? null)?.numRecords;
  return rows === undefined ? undefined : rows - (plan.files[file]?.deletionVector?.cardinality ?? 0);
}

/** The rows that take the place of those in the view, and those to add. */
async function changedRows(
  change: RowChange,
  { schema, table }: Snapshot,
  hasRows: boolean,
  options: ChangeOptions,
): Promise<Sql | undefined> {
  const columns = schema.fields.map(({ name }) => ident(name));
  const parts: Sql[] = [];
  if (hasRows) {
    const marked = markRows(change, rowsView);
    const types = new Map((await columnsOf(marked, options)).map(({ name, type }: Column) => [name, type]));
    const values = schema.fields.map((field) => {
      const cases = change.actions.flatMap((action, index) => {
        const value = action.kind === 'update' && action.set.has(field) ? valueName(index, field) : undefined;
        if (value === undefined) return [];
        return [sql`WHEN ${literal(index + 1)} THEN ${assign(ident(value), types.get(value) ?? '', field, table)}`];
      });
      if (cases.length === 0) return ident(field.name);
      return sql`CASE __lakestead_action ${join(cases, ' ')} ELSE ${ident(field.name)} END AS ${ident(field.name)}`;
    });
    const gone = change.actions.flatMap(({ kind }, index) => (kind === 'delete' ? [literal(index + 1)] : []));
    const stays = gone.length === 0 ? sql`true` : sql`__lakestead_action NOT IN (${join(gone)})`;
    parts.push(sql`SELECT ${join(values)} FROM (${marked}) AS marked WHERE ${stays}`);
  }
  if (change.inserts !== undefined && change.inserts.rowCount > 0)
    parts.push(sql`SELECT ${join(columns)} FROM (${change.inserts.query}) AS inserts`);
  return parts.length === 0 ? undefined : join(parts, ' UNION ALL ');
}

/** All rows with what becomes of them, and the new values where they get some. */
function markRows({ as, all, choice, actions }: RowChange, rows: Sql): Sql {
  const values = actions.flatMap((action, index) => {
    if (action.kind === 'delete') return [];
    const fields = [...action.set];
    return fields.map(
      ([field, value]) => sql`CASE WHEN ${choice} = ${literal(index + 1)} THEN ${value} END AS ${ident(valueName(index, field))}`,
    );
  });
  return sql`SELECT ${join([sql`${ident(as)}.*`, sql`${choice} AS __lakestead_action`, ...values])} FROM ${all(rows)}`;
}

function valueName(action: number, field: StructField): string {
  return `__lakestead_${action}_${field.name}`;
}
