import { LakesteadError } from '#core';
import type { Lease, StatementOptions } from '#engine';
import { ident, literal, type Sql, sql, unsafeSql } from '#sql';

import { textOf, type TreeNode } from './syntax-tree.ts';

/**
 * The databases whose tables and views a statement of the lake's dialect may name as `database.schema.table`, beside the
 * lake's own layers. Names compare without case.
 */
export type NamedDatabases = {
  readonly names: () => readonly string[];
  /** A table or view as a SELECT for that connection; undefined when the database has none of that name. */
  relation(
    name: { readonly database: string; readonly schema: string; readonly table: string },
    options: StatementOptions & { readonly lease: Lease },
  ): Promise<Sql | undefined>;
};

/** The names that relations of databases get on their connection: no user can write one that means anything else. */
export const databasePrefix = '__lakestead_database_';

/**
 * Makes a temporary view of the database's table that a reference names, on the statement's own connection, and gives the
 * view's name; undefined where the reference is of the lake.
 */
export async function bindDatabaseTable(
  node: TreeNode,
  databases: NamedDatabases | undefined,
  index: number,
  options: StatementOptions & { readonly lease: Lease },
): Promise<string | undefined> {
  const [catalog, schema, table] = ['catalog_name', 'schema_name', 'table_name'].map((key) => textOf(node, key));
  const database = databases?.names().find((name) => name.toLowerCase() === catalog?.toLowerCase());
  if (databases === undefined || database === undefined) return undefined;
  const relation = await databases.relation({ database, schema: schema ?? '', table: table ?? '' }, options);
  if (relation === undefined) return undefined;
  if (node['at_clause'] !== null && node['at_clause'] !== undefined)
    throw new LakesteadError('SQL_NOT_SUPPORTED', `${database}.${schema}.${table} is no Delta table: it has no versions`);
  const name = `${databasePrefix}${index}`;
  await options.lease.run(sql`CREATE OR REPLACE TEMP VIEW ${ident(name)} AS ${inlineValues(relation)}`, options);
  return name;
}

/** A view takes no bound values: each stands as a literal. */
function inlineValues({ texts, values }: Sql): Sql {
  return values.reduce<Sql>(
    (all, value, index) => {
      if (value !== null && !['string', 'number', 'bigint', 'boolean'].includes(typeof value))
        throw new LakesteadError('SQL_NOT_SUPPORTED', 'the view binds a value that a statement of the lake cannot hold');
      return sql`${all}${literal(value as string | number | bigint | boolean | null)}${unsafeSql(texts[index + 1] ?? '')}`; // just checked
    },
    unsafeSql(texts[0] ?? ''),
  );
}
