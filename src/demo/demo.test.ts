import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { createProject, generateDemo, type GeneratedTable } from '#demo';
import { type Lease, openDuckdbEngine } from '#engine';
import { ident, sql } from '#sql';
import { formatType } from '#tsql';
import { type DatabaseDescription, openEmbeddedDatabase } from '#warehouse';

import { findSharedData } from '../../test/support/shared-data.ts';

const dir = mkdtempSync(join(tmpdir(), 'lakestead-demo-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
let made = 0;

type Demo = { readonly tables: readonly GeneratedTable[]; readonly lease: Lease; readonly description: DatabaseDescription };

async function withDemo<T>(options: { threads: number; scale: number; seed?: number }, work: (demo: Demo) => Promise<T>): Promise<T> {
  made += 1;
  await using engine = await openDuckdbEngine({ threads: options.threads, memoryLimit: '512MB' });
  await using database = await openEmbeddedDatabase({ engine, file: join(dir, `${made}.duckdb`), name: 'shop' });
  const tables = await generateDemo({ engine, database, scale: options.scale, seed: options.seed ?? 1 });
  return await engine.withLease(async (lease) => await work({ tables, lease, description: await database.describe({ lease }) }));
}

async function fingerprint({ tables, lease }: Demo): Promise<string[]> {
  const sums: string[] = [];
  for (const { table } of tables) {
    const [row] = await lease.rows(sql`SELECT CAST(bit_xor(hash(t)) AS VARCHAR) AS h FROM ${ident('shop', 'SalesLT', table)} AS t`);
    sums.push(`${table} ${String(row?.['h'])}`);
  }
  return sums;
}

test('scale 1 has the row counts of AdventureWorksLT, and its columns, types and keys', async () => {
  await withDemo({ threads: 1, scale: 1 }, async ({ tables, description }) => {
    expect(Object.fromEntries(tables.map(({ table, rows }) => [table, rows]))).toEqual({
      Address: 450, Customer: 847, CustomerAddress: 417, Product: 295, ProductCategory: 41, ProductDescription: 762,
      ProductModel: 128, ProductModelProductDescription: 762, SalesOrderDetail: 542, SalesOrderHeader: 32,
    }); // prettier-ignore
    const folder = findSharedData('saleslt');
    if (folder === undefined) return;
    const expected = JSON.parse(readFileSync(join(folder, 'columns.json'), 'utf8'));
    for (const { name, columns, primaryKey } of description.tables) {
      expect(primaryKey).toEqual(expected[name].primaryKey);
      const flat = columns.map((column) => ({
        name: column.name,
        type: formatType(column.type).replace('decimal(38', 'numeric(38'),
        nullable: column.nullable,
        ...(column.identity === undefined ? {} : { identity: true }),
        ...(column.computed === undefined ? {} : { computed: column.computed }),
      }));
      expect(flat).toEqual(expected[name].columns);
    }
  });
});

test('keys are unique, references lead somewhere, and sums and dates agree', async () => {
  await withDemo({ threads: 2, scale: 20 }, async ({ lease, description }) => {
    await lease.run(sql`USE shop."SalesLT"`);
    const wrong = await lease.rows(sql`
      SELECT 'customer' AS what FROM SalesOrderHeader h ANTI JOIN Customer c USING (CustomerID)
      UNION ALL SELECT 'address' FROM SalesOrderHeader h ANTI JOIN CustomerAddress a ON a.AddressID = h.ShipToAddressID AND a.CustomerID = h.CustomerID
      UNION ALL SELECT 'link customer' FROM CustomerAddress ANTI JOIN Customer USING (CustomerID)
      UNION ALL SELECT 'link address' FROM CustomerAddress ANTI JOIN Address USING (AddressID)
      UNION ALL SELECT 'product' FROM SalesOrderDetail ANTI JOIN Product USING (ProductID)
      UNION ALL SELECT 'order' FROM SalesOrderDetail ANTI JOIN SalesOrderHeader USING (SalesOrderID)
      UNION ALL SELECT 'category' FROM Product ANTI JOIN ProductCategory USING (ProductCategoryID)
      UNION ALL SELECT 'parent' FROM ProductCategory c ANTI JOIN ProductCategory p ON p.ProductCategoryID = c.ParentProductCategoryID WHERE c.ParentProductCategoryID IS NOT NULL
      UNION ALL SELECT 'model' FROM Product ANTI JOIN ProductModel USING (ProductModelID)
      UNION ALL SELECT 'model text' FROM ProductModelProductDescription ANTI JOIN ProductModel USING (ProductModelID)
      UNION ALL SELECT 'text' FROM ProductModelProductDescription ANTI JOIN ProductDescription USING (ProductDescriptionID)
      UNION ALL SELECT 'line' FROM SalesOrderDetail WHERE LineTotal <> CAST(UnitPrice * (100 - CAST(UnitPriceDiscount * 100 AS INTEGER)) * OrderQty AS DECIMAL(28,4)) * 0.01
      UNION ALL SELECT 'total' FROM SalesOrderHeader h JOIN (SELECT SalesOrderID, sum(LineTotal) AS s FROM SalesOrderDetail GROUP BY 1) USING (SalesOrderID)
        WHERE SubTotal <> s OR TotalDue <> SubTotal + TaxAmt + Freight OR ShipDate <= OrderDate`);
    expect(wrong).toEqual([]);
    for (const { name, primaryKey } of description.tables) {
      const key = primaryKey.map((column) => ident(column)).reduce((all, column) => sql`${all}, ${column}`);
      expect(await lease.rows(sql`SELECT ${key} FROM ${ident(name)} GROUP BY ALL HAVING count(*) > 1`)).toEqual([]);
    }
    const [facts] = await lease.rows(sql`SELECT
      (SELECT count(*) FILTER (CompanyName LIKE '%🚲%') > 0 FROM Customer) AS beyond,
      (SELECT count(*) FILTER (LastName LIKE '%''%') > 0 FROM Customer) AS quotes,
      (SELECT min(ModifiedDate) = TIMESTAMP '1753-01-01' FROM Customer) AS earliest,
      (SELECT max(SellEndDate) = TIMESTAMP '9999-12-31 23:59:59.997' FROM Product) AS latest,
      (SELECT bool_and(length(Culture) = 6) FROM ProductModelProductDescription) AS padded,
      (SELECT max(length(Comment)) > 4000 FROM SalesOrderHeader) AS long,
      (SELECT bool_or(UnitPrice * 100 <> floor(UnitPrice * 100)) FROM SalesOrderDetail) AS fourDecimals,
      (SELECT max(octet_length(ThumbNailPhoto)) > 1000 FROM Product) AS photos`);
    expect(new Set(Object.values(facts ?? {}))).toEqual(new Set([true]));
  });
});

test('the same seed gives the same content with any number of threads, and another seed other content', async () => {
  const one = await withDemo({ threads: 1, scale: 300 }, fingerprint);
  const two = await withDemo({ threads: 2, scale: 300 }, fingerprint);
  const other = await withDemo({ threads: 2, scale: 300, seed: 2 }, fingerprint);
  expect(two).toEqual(one);
  expect(other.every((sum) => !one.includes(sum))).toBe(true);
});

test.runIf(process.env['VERIFY'] === '1')('scale 10,000 is made within 512 MB', { timeout: 300_000 }, async () => {
  await withDemo({ threads: 2, scale: 10_000 }, async ({ tables }) => {
    expect(tables.find(({ table }) => table === 'SalesOrderDetail')?.rows).toBe(5_420_000);
    await Promise.resolve();
  });
});

test('a project is made once into a folder, from the example or empty', async () => {
  const project = join(dir, 'demo');
  await createProject({ dir: project, template: 'adventureworks' });
  expect(existsSync(join(project, 'factory/adf/pipeline/copy_all_tables.json'))).toBe(true);
  expect(existsSync(join(project, '.lakestead/state.db'))).toBe(false);
  await expect(createProject({ dir: project, template: 'empty' })).rejects.toMatchObject({ code: 'USAGE' });
  for (const folder of [project, join(dir, 'Leer & neu')]) {
    if (folder !== project) await createProject({ dir: folder, template: 'empty' });
    const [, schema = ''] = /^# yaml-language-server: \$schema=(.*)$/m.exec(readFileSync(join(folder, 'lakestead.yaml'), 'utf8')) ?? [];
    expect(JSON.parse(readFileSync(join(folder, schema), 'utf8'))).toMatchObject({ title: 'lakestead.yaml' });
  }
  expect(readFileSync(join(dir, 'Leer & neu/lakestead.yaml'), 'utf8')).toContain('name: "leer-neu"');
});
