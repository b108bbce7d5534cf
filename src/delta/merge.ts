import { LakesteadError } from '#core';
import type { Column } from '#engine';
import { ident, join, literal, type Sql, sql, unsafeSql } from '#sql';

import type { Action } from './actions.ts';
import { assignments, describeCondition, describePredicate } from './change-rows.ts';
import { afterNumbering, fillColumns, hasOwnValue, refuseNumbered } from './column-values.ts';
import { conditionsOf, joinPairs, rangeOfJoin } from './condition-of.ts';
import { schemaOfColumns, writtenType } from './duckdb-types.ts';
import { defineTable } from './evolve.ts';
import type { RowAction, RowChange, RowInserts } from './change-table.ts';
import { type ChangeMetrics, type ChangeOptions, type ChangeResult, rewriteRows, withRows } from './rewrite.ts';
import { type Condition, planScan } from './scan-plan.ts';
import { findField, type StructField } from './schema.ts';
import type { Snapshot, TableLocation } from './snapshot.ts';
import { assign, checkSchemaNames } from './write-plan.ts';
import { columnsOf, isMapped, loadForWrite } from './write.ts';

/** What becomes of rows of the table that a row of the source matches, of those that none does, and of rows of the source that match none. */
export type MergeClause = {
  /** Only for rows that fit this too. Of the clauses of a kind only the last may do without. */
  readonly condition?: Sql | undefined;
} & (
  | { readonly when: 'matched' | 'notMatchedBySource'; readonly action: 'delete' }
  | { readonly when: 'matched' | 'notMatchedBySource'; readonly action: 'update'; readonly set: Readonly<Record<string, Sql>> }
  /** Every column gets the value of the source's column of its name. */
  | { readonly when: 'matched'; readonly action: 'updateAll' }
  | { readonly when: 'notMatched'; readonly action: 'insert'; readonly values: Readonly<Record<string, Sql>> }
  | { readonly when: 'notMatched'; readonly action: 'insertAll' }
);

/** A merge. Conditions and values call the table `as` (default `t`) and the source `sourceAs` (default `s`). */
export type MergeOptions = ChangeOptions & {
  readonly source: Sql;
  readonly sourceAs?: string | undefined;
  readonly on: Sql;
  /** The first clause of its kind whose condition holds for a row is the one that counts. */
  readonly clauses: readonly MergeClause[];
  /** Columns of the source that the table does not have come into it, where a clause takes all columns or names them. */
  readonly schemaMode?: 'strict' | 'merge' | undefined;
};

const sourceTable = sql`__lakestead_source`;
const insertTable = sql`__lakestead_inserts`;
const sourceId = ident('__lakestead_id');

type Merge = MergeOptions & {
  readonly snapshot: Snapshot;
  readonly t: Sql;
  readonly s: Sql;
  readonly sourceColumns: readonly string[];
  readonly sourceRows: number;
  /** What a row of the table must fulfil to match, as far as files can be told apart; none where rows that match nothing change. */
  readonly filter: readonly Condition[] | undefined;
  readonly definition: readonly Action[] | undefined;
};

/** Brings a source's rows into a table: see {@link DeltaTable.merge}. */
export async function mergeRows(location: TableLocation, options: MergeOptions): Promise<ChangeResult> {
  const { lease, signal, clauses } = options;
  checkClauses(clauses);
  const snapshot = await loadForWrite(location, options, clauses.some(({ when }) => when !== 'notMatched')); // prettier-ignore
  // Read once: what a query gives may change from one time to the next.
  await lease.run(
    sql`CREATE OR REPLACE TEMP TABLE ${sourceTable} AS SELECT *, row_number() OVER () AS ${sourceId} FROM (${options.source}\n) AS q`,
    {
      signal,
    },
  );
  try {
    const source = (await columnsOf(sql`SELECT * FROM ${sourceTable}`, options)).filter(({ name }) => name !== '__lakestead_id');
    const [counted] = await lease.rows(sql`SELECT count(*) AS n FROM ${sourceTable}`, { signal });
    const [t, s] = [ident(options.as ?? 't'), ident(options.sourceAs ?? 's')];
    const { evolved, definition } = evolve(snapshot, source, options);
    const filter = await filterOf(evolved, options);
    const sourceColumns = source.map(({ name }) => name);
    const merge: Merge = {
      ...options,
      snapshot: evolved,
      definition,
      filter,
      t,
      s,
      sourceColumns,
      sourceRows: Number(counted?.['n'] ?? 0),
    };
    return await performMerge(location, merge);
  } finally {
    await lease.run(sql`DROP TABLE IF EXISTS temp.${sourceTable}`);
    await lease.run(sql`DROP TABLE IF EXISTS temp.${insertTable}`);
  }
}

/** The table with the columns that only the source has, where the merge may bring them in. */
function evolve(
  snapshot: Snapshot,
  source: readonly Column[],
  { schemaMode = 'strict', clauses }: MergeOptions,
): { readonly evolved: Snapshot; readonly definition: readonly Action[] | undefined } {
  if (schemaMode !== 'merge') return { evolved: snapshot, definition: undefined };
  const named = new Set(
    clauses.flatMap((clause) =>
      clause.action === 'update' ? Object.keys(clause.set) : clause.action === 'insert' ? Object.keys(clause.values) : [],
    ).map((name) => name.toLowerCase()),
  ); // prettier-ignore
  const takesAll = clauses.some(({ action }) => action === 'updateAll' || action === 'insertAll');
  const added = schemaOfColumns(
    source.filter(({ name }) => findField(snapshot.schema, name) === undefined && (takesAll || named.has(name.toLowerCase()))),
  );
  if (added.fields.length === 0) return { evolved: snapshot, definition: undefined };
  const schema = { type: 'struct' as const, fields: [...snapshot.schema.fields, ...added.fields] };
  checkSchemaNames(schema, snapshot.table, isMapped(snapshot.metadata));
  const { actions, ...definition } = defineTable(snapshot, { metadata: snapshot.metadata, schema }, snapshot.table);
  return { evolved: { ...snapshot, ...definition }, definition: actions };
}

/** Which files can hold rows that match, by the values of the source. */
async function filterOf({ schema }: Snapshot, options: MergeOptions): Promise<readonly Condition[] | undefined> {
  if (options.clauses.some(({ when }) => when === 'notMatchedBySource')) return undefined;
  const columns = { schema, as: options.as ?? 't' };
  const pairs = await joinPairs(options.on, columns, options.sourceAs ?? 's', options);
  const [constant, range] = [await conditionsOf(options.on, columns, options), await rangeOfJoin(pairs, sourceTable, columns, options)];
  return [...constant, ...range];
}

async function performMerge(location: TableLocation, merge: Merge): Promise<ChangeResult> {
  const { snapshot, clauses } = merge;
  const hasInserts = clauses.some(({ when }) => when === 'notMatched');
  const change: RowChange = {
    ...describeChange(merge),
    filter: merge.filter,
    definition: merge.definition,
    inspect: async (changes) => {
      if (needsPairs(merge)) await checkMatches(location, merge, changes);
      return hasInserts ? await findInserts(location, merge, changes) : undefined;
    },
  };
  const predicates = (when: MergeClause['when']) =>
    JSON.stringify(
      clauses
        .filter((clause) => clause.when === when)
        .map(({ action, condition }) => ({
          ...(condition === undefined ? {} : { predicate: describeCondition(condition, merge) }),
          actionType: action.replace('All', ''),
        })),
    );
  const record = {
    operation: 'MERGE',
    parameters: {
      predicate: describePredicate(merge.on, merge),
      matchedPredicates: predicates('matched'),
      notMatchedPredicates: predicates('notMatched'),
      notMatchedBySourcePredicates: predicates('notMatchedBySource'),
    },
    metrics: (did: ChangeMetrics) => ({
      numSourceRows: merge.sourceRows,
      numTargetRowsInserted: did.rowsInserted,
      numTargetRowsUpdated: did.rowsUpdated,
      numTargetRowsDeleted: did.rowsDeleted,
      numTargetRowsCopied: did.rowsCopied,
      numOutputRows: did.rowsInserted + did.rowsUpdated + did.rowsCopied,
      numTargetFilesAdded: did.filesAdded,
      numTargetFilesRemoved: did.filesRemoved,
      numTargetBytesAdded: did.bytesWritten,
      numTargetBytesRemoved: did.bytesRemoved,
      numTargetChangeFilesAdded: did.changeFiles,
      numTargetDeletionVectorsAdded: did.vectorsAdded,
      numTargetDeletionVectorsRemoved: did.vectorsRemoved,
      numTargetDeletionVectorsUpdated: did.vectorsUpdated,
      executionTimeMs: did.durationMs,
    }),
  };
  return await rewriteRows(location, snapshot, change, record, merge);
}

/** Of each kind only the last clause stands for whatever is left. */
function checkClauses(clauses: readonly MergeClause[]): void {
  for (const same of Map.groupBy(clauses, ({ when }) => when).values()) {
    const open = same.findIndex(({ condition }) => condition === undefined);
    if (open >= 0 && open < same.length - 1)
      throw new LakesteadError('SQL_SYNTAX', 'a clause of the merge has no condition, so the one after it would never count', {
        hint: 'of the clauses of a kind only the last may do without a condition',
      });
  }
}

/**
 * Whether it matters which row of the source matches: not where matches stay as they are, or all go. Such a row is looked
 * for once, however many there are.
 */
function needsPairs({ clauses }: Merge): boolean {
  const [first, ...others] = clauses.filter(({ when }) => when === 'matched');
  return first !== undefined && (others.length > 0 || first.action !== 'delete' || first.condition !== undefined);
}

/** The pairs of rows that count: where nothing happens to those that match no row, only those that a clause takes. */
function pairCondition({ clauses, on }: Merge): Sql {
  const isMatchedOnly = clauses.every(({ when }) => when === 'matched');
  if (!isMatchedOnly || clauses.some(({ condition }) => condition === undefined)) return sql`(${on})`;
  return sql`(${on}) AND (${join(
    clauses.map(({ condition }) => sql`(${condition ?? sql`true`})`),
    ' OR ',
  )})`;
}

function describeChange(merge: Merge): RowChange {
  const { clauses, t, s, on, as = 't' } = merge;
  const changing = clauses.filter((clause) => clause.when !== 'notMatched');
  const actions = changing.map((clause) => actionOf(clause, merge));
  const choose = (when: MergeClause['when']) => {
    const cases = changing.flatMap((clause, index) =>
      clause.when === when
        ? [sql`WHEN ${clause.condition === undefined ? sql`true` : sql`(${clause.condition})`} THEN ${literal(index + 1)}`]
        : [],
    );
    return cases.length === 0 ? sql`0` : sql`CASE ${join(cases, ' ')} ELSE 0 END`;
  };
  const bySource = changing.some(({ when }) => when === 'notMatchedBySource');
  if (!needsPairs(merge)) {
    const isMatched = sql`EXISTS (SELECT 1 FROM ${sourceTable} AS ${s} WHERE (${on}))`;
    return {
      as,
      touched: (rows) => (bySource ? sql`${rows} AS ${t}` : sql`${rows} AS ${t} WHERE ${isMatched}`),
      choice: sql`CASE WHEN ${isMatched} THEN ${choose('matched')} ELSE ${choose('notMatchedBySource')} END`,
      actions,
    };
  }
  const pairs = pairCondition(merge);
  const all = (rows: Sql) => sql`${rows} AS ${t} LEFT JOIN ${sourceTable} AS ${s} ON ${pairs}`;
  return {
    as,
    touched: bySource ? all : (rows) => sql`${rows} AS ${t} JOIN ${sourceTable} AS ${s} ON ${pairs}`,
    sourceId: sql`${s}.${sourceId}`,
    choice: sql`CASE WHEN ${s}.${sourceId} IS NOT NULL THEN ${choose('matched')} ELSE ${choose('notMatchedBySource')} END`,
    actions,
  };
}

function actionOf(clause: Exclude<MergeClause, { when: 'notMatched' }>, merge: Merge): RowAction {
  switch (clause.action) {
    case 'delete':
      return { kind: 'delete' };
    case 'update':
      return { kind: 'update', set: assignments(clause.set, merge.snapshot) };
    case 'updateAll':
      return { kind: 'update', set: allColumns(merge, 'UPDATE SET *') };
  }
}

/** Each column of the table from the source's of its name. */
function allColumns({ snapshot, sourceColumns, s, schemaMode }: Merge, what: string): ReadonlyMap<StructField, Sql> {
  const columns = new Map(sourceColumns.map((name) => [name.toLowerCase(), name]));
  return new Map(
    snapshot.schema.fields.flatMap((field): readonly (readonly [StructField, Sql])[] => {
      const column = columns.get(field.name.toLowerCase());
      if (column === undefined && (schemaMode === 'merge' || hasOwnValue(field))) return [];
      if (column === undefined)
        throw new LakesteadError(
          'DELTA_SCHEMA_MISMATCH',
          `${what} wants a column ${field.name}, which the source does not have; nothing was written`,
          {
            hint: 'name the columns and their values',
          },
        );
      return [[field, sql`${s}.${ident(column)}`]];
    }),
  );
}

/**
 * Refuses a source of which several rows would change one row of the table: which of them counts would be chance.
 *
 * @throws {LakesteadError} `DELTA_MERGE_AMBIGUOUS`
 */
async function checkMatches(location: TableLocation, merge: Merge, changes: Sql): Promise<void> {
  const { lease, signal, snapshot, t, s } = merge;
  const repeated = (pairs: Sql) =>
    sql`SELECT count(*) AS n FROM (${pairs}) AS pairs GROUP BY f, r HAVING count(*) > 1 ORDER BY n DESC LIMIT 1`;
  const [found] = takesEachPair(merge)
    ? await lease.rows(repeated(sql`SELECT __lakestead_file AS f, __lakestead_row AS r FROM ${changes}`), { signal })
    : await withRows(
        location,
        planScan(snapshot, merge.filter === undefined ? {} : { filter: merge.filter }),
        merge,
        async (rows) =>
          await lease.rows(
            repeated(
              sql`SELECT ${t}.__lakestead_file AS f, ${t}.__lakestead_row AS r FROM ${rows} AS ${t} JOIN ${sourceTable} AS ${s} ON ${pairCondition(merge)}`,
            ),
            { signal },
          ),
      );
  if (found === undefined) return;
  throw new LakesteadError(
    'DELTA_MERGE_AMBIGUOUS',
    `${String(found['n'])} rows of the source match one row of ${snapshot.table}, and would change it; nothing was written`,
    { hint: 'keep one row of the source for each row of the table, such as the newest' },
  );
}

/** Every pair of rows that match is a change, so that the changes say which rows of the source matched. */
function takesEachPair(merge: Merge): boolean {
  return needsPairs(merge) && merge.clauses.some(({ when, condition }) => when === 'matched' && condition === undefined);
}

/** The rows to add, kept for as long as the merge lasts. */
async function findInserts(location: TableLocation, merge: Merge, changes: Sql): Promise<RowInserts> {
  const { clauses, snapshot, lease, signal, s, t, on } = merge;
  const inserting = clauses.filter((clause) => clause.when === 'notMatched');
  const sets = inserting.map((clause) =>
    clause.action === 'insert' ? assignments(clause.values, snapshot) : allColumns(merge, 'INSERT *'),
  );
  const choice = sql`CASE ${join(
    inserting.map(
      ({ condition }, index) => sql`WHEN ${condition === undefined ? sql`true` : sql`(${condition})`} THEN ${literal(index + 1)}`,
    ),
    ' ',
  )} ELSE 0 END`;
  const nameOf = (index: number, field: StructField) => `__lakestead_${index}_${field.name}`;
  const values = sets.flatMap((set, index) =>
    [...set].map(([field, value]) => sql`CASE WHEN ${choice} = ${literal(index + 1)} THEN ${value} END AS ${ident(nameOf(index, field))}`),
  );
  const plan = planScan(snapshot, merge.filter === undefined ? {} : { filter: merge.filter });
  return await withRows(location, takesEachPair(merge) ? { ...plan, files: [] } : plan, merge, async (rows) => {
    const isMatched = takesEachPair(merge)
      ? sql`SELECT 1 FROM ${changes} AS c WHERE c.__lakestead_source = ${s}.${sourceId}`
      : sql`SELECT 1 FROM ${rows} AS ${t} WHERE (${on})`;
    const chosen = sql`SELECT ${join([sql`${choice} AS __lakestead_action`, ...values])} FROM ${sourceTable} AS ${s} WHERE NOT EXISTS (${isMatched})`;
    const types = new Map((await columnsOf(chosen, merge)).map(({ name, type }) => [name, type]));
    const given = new Map<StructField, Sql>();
    for (const field of snapshot.schema.fields) {
      const cases = sets.flatMap((set, index) => {
        const name = nameOf(index, field);
        if (!set.has(field)) return [];
        return [sql`WHEN ${literal(index + 1)} THEN ${assign(ident(name), types.get(name) ?? '', field, snapshot.table)}`];
      });
      if (cases.length === 0) continue;
      const value = sql`CASE __lakestead_action ${join(cases, ' ')} END`;
      given.set(field, sql`CAST(${value} AS ${unsafeSql(writtenType(field.type))})`);
    }
    refuseNumbered(given.keys(), snapshot.table);
    const rowsToAdd = fillColumns(snapshot.schema, given, sql`(${chosen}) AS chosen WHERE __lakestead_action > 0`);
    await lease.run(sql`CREATE OR REPLACE TEMP TABLE ${insertTable} AS ${rowsToAdd}`, { signal });
    const [counted] = await lease.rows(sql`SELECT count(*) AS n FROM ${insertTable}`, { signal });
    const rowCount = Number(counted?.['n'] ?? 0);
    const schema = afterNumbering(snapshot.schema, new Set([...given.keys()].map(({ name }) => name)), rowCount);
    return { query: sql`SELECT * FROM ${insertTable}`, rowCount, schema };
  });
}
