import { LakesteadError } from '#core';
import { ident, join, sql, type Sql } from '#sql';

import { assignToColumn } from './assign-column.ts';
import type { Assignment, Query, Statement, TableSource } from './ast.ts';
import { bindCondition } from './bind-condition.ts';
import { bindError, type BoundExpression, type Frame } from './bind-context.ts';
import { columnSql } from './bind-expression.ts';
import { bindCommonTables, rootFrame } from './bind-query.ts';
import { bindSources } from './bind-source.ts';
import { computedAssignments, computedOverColumns, wholeValue } from './computed-columns.ts';
import type { BindScope, BoundColumn, TargetTable } from './scope.ts';

type Change = Statement & { kind: 'insert' | 'update' | 'delete' | 'merge' | 'truncate' };

/**
 * A statement that changes a table, as one statement of the engine. `INSERT ... EXEC` is the session's own.
 *
 * @throws what bindQuery throws; OUTPUT, MERGE and TOP of a change are refused by name
 */
export async function bindChange(statement: Change, scope: BindScope): Promise<{ readonly sql: Sql }> {
  if (statement.kind === 'truncate') {
    const table = await scope.findTarget(statement.table);
    if (table === undefined)
      throw bindError(scope, 'SQL_NAME_NOT_FOUND', `there is no table ${statement.table.parts.join('.')}`, statement.table.span);
    return { sql: sql`DELETE FROM ${table.target}` };
  }
  if (statement.kind === 'merge') throw bindError(scope, 'SQL_NOT_SUPPORTED', 'MERGE is not supported', statement.span);
  if (statement.output !== undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', 'OUTPUT is not supported', statement.span);
  if (statement.top !== undefined && statement.kind !== 'insert')
    throw bindError(scope, 'SQL_NOT_SUPPORTED', `TOP of ${statement.kind.toUpperCase()} is not supported`, statement.span);
  const { prefix, frame } = await bindCommonTables(statement.with, rootFrame(scope));
  switch (statement.kind) {
    case 'insert':
      return { sql: sql`${prefix}${await bindInsert(statement, frame)}` };
    case 'update':
      return { sql: sql`${prefix}${await bindUpdate(statement, frame)}` };
    case 'delete':
      return { sql: sql`${prefix}${await bindDelete(statement, frame)}` };
  }
}

async function findTarget(source: TableSource, frame: Frame): Promise<TargetTable> {
  const { scope } = frame;
  if (source.kind !== 'table' && source.kind !== 'tableVariable') throw bindError(scope, 'SQL_SYNTAX', 'a table was expected', source.span);
  const table = source.kind === 'table' ? await scope.findTarget(source.name) : await scope.findTableVariable(source.name);
  if (table !== undefined) return table;
  const name = source.kind === 'table' ? source.name.parts.join('.') : source.name;
  throw bindError(scope, 'SQL_NAME_NOT_FOUND', `there is no table ${name} that can be changed`, source.span);
}

/** The table as its statement names it. */
function nameOf(target: TableSource): string {
  return target.kind === 'table' ? target.name.parts.join('.') : target.kind === 'tableVariable' ? target.name : '';
}

function findColumn(table: TargetTable, name: string, frame: Frame, node: TableSource | Assignment): BoundColumn {
  const column = table.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (column === undefined) throw bindError(frame.scope, 'SQL_NAME_NOT_FOUND', `the table has no column ${name}`, node.span);
  return column;
}

async function bindInsert(statement: Change & { kind: 'insert' }, frame: Frame): Promise<Sql> {
  const { scope } = frame;
  const table = await findTarget(statement.target, frame);
  if (statement.top !== undefined) throw bindError(scope, 'SQL_NOT_SUPPORTED', 'INSERT TOP is not supported', statement.span);
  const { source } = statement;
  if ('kind' in source && source.kind === 'defaultValues') return sql`INSERT INTO ${table.target} DEFAULT VALUES`;
  if ('kind' in source) throw new LakesteadError('INTERNAL', 'INSERT ... EXEC is performed by the session');
  const { computed = [] } = table;
  const isComputed = (name: string) => computed.some((one) => one.name.toLowerCase() === name.toLowerCase());
  const writable = table.columns.filter(({ name }) => name.toLowerCase() !== table.identity?.toLowerCase() && !isComputed(name));
  const columns =
    statement.columns.length === 0 ? writable : statement.columns.map((name) => findColumn(table, name, frame, statement.target));
  const set = columns.find(({ name }) => isComputed(name));
  if (set !== undefined)
    throw bindError(
      scope,
      'SQL_TYPE',
      `The column "${set.name}" cannot be modified because it is either a computed column or is the result of a UNION operator.`,
      statement.span,
    );
  const names = join(columns.map(({ name }) => ident(name)));
  const values: Query = source;
  if (values.body.kind === 'values' && computed.length === 0) {
    const rows = await Promise.all(
      values.body.rows.map(async (row) => {
        if (row.length !== columns.length)
          throw bindError(scope, 'SQL_SYNTAX', `${row.length} values for ${columns.length} columns`, statement.span);
        const cells = await Promise.all(
          row.map(async (value, index) => {
            const column = columns[index];
            if (value.kind === 'default' || column === undefined) return sql`DEFAULT`;
            return assignToColumn(scope, await frame.bind(value, frame), column, nameOf(statement.target), value.span);
          }),
        );
        return sql`(${join(cells)})`;
      }),
    );
    return sql`INSERT INTO ${table.target} (${names}) VALUES ${join(rows)}`;
  }
  const query = await frame.bindQuery(values, frame);
  if (query.columns.length !== columns.length)
    throw bindError(
      scope,
      'SQL_SYNTAX',
      `the query has ${query.columns.length} columns, the table takes ${columns.length}`,
      statement.span,
    );
  const list = query.columns.map((column, index) => {
    const value: BoundExpression = { sql: columnSql('q', `c${index}`), type: column.type, nullable: true };
    return assignToColumn(scope, value, columns[index] ?? column, nameOf(statement.target), statement.span);
  });
  const rows = sql`SELECT ${join(list)} FROM (${query.sql}) AS q(${join(query.columns.map((_, index) => ident(`c${index}`)))})`;
  if (computed.length === 0) return sql`INSERT INTO ${table.target} (${names}) ${rows}`;
  const inner: Frame = { ...frame, sources: [{ alias: 's', qualifiers: ['s'], columns }] };
  const more = await Promise.all(
    computed.map(async (one) => {
      const value = await inner.bind(computedOverColumns(one, columns, 's', frame, statement.span), inner);
      return assignToColumn(scope, value, findColumn(table, one.name, frame, statement.target), nameOf(statement.target), statement.span);
    }),
  );
  const all = join([...columns.map(({ name }) => ident(name)), ...computed.map(({ name }) => ident(name))]);
  return sql`INSERT INTO ${table.target} (${all}) SELECT s.*, ${join(more)} FROM (${rows}) AS s(${names})`;
}

/** The target of an UPDATE or DELETE without FROM, and the frame in which its columns are known. */
async function locate(target: TableSource, frame: Frame): Promise<{ table: TargetTable; alias: string; inner: Frame }> {
  const table = await findTarget(target, frame);
  const alias = target.kind === 'table' ? (target.name.parts.at(-1) ?? 't') : 't';
  const qualifiers = target.kind === 'table' ? target.name.parts : ['t'];
  return { table, alias, inner: { ...frame, sources: [{ alias, qualifiers, columns: table.columns }] } };
}

async function bindUpdate(statement: Change & { kind: 'update' }, frame: Frame): Promise<Sql> {
  if (statement.from.length > 0) return await bindUpdateFrom(statement, frame);
  const { table, alias, inner } = await locate(statement.target, frame);
  const sets = await Promise.all(
    [...statement.assignments, ...computedAssignments(table, statement.assignments, alias, inner)].map(async (assignment) => {
      const column = assignedColumn(assignment, table, inner);
      return sql`${ident(column.name)} = ${assignment.value.kind === 'default' ? sql`DEFAULT` : await assignedValue(assignment, column, alias, inner, nameOf(statement.target))}`;
    }),
  );
  const where = statement.where === undefined ? sql`` : sql` WHERE ${await bindCondition(statement.where, inner)}`;
  return sql`UPDATE ${table.target} AS ${ident(alias)} SET ${join(sets)}${where}`;
}

function assignedColumn(assignment: Assignment, table: TargetTable, frame: Frame): BoundColumn {
  if (assignment.variable !== undefined || assignment.column === undefined) {
    throw bindError(frame.scope, 'SQL_NOT_SUPPORTED', 'setting a variable in UPDATE is not supported', assignment.span);
  }
  return findColumn(table, assignment.column.parts.at(-1) ?? '', frame, assignment);
}

/** The value of `column = value` or `column += value`, in the column's type. */
async function assignedValue(assignment: Assignment, column: BoundColumn, alias: string, frame: Frame, table: string): Promise<Sql> {
  const whole = wholeValue(assignment, column.name, alias);
  return assignToColumn(frame.scope, await frame.bind(whole, frame), column, table, assignment.span);
}

/** The table in FROM that the target means: by its alias, or by its name. */
function targetName(target: TableSource): readonly string[] {
  return target.kind === 'table' ? target.name.parts : [];
}

function findInFrom(from: readonly TableSource[], name: readonly string[]): (TableSource & { kind: 'table' }) | undefined {
  for (const source of from) {
    if (source.kind === 'table') {
      const alias = source.alias ?? source.name.parts.at(-1) ?? '';
      const wanted = name.at(-1) ?? '';
      if (
        alias.toLowerCase() === wanted.toLowerCase() ||
        (name.length > 1 && source.name.parts.join('.').toLowerCase() === name.join('.').toLowerCase())
      )
        return source;
    } else if (source.kind === 'join') {
      const found = findInFrom([source.left, source.right], name);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** FROM with the target's row id among the columns that it offers. */
async function rowsOf(
  statement: Change & { kind: 'update' | 'delete' },
  frame: Frame,
): Promise<{ table: TargetTable; alias: string; from: Sql; inner: Frame }> {
  const named = findInFrom(statement.from, targetName(statement.target));
  if (named === undefined)
    throw bindError(
      frame.scope,
      'SQL_NAME_NOT_FOUND',
      `${targetName(statement.target).join('.')} is not among the tables of FROM`,
      statement.target.span,
    );
  const table = await findTarget(named, frame);
  const alias = named.alias ?? named.name.parts.at(-1) ?? 't';
  const withRowId: Frame = {
    ...frame,
    scope: {
      ...frame.scope,
      findTable: async (name) =>
        name === named.name
          ? {
              columns: [...table.columns, { name: 'rowid', type: { name: 'bigint' }, nullable: false }],
              sql: sql`SELECT *, rowid AS "rowid" FROM ${table.target}`,
            }
          : await frame.scope.findTable(name),
    },
  };
  const { from, frame: inner } = await bindSources(statement.from, withRowId);
  return { table, alias, from, inner };
}

async function bindUpdateFrom(statement: Change & { kind: 'update' }, frame: Frame): Promise<Sql> {
  const { table, alias, from, inner } = await rowsOf(statement, frame);
  const columns: Sql[] = [];
  const sets: Sql[] = [];
  const assignments = [...statement.assignments, ...computedAssignments(table, statement.assignments, alias, inner)];
  for (const [index, assignment] of assignments.entries()) {
    const column = assignedColumn(assignment, table, inner);
    const name = ident(`v${index}`);
    // The value is computed beside the row id; the update takes it from there.
    columns.push(sql`${await assignedValue(assignment, column, alias, inner, nameOf(statement.target))} AS ${name}`);
    sets.push(sql`${ident(column.name)} = source.${name}`);
  }
  const where = statement.where === undefined ? sql`` : sql` WHERE ${await bindCondition(statement.where, inner)}`;
  // One of several matching rows sets the value, as SQL Server leaves it open which.
  const rows = sql`SELECT DISTINCT ON (${columnSql(alias, 'rowid')}) ${columnSql(alias, 'rowid')} AS id, ${join(columns)}${from}${where}`;
  return sql`UPDATE ${table.target} AS target SET ${join(sets)} FROM (${rows}) AS source WHERE target.rowid = source.id`;
}

async function bindDelete(statement: Change & { kind: 'delete' }, frame: Frame): Promise<Sql> {
  if (statement.from.length > 0) {
    const { table, alias, from, inner } = await rowsOf(statement, frame);
    const where = statement.where === undefined ? sql`` : sql` WHERE ${await bindCondition(statement.where, inner)}`;
    return sql`DELETE FROM ${table.target} WHERE rowid IN (SELECT ${columnSql(alias, 'rowid')}${from}${where})`;
  }
  const { table, alias, inner } = await locate(statement.target, frame);
  const where = statement.where === undefined ? sql`` : sql` WHERE ${await bindCondition(statement.where, inner)}`;
  return sql`DELETE FROM ${table.target} AS ${ident(alias)}${where}`;
}
