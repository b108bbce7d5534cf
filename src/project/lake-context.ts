import { type Gateway, ownerPrincipal } from '#access';
import type { LakeTable } from '#catalog';
import { LakesteadError } from '#core';
import { type DeltaTable, openTable } from '#delta';
import type { Fragment, Name } from '#delta-sql';
import type { Lease } from '#engine';
import { ident, join, literal, type Sql, sql } from '#sql';
import type { LakePlace } from '#storage';

import type { Project } from './project.ts';

/** What a statement about a lake table came to: a few rows, as a query of constants. */
export type StatementRows = { readonly sql: Sql };

/** A lake with its tables: a project's, or one of a single table. */
export type LakePorts = Pick<Project, 'gateway' | 'engine' | 'lake'> & {
  /** Where a new table of a name goes, where that is not said by the name itself. */
  readonly place?: ((name: Name) => Promise<LakePlace>) | undefined;
  /** What a path leads to, where that is no address in the lake. */
  readonly open?: ((path: string) => Promise<LakePlace>) | undefined;
};

/** What a statement about a table of the lake is performed with. */
export type Context = { readonly project: LakePorts; readonly lease: Lease; readonly signal: AbortSignal };

/** The table of that name, if there is one. */
export async function findNamed(name: Name, { project, signal }: Context): Promise<LakeTable | undefined> {
  const [layer = '', ...rest] = name.parts;
  const table = rest.pop() ?? '';
  return await (await lakeView(project)).find(layer, rest.join('/'), table, { signal });
}

/** The Delta table of that name. */
export async function deltaTable(name: Name, context: Context): Promise<LakeTable> {
  const table = await findNamed(name, context);
  const written = name.parts.join('.');
  if (table === undefined)
    throw new LakesteadError('SQL_NAME_NOT_FOUND', `there is no table ${written} in the lake`, {
      hint: 'lakestead table list shows the tables',
    });
  if (table.format !== 'delta')
    throw new LakesteadError('DELTA_NOT_A_TABLE', `${written} is a ${table.format} table, and this needs a Delta table`);
  return table;
}

/** The lake as the owner may see it. */
export async function lakeView(project: LakePorts) {
  return (await project.gateway()).look(ownerPrincipal);
}

/** The Delta table of that name, for a statement that changes it. */
export async function openNamed(name: Name, context: Context): Promise<DeltaTable> {
  const { store, path } = await deltaTable(name, context);
  return await openTable({ store, path, engine: await context.project.engine() }, context);
}

/** A query of a statement as SQL for the engine. */
export async function compile(fragment: Fragment, { project, lease, signal }: Context): Promise<Sql> {
  const gateway: Gateway = await project.gateway();
  return (await gateway.compile({ principal: ownerPrincipal, dialect: 'duckdb', text: fragment.text, lease, signal })).sql;
}

/** Conditions and values of a statement, each as SQL for the engine. */
export async function compileExpressions(fragments: readonly Fragment[], { project, lease, signal }: Context): Promise<readonly Sql[]> {
  const gateway = await project.gateway();
  return await gateway.compileExpressions({ principal: ownerPrincipal, texts: fragments.map(({ text }) => text), lease, signal });
}

/** A text as a constant, or NULL. */
export const text = (value: string | undefined): Sql => (value === undefined ? sql`NULL::VARCHAR` : literal(value));

/** One row with Spark's names of what a change did. */
export function changed(counts: Readonly<Record<string, number>>): StatementRows {
  return rowsOf(Object.keys(counts), [Object.values(counts).map((count) => sql`${literal(count)}::BIGINT`)]);
}

/** Rows of constants. */
export function rowsOf(names: readonly string[], rows: readonly (readonly Sql[])[]): StatementRows {
  const columns = join(names.map((name) => ident(name)));
  if (rows.length === 0)
    return { sql: sql`SELECT * FROM (VALUES (${join(names.map(() => sql`NULL::VARCHAR`))})) AS t(${columns}) WHERE false` };
  return { sql: sql`SELECT * FROM (VALUES ${join(rows.map((row) => sql`(${join(row)})`))}) AS t(${columns})` };
}

/** The instant that an expression of a statement is. */
export async function instantOf(given: Fragment, context: Context): Promise<Date> {
  const { lease, signal } = context;
  const [value = sql`NULL`] = await compileExpressions([given], context);
  const [row] = await lease.rows(sql`SELECT epoch_ms(CAST(${value} AS TIMESTAMPTZ)) AS ms`, { signal });
  const ms = row?.['ms'];
  if (ms === null || ms === undefined) throw new LakesteadError('SQL_TYPE', `${given.text} is no timestamp`);
  return new Date(Number(ms));
}
