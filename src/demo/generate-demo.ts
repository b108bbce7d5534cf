import { LakesteadError } from '#core';
import type { Engine, StatementOptions } from '#engine';
import { ident, join, literal, sql, unsafeSql } from '#sql';
import { engineType, parseType } from '#tsql';
import { type ColumnDescription, type Database, replaceTable } from '#warehouse';

import { type DemoColumn, type DemoCounts, demoTables } from './demo-tables.ts';
import { randomValues } from './random-value.ts';

export type DemoOptions = StatementOptions & {
  readonly engine: Engine;
  /** An embedded one: a serverless database has no tables. */
  readonly database: Pick<Database, 'name' | 'kind'>;
  /** 1 is 542 order lines; 10,000 is 5.4 million. Orders and lines grow with it, customers with its root. */
  readonly scale: number;
  /** The same seed gives the same content. */
  readonly seed: number;
  readonly onProgress?: ((done: GeneratedTable) => void) | undefined;
};

export type GeneratedTable = { readonly schema: string; readonly table: string; readonly rows: number };

const schema = 'SalesLT';

/**
 * Fills a database with the demo's shop: ten tables as AdventureWorksLT names them, with content of our own. Tables of
 * these names are replaced, one transaction each.
 *
 * @throws USAGE for a scale that the tables' ids have no room for
 */
export async function generateDemo(options: DemoOptions): Promise<readonly GeneratedTable[]> {
  const { engine, database, scale, seed, signal, onProgress } = options;
  // Line ids are int; a million times is 542 million lines.
  if (!Number.isSafeInteger(scale) || scale < 1 || scale > 1_000_000)
    throw new LakesteadError('USAGE', `a scale of ${scale} is not possible`, { hint: 'a whole number from 1 to 1000000' });
  if (database.kind !== 'embedded')
    throw new LakesteadError('USAGE', `the database ${database.name} is serverless: it has no tables to fill`);
  const root = Math.sqrt(scale);
  const counts: DemoCounts = {
    addresses: Math.round(450 * root),
    customers: Math.round(847 * root),
    links: Math.round(417 * root),
    orders: 32 * scale,
    lines: 542 * scale,
  };
  const generated: GeneratedTable[] = [];
  for (const table of demoTables) {
    const context = { random: randomValues(seed, table.name), counts, database: database.name };
    const plain = sql`range(${literal(table.rows(counts))}) AS r(i)`;
    const columns = table.columns(context);
    const described = columns.map(describeColumn);
    const values = described.map((column, index) => {
      const type = unsafeSql(engineType(column.type));
      return sql`CAST(${columns[index]?.[1] ?? sql`NULL`} AS ${type}) AS ${ident(column.name)}`;
    });
    const rows = sql`SELECT ${join(values)} FROM ${table.from?.({ ...context, rows: plain }) ?? plain}`;
    const description = { schema, name: table.name, columns: described, primaryKey: table.primaryKey };
    const { rowCount } = await engine.withLease(
      async (lease) => await replaceTable({ lease, database: database.name, table: description, rows, signal }),
      { signal },
    );
    const done = { schema, table: table.name, rows: rowCount };
    generated.push(done);
    onProgress?.(done);
  }
  return generated;
}

function describeColumn([text, , kind]: DemoColumn): ColumnDescription {
  const space = text.indexOf(' ');
  const type = text.slice(space + 1);
  return {
    name: text.slice(0, space),
    type: parseType(type.replace('?', '')),
    nullable: type.endsWith('?'),
    ...(kind?.identity === true ? { identity: { seed: 1, increment: 1 } } : {}),
    ...(kind?.computed === undefined ? {} : { computed: kind.computed }),
  };
}
