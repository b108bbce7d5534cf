import { createHash } from 'node:crypto';

import type { Lease, StatementOptions } from '#engine';
import { ident, join, literal, sql, type Sql, unsafeSql } from '#sql';
import { engineType } from '#tsql';

import { formatTableComment, type TableDescription } from './table-description.ts';

/** Runs work in a transaction: the one that the connection is in already, else one of its own. */
export async function inTransaction<T>(lease: Lease, work: () => Promise<T>, options: StatementOptions): Promise<T> {
  // A refused BEGIN would abort the open transaction; two statements have one transaction id only inside of one.
  const idOf = async () => (await lease.rows(sql`SELECT CAST(txid_current() AS VARCHAR) AS id`, options))[0]?.['id'];
  if ((await idOf()) === (await idOf())) return await work();
  await lease.run(sql`BEGIN TRANSACTION`, options);
  try {
    const result = await work();
    await lease.run(sql`COMMIT`, options);
    return result;
  } catch (error) {
    // A failed COMMIT has rolled back already.
    await lease.run(sql`ROLLBACK`).catch(() => undefined);
    throw error;
  }
}

export type CreateTableOptions = StatementOptions & {
  readonly lease: Lease;
  readonly database: string;
  readonly table: TableDescription;
  /** In the engine's SQL, by column name. */
  readonly defaults?: ReadonlyMap<string, Sql> | undefined;
};

/** Beside no table's name, as nextval takes no quotes in a name; in the schema that every database has. */
function sequencePath(database: string, table: Pick<TableDescription, 'schema' | 'name'>): readonly string[] {
  const name = JSON.stringify([table.schema.toLowerCase(), table.name.toLowerCase()]);
  return [database, 'dbo', `identity_${createHash('sha256').update(name).digest('hex').slice(0, 16)}`];
}

/** Creates the table with its description, its identity and its primary key. Call it in a transaction. */
export async function createDescribedTable({ lease, database, table, defaults, signal }: CreateTableOptions): Promise<void> {
  const target = ident(database, table.schema, table.name);
  const columns: Sql[] = [];
  for (const column of table.columns) {
    let tail = column.nullable ? sql`` : sql` NOT NULL`;
    const defaultValue = defaults?.get(column.name);
    if (column.identity !== undefined) {
      const { seed, increment } = column.identity;
      tail = sql`${tail} DEFAULT ${await createSequence(lease, database, table, seed, increment, { signal })}`;
    } else if (defaultValue !== undefined) tail = sql`${tail} DEFAULT (${defaultValue})`;
    columns.push(sql`${ident(column.name)} ${unsafeSql(engineType(column.type))}${tail}`);
  }
  const key = table.primaryKey.length === 0 ? sql`` : sql`, PRIMARY KEY (${join(table.primaryKey.map((name) => ident(name)))})`;
  await lease.run(sql`CREATE TABLE ${target} (${join(columns)}${key})`, { signal });
  await lease.run(sql`COMMENT ON TABLE ${target} IS ${literal(formatTableComment(table))}`, { signal });
}

/** Drops the table with its identity's sequence. Call it in a transaction. */
export async function dropDescribedTable(
  lease: Lease,
  database: string,
  table: Pick<TableDescription, 'schema' | 'name'>,
  options: StatementOptions,
): Promise<void> {
  await lease.run(sql`DROP TABLE IF EXISTS ${ident(database, table.schema, table.name)}`, options);
  await lease.run(sql`DROP SEQUENCE IF EXISTS ${ident(...sequencePath(database, table))}`, options);
}

/**
 * Replaces a table by the rows of a query, in one transaction: the query's columns are those of the table, by position and
 * in the types of `engineType`. The identity goes on behind the highest value. The primary key is described and not
 * enforced: an index over everything loaded would have to fit in memory.
 */
export async function replaceTable(
  options: StatementOptions & {
    readonly lease: Lease;
    readonly database: string;
    readonly table: TableDescription;
    readonly rows: Sql;
  },
): Promise<{ readonly rowCount: number }> {
  const { lease, database, table, rows, signal } = options;
  const target = ident(database, table.schema, table.name);
  return await inTransaction(
    lease,
    async () => {
      await lease.run(sql`CREATE SCHEMA IF NOT EXISTS ${ident(database, table.schema)}`, { signal });
      await dropDescribedTable(lease, database, table, { signal });
      const columns = table.columns.map(
        (column) => sql`${ident(column.name)} ${unsafeSql(engineType(column.type))}${unsafeSql(column.nullable ? '' : ' NOT NULL')}`,
      );
      await lease.run(sql`CREATE TABLE ${target} (${join(columns)})`, { signal });
      const { rowsChanged } = await lease.run(sql`INSERT INTO ${target} ${rows}`, { signal });
      for (const { name, identity } of table.columns) {
        if (identity === undefined) continue;
        const [row] = await lease.rows(sql`SELECT CAST(max(${ident(name)}) AS DOUBLE) AS highest FROM ${target}`, { signal });
        const next = typeof row?.['highest'] === 'number' ? row['highest'] + identity.increment : identity.seed;
        const value = await createSequence(lease, database, table, next, identity.increment, { signal });
        await lease.run(sql`ALTER TABLE ${target} ALTER COLUMN ${ident(name)} SET DEFAULT ${value}`, { signal });
      }
      await lease.run(sql`COMMENT ON TABLE ${target} IS ${literal(formatTableComment(table))}`, { signal });
      return { rowCount: rowsChanged };
    },
    { signal },
  );
}

/** The sequence of an identity; returns the expression that takes its next value. */
async function createSequence(
  lease: Lease,
  database: string,
  table: TableDescription,
  start: number,
  increment: number,
  options: StatementOptions,
): Promise<Sql> {
  const path = sequencePath(database, table);
  const bounds = increment < 0 ? 'MINVALUE -9223372036854775807 MAXVALUE 9223372036854775807' : 'MINVALUE -9223372036854775807';
  const head = sql`CREATE SEQUENCE ${ident(...path)}`;
  await lease.run(sql`${head} INCREMENT BY ${literal(increment)} ${unsafeSql(bounds)} START WITH ${literal(start)}`, options);
  const quoted = path.map((part) => `"${part}"`).join('.');
  return sql`nextval(${literal(quoted)})`;
}
