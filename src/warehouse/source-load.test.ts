import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Engine, openDuckdbEngine } from '#engine';
import { sql } from '#sql';
import { type EmbeddedDatabase, loadSource, openEmbeddedDatabase } from '#warehouse';

import { findSharedData } from '../../test/support/shared-data.ts';

let dir: string;
let engine: Engine;
let database: EmbeddedDatabase;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lakestead-load-'));
  engine = await openDuckdbEngine({ threads: 2 });
  database = await openEmbeddedDatabase({ engine, file: join(dir, 'shop.duckdb'), name: 'shop' });
});
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

async function load(csv: string, columns: readonly object[]): Promise<unknown> {
  writeFileSync(join(dir, 'dbo.t.csv'), `\uFEFF${csv}`);
  writeFileSync(join(dir, 'columns.json'), JSON.stringify({ t: { primaryKey: [], columns } }));
  return await loadSource({ engine, database, folder: dir, columnsFile: join(dir, 'columns.json') });
}

test('every kind of value is stored in its form, and an absent column is computed', async () => {
  const columns = [
    { name: 'a', type: 'int', nullable: false },
    { name: 'n', type: 'nchar(3)' },
    { name: 'b', type: 'varbinary(4)' },
    { name: 'u', type: 'uniqueidentifier' },
    { name: 'd', type: 'datetime' },
    { name: 'm', type: 'money' },
    { name: 'c', type: 'nvarchar(10)', computed: "N'x' + CONVERT(nvarchar(9), a)" },
  ];
  const id = '43dd68d6-14a4-461f-9069-55309d90ea7e';
  expect(await load(`a,n,b,u,d,m\n7,😀,0x00fF,${id},2001-01-01 00:00:00.005,1.5\n8,"NULL",NULL,NULL,NULL,NULL\n`, columns.map((one, index) => (index === 1 ? { ...one, type: 'nchar(4)' } : one)))).toEqual([{ schema: 'dbo', table: 't', rows: 2 }]); // prettier-ignore
  const rows = await engine.withLease((lease) =>
    lease.rows(sql`SELECT a, n, hex(b) AS b, u, CAST(d AS VARCHAR) AS d, CAST(m AS VARCHAR) AS m, c FROM shop.dbo.t ORDER BY a`),
  );
  expect(rows).toEqual([
    { a: 7, n: '😀  ', b: '00FF', u: id.toUpperCase(), d: '2001-01-01 00:00:00.007', m: '1.5000', c: 'x7' },
    { a: 8, n: 'NULL', b: null, u: null, d: null, m: null, c: 'x8' },
  ]);
});

test('what does not fit is refused with file and column, and the table stays as it was', async () => {
  const int = { name: 'a', type: 'int', nullable: false };
  await load('a\n1\n', [int]);
  const cases: readonly [csv: string, columns: readonly object[], error: RegExp][] = [
    ['a\nx1\n', [int], /dbo\.t\.csv: column a: x1 is no int/],
    ['a\nNULL\n', [int], /column a: NULL/],
    ['a\n1234\n', [{ name: 'a', type: 'nvarchar(3)' }], /column a: 1234 is no nvarchar\(3\)/],
    ['a\n0xf\n', [{ name: 'a', type: 'varbinary(3)' }], /is no varbinary/],
    ['a\n1700-01-01 00:00:00.000\n', [{ name: 'a', type: 'datetime' }], /is no datetime/],
    ['a,z\n1,2\n', [int], /does not have the column z/],
    ['a\n1\n', [int, { name: 'z', type: 'int' }], /does not have the column z/],
  ];
  for (const [csv, columns, error] of cases) await expect(load(csv, columns)).rejects.toThrow(error);
  expect(await engine.withLease((lease) => lease.rows(sql`SELECT * FROM shop.dbo.t`))).toEqual([{ a: 1 }]);
});

// The sample database of SQL Server itself, where a folder has it.
const samples = findSharedData('saleslt');
test.runIf(samples !== undefined)('AdventureWorksLT comes with all its rows and check sums', async () => {
  const folder = samples ?? '';
  const loaded = await loadSource({ engine, database, folder, columnsFile: join(folder, 'columns.json') });
  expect(Object.fromEntries(loaded.map(({ table, rows }) => [table, rows]))).toEqual({
    Address: 450, Customer: 847, CustomerAddress: 417, Product: 295, ProductCategory: 41, ProductDescription: 762,
    ProductModel: 128, ProductModelProductDescription: 762, SalesOrderDetail: 542, SalesOrderHeader: 32,
  }); // prettier-ignore
  const [sums] = await engine.withLease((lease) =>
    lease.rows(sql`SELECT (SELECT CAST(sum(LineTotal) AS VARCHAR) FROM shop.SalesLT.SalesOrderDetail) AS lines,
      (SELECT CAST(sum(OrderQty) AS VARCHAR) FROM shop.SalesLT.SalesOrderDetail) AS quantity,
      (SELECT CAST(sum(SubTotal) AS VARCHAR) FROM shop.SalesLT.SalesOrderHeader) AS subTotals,
      (SELECT CAST(sum(TotalDue) AS VARCHAR) FROM shop.SalesLT.SalesOrderHeader) AS due,
      (SELECT min(SalesOrderNumber) FROM shop.SalesLT.SalesOrderHeader) AS number,
      (SELECT string_agg(DISTINCT length(Culture), ',') FROM shop.SalesLT.ProductModelProductDescription) AS cultures`),
  );
  expect(sums).toEqual({ lines: '708690.153058', quantity: '2087', subTotals: '865433.1171', due: '956303.5949', number: 'SO71774', cultures: '6' }); // prettier-ignore
});
