import { LakesteadError } from '#core';
import { ident, join, sql, type Sql } from '#sql';
import { bindQuery, type BindScope, formatType, parseBatch } from '#tsql';

import type { ColumnDescription, TableDescription } from './table-description.ts';

/** All columns of the table in order: those that the file does not have come from their T-SQL expressions. */
export async function computeAbsent(table: TableDescription, present: readonly ColumnDescription[], rows: Sql, path: string): Promise<Sql> {
  const quote = (name: string) => `[${name.replaceAll(']', ']]')}]`;
  const list = table.columns.map((column) => {
    if (present.includes(column)) return quote(column.name);
    if (column.computed === undefined)
      throw new LakesteadError('CONFIG_INVALID', `${path} does not have the column ${column.name}, and no expression computes it`);
    return `CONVERT(${formatType(column.type)}, ${column.computed}) AS ${quote(column.name)}`;
  });
  const names = join(present.map(({ name }) => ident(name)));
  if (present.length === table.columns.length) return sql`SELECT ${names} FROM (${rows}) AS t`;
  const text = `SELECT ${list.join(', ')} FROM t`;
  const none = async () => await Promise.resolve(undefined);
  const scope: BindScope = {
    text,
    now: new Date(),
    findTable: async ({ parts }) => await Promise.resolve(parts.join('.') === 't' ? { columns: present, sql: rows } : undefined),
    findTarget: none,
    findTableVariable: none,
    findVariable: () => undefined,
    sessionValue: none,
    openRowset: async () => await Promise.reject(new LakesteadError('SQL_NOT_SUPPORTED', 'a computed column cannot read files')),
  };
  try {
    const [statement] = parseBatch(text);
    if (statement?.kind !== 'query') throw new LakesteadError('SQL_SYNTAX', 'the expressions are none of T-SQL');
    return (await bindQuery(statement.query, scope)).sql;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LakesteadError('SQL_NOT_SUPPORTED', `a computed column of ${table.schema}.${table.name} cannot be computed: ${why}`, {
      cause: error,
    });
  }
}
