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
  expect(await load(`a,n,b,u,d,m\n7,😀,0x00fF,${id},2001-01-01 00:00:00.007,1.5\n8,"NULL",NULL,NULL,NULL,NULL\n`, columns.map((one, index) => (index === 1 ? { ...one, type: 'nchar(4)' } : one)))).toEqual([{ schema: 'dbo', table: 't', rows: 2 }]); // prettier-ignore
  const rows = await engine.withLease((lease) =>
    lease.rows(sql`SELECT a, n, hex(b) AS b, u, CAST(d AS VARCHAR) AS d, CAST(m AS VARCHAR) AS m, c FROM shop.dbo.t ORDER BY a`),
  );
  expect(rows).toEqual([
    { a: 7, n: '😀  ', b: '00FF', u: id.toUpperCase(), d: '2001-01-01 00:00:00.007', m: '1.5000', c: 'x7' },
    { a: 8, n: 'NULL', b: null, u: null, d: null, m: null, c: 'x8' },
  ]);
});

const int = { name: 'a', type: 'int', nullable: false };
const column = (type: string) => [{ name: 'a', type }];

test('what does not fit is refused with file, table, column and line, and the table stays as it was', async () => {
  await load('a\n1\n', [int]);
  const cases: readonly [csv: string, columns: readonly object[], error: RegExp][] = [
    ['a\n1\nx1\n', [int], /^dbo\.t, column a, line 3 of .*dbo\.t\.csv: 'x1' is no int$/],
    ['a\nNULL\n', [int], /column a, line 2 of .*: NULL in a column that takes none/],
    ['a\n1\nNULL\n', [int], /line 3/],
    ['b,a\n"x\ny\n""z",1\n,2\n"",3.5\n', [int, { name: 'b', type: 'nvarchar(9)' }], /column a, line 6 of .*: '3\.5' is no int/],
    ['a,z\n1,2\n', [int], /does not have the column z/],
    ['a\n1\n', [int, { name: 'z', type: 'int' }], /does not have the column z/],
    ['a\n1\n"2\n3\n', [int], /quote that opens on line 3 is never closed/],
    ['a,b\n1,2,3\n', [int, { name: 'b', type: 'int' }], /Line: 2/],
    ['a,a\n1,2\n', [int], /the column a twice/],
    ['', [int], /does not have the column a/],
  ];
  for (const [csv, columns, error] of cases) await expect(load(csv, columns)).rejects.toThrow(error);
  expect(await engine.withLease((lease) => lease.rows(sql`SELECT * FROM shop.dbo.t`))).toEqual([{ a: 1 }]);
});

test('the error is for programs too: a code, the place, the facts', async () => {
  const error = await load('a\n1\n1.5\n', [int]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'SQL_TYPE',
    place: { file: join(dir, 'dbo.t.csv'), line: 3 },
    data: { table: 'dbo.t', column: 'a', line: 3 },
  });
});

// By type: what SQL Server would have to round, cut, shift or guess, and what it holds exactly.
test.each<[type: string, refused: readonly string[], taken: readonly string[]]>([
  ['int', ['1.5', '1.0', '1e3', '0x1f', '1_000', '2147483648', '""', 'true'], ['-2147483648', '+5', '007']],
  ['tinyint', ['-1', '256'], ['255']],
  ['bigint', ['9223372036854775808'], ['9223372036854775807']],
  ['bit', ['yes', 't', '2', 'on', 'no'], ['0', '1', 'True', 'false']],
  ['money', ['1.00005', '922337203685477580800', '$1', '1e2', '.'], ['1.00010000', '-.5', '922337203685477.5807']],
  ['decimal(5,2)', ['1.005', '1000', '9e1', 'nan'], ['999.99', '1.5000', '.5', '5.']],
  ['decimal(38,0)', ['0.5'], ['99999999999999999999999999999999999999', '7.0']],
  ['float', ['nan', 'inf', '1e400', '1,5', 'x'], ['1e308', '.5', '-0.25']],
  ['real', ['1e39'], ['1.5']],
  [
    'date',
    ['2001-02-30', '2001-1-1', '01/02/2001', '2001-01-01 10:00', 'infinity', '0000-01-01', '2001-01-01 (BC)'],
    ['9999-12-31', '2001-01-01 00:00:00.000'],
  ],
  ['time(3)', ['24:00', '10:20:30.1234', '10'], ['23:59:59.999', '10:20']],
  ['time(7)', ['25:00:00', 'noon'], ['10:20:30.1234567']],
  [
    'datetime',
    ['1700-01-01 00:00:00.000', '2001-01-01 00:00:00.005', '2001-01-01 24:00', '2001-01-01 10:00+02:00', '2001-02-29 00:00'],
    ['2001-01-01 23:59:59.997', '2001-01-01'],
  ],
  ['smalldatetime', ['2001-01-01 10:00:30', '2080-01-01 00:00'], ['2001-01-01 10:00']],
  ['datetime2(3)', ['2001-01-01 00:00:00.1234'], ['0001-01-01 00:00:00.123', '9999-12-31T23:59:59.999Z']],
  ['datetime2(7)', ['2001-01-01 00:00:00.1234567'], ['2001-01-01 00:00:00.1234560']],
  [
    'datetimeoffset(7)',
    ['2001-01-01 00:00:00', '2001-02-30 00:00:00 +00:00', '2001-01-01 00:00:00 +15:00'],
    ['2001-01-01 00:00:00.1234567 +05:30'],
  ],
  ['nvarchar(3)', ['1234', '😀😀'], ['123', '😀x', 'äöü', '""']],
  ['varbinary(2)', ['0xf', '0x010203', 'ff'], ['0xFFff', '0x']],
  ['uniqueidentifier', ['43dd68d6'], ['43dd68d6-14a4-461f-9069-55309d90ea7e']],
])('%s refuses what it would have to round or guess', async (type, refused, taken) => {
  // prettier-ignore
  for (const value of refused) {
    const shown = value === '""' ? '' : value.slice(0, 100);
    await expect(load(`a\n"${value.replaceAll('"', '')}"\n`, column(type))).rejects.toThrow(`'${shown}' is no ${type}`);
  }
  expect(await load(`a\n${taken.map((value) => `"${value.replaceAll('"', '')}"\n`).join('')}`, column(type))).toMatchObject([
    { rows: taken.length },
  ]);
});

test('a key that is there twice is refused with both lines', async () => {
  writeFileSync(join(dir, 'dbo.t.csv'), 'a,b\n1,x\n1,y\n2,z\n1,y\n');
  const columns = [int, { name: 'b', type: 'nvarchar(5)', nullable: false }];
  const loadKeyed = async (primaryKey: readonly string[]) => {
    writeFileSync(join(dir, 'columns.json'), JSON.stringify({ t: { primaryKey, columns } }));
    return await loadSource({ engine, database, folder: dir, columnsFile: join(dir, 'columns.json') });
  };
  await expect(loadKeyed(['a', 'b'])).rejects.toThrow(/^dbo\.t, column a, b, line 5 of .*: the key \(1, y\) is on line 3 already$/);
  await expect(loadKeyed(['a'])).rejects.toThrow(/line 3 of .*: the key \(1\) is on line 2 already$/);
});

test('a row that starts with # is a row', async () => {
  expect(await load('a\n#1\n#2\n', column('nvarchar(5)'))).toMatchObject([{ rows: 2 }]);
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
