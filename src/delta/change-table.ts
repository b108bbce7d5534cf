import type { Column } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';

import type { Action } from './actions.ts';
import { generatedColumns, refuseNumbered } from './column-values.ts';
import type { ChangeOptions } from './rewrite.ts';
import { generationOf } from './row-checks.ts';
import { rowIdColumn, rowVersionColumn } from './row-columns.ts';
import type { Condition } from './scan-plan.ts';
import type { StructField, StructType } from './schema.ts';
import type { Snapshot } from './snapshot.ts';
import { assign } from './write-plan.ts';
import { columnsOf } from './write.ts';

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

/** The rows that change, with their new values: a temporary table of the connection. */
export const changesTable = sql`__lakestead_changes`;

/** How rows that change are looked for. */
export type FindOptions = ChangeOptions & { readonly feeds: boolean; readonly tracked: boolean };

const newName = (index: number) => `__lakestead_new_${index}`;
const oldName = (index: number) => `__lakestead_old_${index}`;
const valueName = (action: number, index: number) => `__lakestead_value_${action}_${index}`;

/** Each row that changes with its place, its action and its values before and after, as far as they will be wanted. */
export async function changeRows(change: RowChange, rows: Sql, { schema, table }: Snapshot, options: FindOptions): Promise<Sql> {
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

const namesOf = ({ fields }: StructType) => fields.map(({ name }) => ident(name));

/** Rows of files that are written again, but for those that change. */
export function copiedRows(rows: Sql, schema: StructType, tracked: boolean): Sql {
  const ids = tracked ? [ident(rowIdColumn), ident(rowVersionColumn)] : [];
  return sql`SELECT ${join([...namesOf(schema), ...ids])} FROM ${rows} AS t WHERE NOT EXISTS (
    SELECT 1 FROM ${changesTable} AS c WHERE c.__lakestead_file = t.__lakestead_file AND c.__lakestead_row = t.__lakestead_row)`;
}

/** The new values of rows that are updated, generated columns from the others. */
export function updatedRows({ actions }: RowChange, schema: StructType, tracked: boolean): Sql {
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

export function insertedRows({ query }: RowInserts, schema: StructType, tracked: boolean): Sql {
  const ids = tracked ? [sql`NULL::BIGINT AS ${ident(rowIdColumn)}`, sql`NULL::BIGINT AS ${ident(rowVersionColumn)}`] : [];
  return sql`SELECT ${join([...namesOf(schema), ...ids])} FROM (${query}) AS inserts`;
}

/** The rows of the change feed: what was deleted, updated (before and after) and inserted. */
export function feedRows(
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
