import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Catalog, openCatalog, tableRelation } from '#catalog';
import { writeTable } from '#delta';
import { type Engine, openDuckdbEngine } from '#engine';
import { literal, type Sql, sql } from '#sql';
import { openLake, openLocalStore } from '#storage';

let dir: string;
let engine: Engine;
let catalog: Catalog;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-catalog-'));
  engine = await openDuckdbEngine({ threads: 1 });
  catalog = openCatalog({ lake: openLake({ defaultRoot: dir }), engine });
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function writeParquet(path: string, query: Sql): Promise<void> {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  await engine.withLease((lease) => lease.run(sql`COPY (${query}) TO ${literal(join(dir, path))} (FORMAT parquet)`));
}

async function writeDelta(path: string, query: Sql): Promise<void> {
  const store = await openLocalStore(dir);
  await engine.withLease((lease) => writeTable({ store, path, engine, lease, query, mode: 'append' }));
}

const names = async (layer?: string) =>
  (await catalog.list(layer)).map((table) => `${table.layer}.${table.schema}.${table.name} ${table.format}`);

test('Delta tables and Parquet folders and files are tables; layers are containers and folders schemas', async () => {
  await writeParquet('bronze/SalesLT/Address/Address.parquet', sql`SELECT 1 AS a`);
  await writeParquet('bronze/raw/one.parquet', sql`SELECT 1 AS a`);
  await writeParquet('bronze/top.parquet', sql`SELECT 1 AS a`);
  await writeDelta('gold/SalesLT/Address', sql`SELECT 1 AS a`);
  await writeDelta('gold/deep/er/T', sql`SELECT 1 AS a`);
  writeFileSync(join(dir, 'bronze/notes.txt'), 'x');
  expect(await catalog.layers()).toEqual(['bronze', 'gold']);
  expect(await names()).toEqual([
    'bronze..top parquet',
    'bronze.SalesLT.Address parquet',
    'bronze.raw.one parquet',
    'gold.SalesLT.Address delta',
    'gold.deep/er.T delta',
  ]);
  expect(await names('GOLD')).toHaveLength(2);
});

test('a lake that is not there yet has no tables', async () => {
  const empty = openCatalog({ lake: openLake({ defaultRoot: join(dir, 'none') }), engine });
  expect([await empty.layers(), await empty.list(), await empty.find('gold', 'a', 'b')]).toEqual([[], [], undefined]);
});

test('a table is found without case; of two that differ only in it, the exact one', async () => {
  await writeDelta('gold/SalesLT/Address', sql`SELECT 1 AS a`);
  await writeDelta('gold/SalesLT/Twin', sql`SELECT 1 AS a`);
  await writeDelta('gold/SalesLT/TWIN', sql`SELECT 1 AS a`);
  expect((await catalog.find('Gold', 'saleslt', 'ADDRESS'))?.address).toBe('gold/SalesLT/Address');
  expect((await catalog.find('gold', 'SalesLT', 'TWIN'))?.address).toBe('gold/SalesLT/TWIN');
  expect(await catalog.find('gold', 'SalesLT', 'twin')).toBeUndefined();
  expect(await catalog.find('gold', 'SalesLT/Address', '_delta_log')).toBeUndefined();
});

test('a name with a path in it finds nothing outside the lake', async () => {
  for (const name of ['../x', '..', 'a/../../b', '/etc/passwd']) expect(await catalog.find('gold', name, name)).toBeUndefined();
});

test('a description has columns, rows, bytes, files and version', async () => {
  await writeDelta('gold/SalesLT/T', sql`SELECT 1::INTEGER AS id, 'x' AS name FROM range(5)`);
  await writeDelta('gold/SalesLT/T', sql`SELECT 2::INTEGER AS id, 'y' AS name FROM range(2)`);
  const table = await catalog.find('gold', 'SalesLT', 'T');
  if (table === undefined) throw new Error('no table');
  expect(await catalog.describe(table)).toMatchObject({
    columns: [
      { name: 'id', type: 'integer', nullable: true },
      { name: 'name', type: 'string', nullable: true },
    ],
    rows: 7n,
    files: 2,
    version: 1,
    format: 'delta',
  });
});

test('a Parquet table is described from its files, and pattern characters in names are themselves', async () => {
  await writeParquet('bronze/SalesLT/A[1]/x*.parquet', sql`SELECT 1::BIGINT AS id FROM range(3)`);
  await writeParquet('bronze/SalesLT/A1/x.parquet', sql`SELECT 9::BIGINT AS id FROM range(9)`);
  const table = await catalog.find('bronze', 'SalesLT', 'a[1]');
  if (table === undefined) throw new Error('no table');
  expect(await catalog.describe(table)).toMatchObject({ columns: [{ name: 'id', type: 'BIGINT' }], rows: 3n, files: 1, format: 'parquet' });
  const { sql: relation } = await tableRelation(table, { engine });
  expect(await engine.withLease((lease) => lease.rows(sql`SELECT sum(id)::INTEGER AS s FROM (${relation}) AS t`))).toEqual([{ s: 3 }]);
});
