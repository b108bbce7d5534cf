import type { Column } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';

import type { Action } from './actions.ts';
import { adds, isCommitted, metadataAction, newCommitInfo, removes, txnAction } from './commit-actions.ts';
import { generatedColumns, refuseNumbered } from './column-values.ts';
import { type MarkedFiles, markDeleted } from './mark-deleted.ts';
import { generationOf } from './row-checks.ts';
import { rowIdColumn, rowVersionColumn } from './row-columns.ts';
import { isOn } from './properties.ts';
import { parseStatistics } from './pruning.ts';
import { planToSql, type RelationOptions } from './relation.ts';
import { type Condition, planScan, type ScanFile, type ScanPlan } from './scan-plan.ts';
import { formatSchema, type StructField, type StructType } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { nothingStaged, type StagedData } from './stage.ts';
import type { WriteOptions } from './table.ts';
import { assign } from './write-plan.ts';
import { columnsOf, finish, stage, stageChanges } from './write.ts';

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
  /** Files that stay, of which more rows count as deleted now. */
  readonly filesMarked: number;
  readonly bytesWritten: number;
  /** What went wrong without harm to the commit: a checkpoint that could not be written. */
  readonly warnings: readonly string[];
};

/** What becomes of a row: it goes, or columns of it get new values. */
export type RowAction = { readonly kind: 'delete' } | { readonly kind: 'update'; readonly set: ReadonlyMap<StructField, Sql> };

/** Rows to add, in the table's columns and types; `given` are the columns that were not left to the table. */
export type RowInserts = { readonly query: Sql; readonly rowCount: number; readonly schema?: StructType };

/** Which rows change and how; columns of the table stand under `as`. */
export type RowChange = {
  readonly as: string;
  /** What stands behind FROM to find the rows that change; may have others too. `rows` is the name of the table's rows. */
  readonly touched: (rows: Sql) => Sql;
  /** INTEGER: 0 for a row that stays, else the number (from 1) of its action. */
  readonly choice: Sql;
  readonly actions: readonly RowAction[];
  /** All must hold for a row to change, as far as the log's statistics can tell: other files are not looked at. */
  readonly filter?: readonly Condition[] | undefined;
  /** Kept beside each changed row, as `__lakestead_source`. */
  readonly sourceId?: Sql | undefined;
  /** Looks at the changed rows (a relation with `__lakestead_file`, `__lakestead_row`, `__lakestead_source`), and finds the rows to add. */
  readonly inspect?: ((changes: Sql) => Promise<RowInserts | undefined>) | undefined;
  /** The table's definition changes with its rows. */
  readonly definition?: readonly Action[] | undefined;
};

/** How a change appears in the history; `metrics` is given what it did. */
export type ChangeRecord = {
  readonly operation: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly metrics: (did: ChangeMetrics) => Readonly<Record<string, number>>;
};

/** Counts of a change before it is committed. */
export type ChangeMetrics = Omit<ChangeResult, 'version' | 'warnings'> & {
  readonly bytesRemoved: number;
  readonly changeFiles: number;
  readonly vectorsAdded: number;
  readonly vectorsRemoved: number;
  readonly vectorsUpdated: number;
  readonly durationMs: number;
};

/** The application had committed this before. */
const nothingChanged: ChangeResult = { version: undefined, rowsInserted: 0, rowsUpdated: 0, rowsDeleted: 0, rowsCopied: 0, filesAdded: 0, filesRemoved: 0, filesMarked: 0, bytesWritten: 0, warnings: [] }; // prettier-ignore

/** The rows of the table while they are looked at: a view of the lease's connection. */
const rowsView = sql`__lakestead_rows`;
/** The rows that change, with their new values: a temporary table of the connection. */
const changesTable = sql`__lakestead_changes`;

/**
 * Changes rows: those that go or get new values are marked as deleted where the table has deletion vectors, else their files are
 * written again without them; new values are new rows. Files of which all rows change are only removed. One commit, or none
 * where no row changes.
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
  const { lease } = options;
  try {
    return await performRewrite(location, snapshot, change, record, options);
  } finally {
    await lease.run(sql`DROP TABLE IF EXISTS temp.${changesTable}`);
  }
}

/** What a change was found to be, before anything is written. */
type Found = {
  readonly plan: ScanPlan;
  readonly snapshot: Snapshot;
  /** The table's columns with how far they have numbered rows after this. */
  readonly schema: StructType;
  readonly change: RowChange;
  /** Files of which some rows change, and those of which all do. */
  readonly partly: readonly ScanFile[];
  readonly gone: readonly ScanFile[];
  readonly totals: { readonly updated: number; readonly deleted: number };
  readonly inserts: RowInserts | undefined;
  /** How the table wants it: as deletion vectors, with a change feed, with ids of rows. */
  readonly marks: boolean;
  readonly feeds: boolean;
  readonly tracked: boolean;
};

/** What was written for it: data, marks and the change feed. */
type Written = {
  readonly data: StagedData;
  readonly marked: MarkedFiles | undefined;
  readonly feed: StagedData;
  readonly rowsCopied: number;
};

async function performRewrite(
  location: TableLocation,
  snapshot: Snapshot,
  change: RowChange,
  record: ChangeRecord,
  options: ChangeOptions,
): Promise<ChangeResult> {
  const startedAt = performance.now();
  const found = await findRewrite(location, snapshot, change, options);
  const isNothing = found.partly.length + found.gone.length + (found.inserts?.rowCount ?? 0) === 0;
  if (isNothing && change.definition === undefined) return nothingChanged;
  const written = await writeRewrite(location, found, options);
  const { data, marked, feed } = written;
  const did = measure(found, written, startedAt);
  const removed = new Set([...found.gone, ...found.partly].map(({ path }) => path));
  const actions = [
    ...txnAction(options.txn),
    ...definitionActions(found),
    ...adds(data),
    ...(marked?.actions ?? []),
    ...removes(snapshot, removed),
    ...feed.files.map(({ path, partitionValues, size }) => ({ cdc: { path, partitionValues, size, dataChange: false, tags: undefined } })),
  ];
  const staged: StagedData = { files: data.files, objectPaths: pathsOf(written), rowCount: data.rowCount, bytes: did.bytesWritten };
  const commitInfo = newCommitInfo(record.operation, record.parameters, snapshot.version, false, record.metrics(did), options);
  const transaction = { readVersion: snapshot.version, actions, commitInfo, reads: 'rows' as const, filter: change.filter };
  const { version, warnings } = await finish(location, staged, transaction, did.filesRemoved, snapshot, options);
  const { rowsInserted, rowsUpdated, rowsDeleted, rowsCopied, filesAdded, filesRemoved, filesMarked, bytesWritten } = did;
  return { version, rowsInserted, rowsUpdated, rowsDeleted, rowsCopied, filesAdded, filesRemoved, filesMarked, bytesWritten, warnings };
}

async function findRewrite(location: TableLocation, snapshot: Snapshot, change: RowChange, options: ChangeOptions): Promise<Found> {
  const { configuration } = snapshot.metadata;
  const looked = planScan(snapshot, change.filter === undefined ? {} : { filter: change.filter });
  const plan: ScanPlan = { ...looked, files: looked.files.map((file, position) => ({ ...file, position })) };
  const tracked = plan.rowColumns !== undefined;
  const feeds = isOn(configuration, 'delta.enableChangeDataFeed');
  const touched = await findChanges(location, plan, snapshot, change, { ...options, feeds, tracked });
  const inserts = await change.inspect?.(changesTable);
  const files = plan.files.filter((_, index) => touched.has(index));
  const isGone = (file: ScanFile) => liveRows(snapshot, file) === touched.get(file.position ?? -1);
  return {
    plan,
    snapshot,
    schema: inserts?.schema ?? snapshot.schema,
    change,
    partly: files.filter((file) => !isGone(file)),
    gone: files.filter(isGone),
    totals: await countActions(change, options),
    inserts: inserts !== undefined && inserts.rowCount > 0 ? inserts : undefined,
    marks: isOn(configuration, 'delta.enableDeletionVectors'),
    feeds,
    tracked,
  };
}

/** Writes what a change needs; when this throws, nothing of it is left. */
async function writeRewrite(location: TableLocation, found: Found, options: ChangeOptions): Promise<Written> {
  const { plan, snapshot, schema, change, partly, totals, inserts, tracked } = found;
  const copies = found.marks ? [] : partly;
  const keepsRowIds = tracked && (totals.updated > 0 || copies.length > 0);
  const parts = [
    ...(totals.updated > 0 ? [updatedRows(change, snapshot.schema, tracked)] : []),
    ...(inserts === undefined ? [] : [insertedRows(inserts, schema, keepsRowIds)]),
  ];
  const layout = { ...snapshot, schema };
  const written: { -readonly [K in keyof Written]: Written[K] } = {
    data: nothingStaged,
    marked: undefined,
    feed: nothingStaged,
    rowsCopied: 0,
  };
  try {
    if (found.marks && partly.length > 0) written.marked = await markDeleted(location, snapshot, partly, changesTable, options);
    if (copies.length > 0 || parts.length > 0) {
      const reading = { lease: options.lease, signal: options.signal, rowIds: tracked };
      written.data = await withRows(location, { ...plan, files: copies }, reading, async (rows) => {
        const all = copies.length === 0 ? parts : [copiedRows(rows, snapshot.schema, tracked), ...parts];
        return await stage(location, join(all, ' UNION ALL '), layout, { ...options, keepsRowIds });
      });
    }
    written.rowsCopied = written.data.rowCount - totals.updated - (inserts?.rowCount ?? 0);
    if (needsFeed(found, written.rowsCopied))
      written.feed = await stageChanges(location, feedRows(change, snapshot.schema, totals, inserts), layout, options);
    return written;
  } catch (error) {
    await Promise.allSettled(pathsOf(written).map(async (path) => await location.store.delete(path)));
    throw error;
  }
}

/** Whether the log alone would tell readers of the change feed something else than what happened. */
function needsFeed({ feeds, totals, inserts }: Found, rowsCopied: number): boolean {
  return feeds && (totals.updated > 0 || rowsCopied > 0 || (inserts !== undefined && totals.deleted > 0));
}

function pathsOf({ data, marked, feed }: Written): readonly string[] {
  return [...data.objectPaths, ...feed.objectPaths, ...(marked?.objectPath === undefined ? [] : [marked.objectPath])];
}

/** What of the table's definition changes with its rows. */
function definitionActions({ change, schema, snapshot }: Found): readonly Action[] {
  const definition = change.definition ?? [];
  if (schema === snapshot.schema) return definition;
  return [
    ...definition.filter(({ metaData }) => !metaData),
    ...metadataAction({ ...snapshot.metadata, schemaString: formatSchema(schema) }),
  ];
}

function measure(found: Found, { data, marked, feed, rowsCopied }: Written, startedAt: number): ChangeMetrics {
  const { totals, inserts, gone, partly } = found;
  const rewritten = found.marks ? gone : [...gone, ...partly];
  const hadVector = (files: readonly ScanFile[]) => files.filter(({ deletionVector }) => deletionVector !== undefined).length;
  return {
    rowsInserted: inserts?.rowCount ?? 0,
    rowsUpdated: totals.updated,
    rowsDeleted: totals.deleted,
    rowsCopied,
    filesAdded: data.files.length,
    filesRemoved: rewritten.length,
    filesMarked: marked?.paths.size ?? 0,
    bytesWritten: data.bytes + (marked?.bytes ?? 0) + feed.bytes,
    bytesRemoved: rewritten.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    changeFiles: feed.files.length,
    vectorsAdded: marked?.actions.length ?? 0,
    vectorsRemoved: hadVector([...gone, ...partly]),
    vectorsUpdated: found.marks ? hadVector(partly) : 0,
    durationMs: Math.round(performance.now() - startedAt),
  };
}

/** Runs work while the view of the rows is that of the plan. */
export async function withRows<T>(
  { store }: TableLocation,
  plan: ScanPlan,
  { lease, signal, rowIds = false }: Pick<ChangeOptions, 'lease' | 'signal'> & Pick<RelationOptions, 'rowIds'>,
  work: (rows: Sql) => Promise<T>,
): Promise<T> {
  const rows = await planToSql(plan, store, { scope: lease, signal, numbered: true, rowIds });
  await lease.run(sql`CREATE OR REPLACE TEMP VIEW ${rowsView} AS ${rows}`, { signal });
  try {
    return await work(rowsView);
  } finally {
    await lease.run(sql`DROP VIEW IF EXISTS temp.${rowsView}`);
  }
}

type FindOptions = ChangeOptions & { readonly feeds: boolean; readonly tracked: boolean };

/** Puts the rows that change into their table; says how many of each file there are, by its position in the plan. */
async function findChanges(
  location: TableLocation,
  plan: ScanPlan,
  snapshot: Snapshot,
  change: RowChange,
  options: FindOptions,
): Promise<ReadonlyMap<number, number>> {
  const { lease, signal } = options;
  const files = change.actions.length === 0 ? [] : plan.files;
  await withRows(location, { ...plan, files }, { lease, signal, rowIds: options.tracked }, async (rows) => {
    const query = await changeRows(change, rows, snapshot, options);
    await lease.run(sql`CREATE OR REPLACE TEMP TABLE ${changesTable} AS ${query}`, { signal });
  });
  const found = new Map<number, number>();
  const { batches } = await lease.stream(sql`SELECT __lakestead_file::DOUBLE, count(*)::DOUBLE FROM ${changesTable} GROUP BY 1`, {
    signal,
  });
  for await (const { rowCount, columns } of batches)
    for (let row = 0; row < rowCount; row += 1) found.set(Number(columns[0]?.[row]), Number(columns[1]?.[row]));
  return found;
}

const newName = (index: number) => `__lakestead_new_${index}`;
const oldName = (index: number) => `__lakestead_old_${index}`;
const valueName = (action: number, index: number) => `__lakestead_value_${action}_${index}`;

/** Each row that changes with its place, its action and its values before and after, as far as they will be wanted. */
async function changeRows(change: RowChange, rows: Sql, { schema, table }: Snapshot, options: FindOptions): Promise<Sql> {
  const { as, choice, touched, sourceId = sql`NULL::BIGINT` } = change;
  const updates = change.actions.flatMap((action, index) => (action.kind === 'update' ? [{ number: index + 1, set: action.set }] : []));
  for (const { set } of updates) refuseNumbered(set.keys(), table);
  const fields = schema.fields.map((field, index) => ({
    field,
    index,
    // An old value is wanted by the feed, or by an update that leaves the column alone.
    isKept: options.feeds || updates.some(({ set }) => !set.has(field)),
  }));
  const values = updates.flatMap(({ number, set }) =>
    fields.flatMap(({ field, index }) => {
      const value = set.get(field);
      return value === undefined
        ? []
        : [sql`CASE WHEN ${choice} = ${literal(number)} THEN ${value} END AS ${ident(valueName(number, index))}`];
    }),
  );
  const old = fields.flatMap(({ field, index, isKept }) => (isKept ? [sql`${ident(as, field.name)} AS ${ident(oldName(index))}`] : []));
  const ids = options.tracked && updates.length > 0 ? [sql`${ident(as, rowIdColumn)} AS ${ident(rowIdColumn)}`] : [];
  const places = [sql`${ident(as)}.__lakestead_file`, sql`${ident(as)}.__lakestead_row`];
  const marked = sql`SELECT ${join([...places, ...ids, sql`${choice} AS __lakestead_action`, sql`${sourceId} AS __lakestead_source`, ...old, ...values])}
    FROM ${touched(rows)}`;
  const types = new Map((await columnsOf(marked, options)).map(({ name, type }: Column) => [name, type]));
  const fresh = updates.length === 0 ? [] : fields.map(({ field, index, isKept }) => {
    const cases = updates.flatMap(({ number, set }) => {
      const name = valueName(number, index);
      return set.has(field) ? [sql`WHEN ${literal(number)} THEN ${assign(ident(name), types.get(name) ?? '', field, table)}`] : [];
    });
    const before = isKept ? ident(oldName(index)) : sql`NULL`;
    return sql`${cases.length === 0 ? before : sql`CASE __lakestead_action ${join(cases, ' ')} ELSE ${before} END`} AS ${ident(newName(index))}`;
  }); // prettier-ignore
  const kept = options.feeds ? fields.map(({ index }) => ident(oldName(index))) : [];
  const head = [sql`__lakestead_file`, sql`__lakestead_row`, sql`__lakestead_action`, sql`__lakestead_source`];
  return sql`SELECT ${join([...head, ...(ids.length > 0 ? [ident(rowIdColumn)] : []), ...kept, ...fresh])} FROM (${marked}) AS marked WHERE __lakestead_action > 0`;
}

async function countActions({ actions }: RowChange, { lease, signal }: ChangeOptions): Promise<{ updated: number; deleted: number }> {
  const rows = await lease.rows(sql`SELECT __lakestead_action AS a, count(*) AS n FROM ${changesTable} GROUP BY a`, { signal });
  const totals = { updated: 0, deleted: 0 };
  for (const row of rows) {
    const action = actions[Number(row['a']) - 1];
    if (action !== undefined) totals[action.kind === 'delete' ? 'deleted' : 'updated'] += Number(row['n']);
  }
  return totals;
}

/** How many rows a file has that are not deleted yet; `undefined` where its writer did not say. */
function liveRows({ files }: Snapshot, { path, deletionVector }: ScanFile): number | undefined {
  const rows = parseStatistics(files.stats[files.paths.indexOf(path)] ?? null)?.numRecords;
  return rows === undefined ? undefined : rows - (deletionVector?.cardinality ?? 0);
}

const namesOf = ({ fields }: StructType) => fields.map(({ name }) => ident(name));

/** Rows of files that are written again, but for those that change. */
function copiedRows(rows: Sql, schema: StructType, tracked: boolean): Sql {
  const ids = tracked ? [ident(rowIdColumn), ident(rowVersionColumn)] : [];
  return sql`SELECT ${join([...namesOf(schema), ...ids])} FROM ${rows} AS t WHERE NOT EXISTS (
    SELECT 1 FROM ${changesTable} AS c WHERE c.__lakestead_file = t.__lakestead_file AND c.__lakestead_row = t.__lakestead_row)`;
}

/** The new values of rows that are updated, generated columns from the others. */
function updatedRows({ actions }: RowChange, schema: StructType, tracked: boolean): Sql {
  const updates = actions.flatMap((action, index) => (action.kind === 'update' ? [literal(index + 1)] : []));
  const ids = tracked ? [ident(rowIdColumn), sql`NULL::BIGINT AS ${ident(rowVersionColumn)}`] : [];
  const values = schema.fields.map(({ name }, index) => sql`${ident(newName(index))} AS ${ident(name)}`);
  const rows = sql`SELECT ${join([...values, ...ids])} FROM ${changesTable} WHERE __lakestead_action IN (${join(updates)})`;
  const isSet = (field: StructField) => actions.some((action) => action.kind === 'update' && action.set.has(field));
  const isGenerated = (field: StructField) => generationOf(field) !== undefined && !isSet(field);
  if (!schema.fields.some(isGenerated)) return rows;
  const both = tracked ? sql`, ${ident(rowIdColumn)}, ${ident(rowVersionColumn)}` : sql``;
  return sql`SELECT ${generatedColumns(schema, isGenerated)}${both} FROM (${rows}) AS updated`;
}

function insertedRows({ query }: RowInserts, schema: StructType, tracked: boolean): Sql {
  const ids = tracked ? [sql`NULL::BIGINT AS ${ident(rowIdColumn)}`, sql`NULL::BIGINT AS ${ident(rowVersionColumn)}`] : [];
  return sql`SELECT ${join([...namesOf(schema), ...ids])} FROM (${query}) AS inserts`;
}

/** The rows of the change feed: what was deleted, updated (before and after) and inserted. */
function feedRows(
  change: RowChange,
  schema: StructType,
  totals: { updated: number; deleted: number },
  inserts: RowInserts | undefined,
): Sql {
  const before = schema.fields.map(({ name }, index) => sql`${ident(oldName(index))} AS ${ident(name)}`);
  const numbers = (kind: RowAction['kind']) =>
    change.actions.flatMap((action, index) => (action.kind === kind ? [literal(index + 1)] : []));
  const past = (kind: RowAction['kind'], name: string) =>
    sql`SELECT ${join(before)}, ${literal(name)} AS _change_type FROM ${changesTable} WHERE __lakestead_action IN (${join(numbers(kind))})`;
  const named = (query: Sql, name: string) => sql`SELECT ${join(namesOf(schema))}, ${literal(name)} AS _change_type FROM (${query}) AS q`;
  const parts = [
    ...(totals.deleted > 0 ? [past('delete', 'delete')] : []),
    ...(totals.updated > 0 ? [past('update', 'update_preimage'), named(updatedRows(change, schema, false), 'update_postimage')] : []),
    ...(inserts === undefined ? [] : [named(inserts.query, 'insert')]),
  ];
  return join(parts, ' UNION ALL ');
}
