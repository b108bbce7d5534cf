import { type ChangesOptions, type Condition, describeTable, openTable, planToSql, type StructType } from '#delta';
import type { Engine, Lease } from '#engine';
import { literal, type Sql, sql } from '#sql';
import type { Lake } from '#storage';

import type { Catalog, LakeTable, TableDescription } from './catalog.ts';
import { findTableByName, lakeStore, listLayers, listTables, parquetPaths } from './find-table.ts';

/** The tables of a lake, by looking at its folders. */
export function openCatalog(options: { readonly lake: Lake; readonly engine: Engine }): Catalog {
  const { lake, engine } = options;
  return {
    layers: async () => await listLayers(await lakeStore(lake)),
    list: async (layer, { signal } = {}) => {
      const store = await lakeStore(lake);
      const layers = (await listLayers(store)).filter((name) => layer === undefined || name.toLowerCase() === layer.toLowerCase());
      const tables: LakeTable[] = [];
      for (const name of layers) tables.push(...(await listTables(store, name, signal)));
      return tables;
    },
    find: async (layer, schema, name, { signal } = {}) => {
      signal?.throwIfAborted();
      return await findTableByName(await lakeStore(lake), layer, schema, name);
    },
    describe: async (table, { signal } = {}) =>
      await engine.withLease(
        async (lease) =>
          table.format === 'delta' ? await describeDelta(table, engine, lease, signal) : await describeParquet(table, lease, signal),
        { signal },
      ),
  };
}

/** What a table is read from at this moment, and which version that is. */
export type TableRelation = { readonly sql: Sql; readonly version?: number };

/**
 * A table as a SELECT of DuckDB without bound values: the newest snapshot of a Delta table (or the one asked for), else
 * the Parquet files that are there.
 */
export async function tableRelation(
  table: LakeTable,
  options: {
    readonly engine: Engine;
    readonly lease?: Lease | undefined;
    readonly version?: number | undefined;
    readonly timestamp?: Date | undefined;
    /** The change feed of a Delta table instead of its rows. */
    readonly changes?: Omit<ChangesOptions, 'lease' | 'signal'> | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Names in lower case: other columns of a Delta table in a remote store are left out, so that they are not fetched. */
    readonly usedColumns?: ReadonlySet<string> | undefined;
    /** What the statement filters the rows by, as far as files of a Delta table can be told apart by it. */
    readonly conditions?: ((schema: StructType) => readonly Condition[]) | undefined;
  },
): Promise<TableRelation> {
  const { store, path } = table;
  const { engine, usedColumns, ...rest } = options;
  if (options.changes !== undefined && table.format === 'delta') {
    const feed = await (
      await openTable({ store, path, engine }, rest)
    ).changes({ ...options.changes, lease: options.lease, signal: options.signal });
    return { sql: feed.sql, version: feed.to };
  }
  if (table.format === 'delta') {
    const choose = (schema: StructType) => chooseColumns(schema, usedColumns);
    const columns = store.traffic === undefined ? undefined : choose;
    const scan = await (await openTable({ store, path, engine }, rest)).scan({ ...rest, columns });
    return { sql: await scan.relation(), version: scan.version };
  }
  return { sql: await parquetRelation(table, options.lease, options.signal) };
}

/** A relation has one column at least, also where rows are only counted. */
function chooseColumns(schema: StructType, used: ReadonlySet<string> | undefined): readonly string[] {
  const names = schema.fields.map(({ name }) => name);
  if (used === undefined) return names;
  const chosen = names.filter((name) => used.has(name.toLowerCase()));
  return chosen.length > 0 ? chosen : names.slice(0, 1);
}

async function parquetRelation(table: LakeTable, scope: Lease | undefined, signal: AbortSignal | undefined): Promise<Sql> {
  const paths = await Promise.all((await parquetPaths(table)).map(async (path) => await table.store.readable(path, { scope, signal })));
  return sql`SELECT * FROM read_parquet(${literal(paths.map(escapePattern))}, hive_partitioning = false)`;
}

/** DuckDB takes `*`, `?` and `[` in a path for a pattern; a class of one character stands for itself. */
export function escapePattern(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}

function named({
  layer,
  schema,
  name,
  format,
  address,
}: LakeTable): Pick<TableDescription, 'layer' | 'schema' | 'name' | 'format' | 'address'> {
  return { layer, schema, name, format, address };
}

async function describeDelta(table: LakeTable, engine: Engine, lease: Lease, signal: AbortSignal | undefined): Promise<TableDescription> {
  const { store, path } = table;
  const snapshot = await (await openTable({ store, path, engine }, { signal })).snapshot({ lease, signal });
  const { columns, rows, bytes, files, version } = describeTable(snapshot);
  return {
    ...named(table),
    columns: columns.map(({ name, type, nullable }) => ({ name, type, nullable })),
    // A writer that left the statistics out: then the files' footers know.
    rows: rows === undefined ? await count(lease, await planToSql(snapshot.scan(), store, { scope: lease, signal }), signal) : BigInt(rows),
    bytes: BigInt(bytes),
    files,
    version,
  };
}

async function describeParquet(table: LakeTable, lease: Lease, signal: AbortSignal | undefined): Promise<TableDescription> {
  const relation = await parquetRelation(table, lease, signal);
  const paths = await parquetPaths(table);
  const sizes = await Promise.all(paths.map(async (path) => (await table.store.find(path))?.sizeBytes ?? 0));
  const columns = await lease.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${relation})`, { signal });
  return {
    ...named(table),
    columns: columns.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']), nullable: true })),
    rows: await count(lease, relation, signal),
    bytes: BigInt(sizes.reduce((sum, size) => sum + size, 0)),
    files: paths.length,
  };
}

async function count(lease: Lease, relation: Sql, signal: AbortSignal | undefined): Promise<bigint> {
  const [row] = await lease.rows(sql`SELECT count(*) AS n FROM (${relation}) AS t`, { signal });
  return BigInt(String(row?.['n'] ?? 0));
}
