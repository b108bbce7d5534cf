import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { sql } from '#sql';

import { copy, fileDataset as file, type Json, openSmallFactory, type SmallFactory } from '../../../test/support/small-factory.ts';

let factory: SmallFactory;
beforeAll(async () => {
  factory = await openSmallFactory();
  await factory.execute(`
    CREATE TABLE dbo.stock (id int NOT NULL PRIMARY KEY, name nvarchar(10), price money, at datetime)
    INSERT INTO dbo.stock VALUES (1, N'one', 1, '2026-01-01'), (2, N'two', 2, NULL)
    CREATE TABLE dbo.loose (a int, b nvarchar(5))`);
  mkdirSync(join(factory.dir, 'out'), { recursive: true });
  save('more.csv', 'id,name,price,at\n2,zwei,2.5,2026-02-03 04:05:06\n3,drei,3.25,\n');
});
afterAll(async () => await factory[Symbol.asyncDispose]());

const save = (name: string, content: string) => writeFileSync(join(factory.dir, 'out', name), content);
const csv = (fileName: string) => file('DelimitedText', { fileName }, { firstRowAsHeader: true });
const table = (name: string): Json => ({ type: 'SqlServerTable', service: 'shop', typeProperties: { schema: 'dbo', table: name } });
const into = async (from: Json, to: string, sink: Json = {}, more: Json = {}) =>
  await copy(factory, from, table(to), { sink: { type: 'SqlServerSink', ...sink }, ...more });
const stock = async () =>
  await factory.rows(sql`SELECT id, name, price::VARCHAR AS price, "at"::VARCHAR AS at FROM shop.dbo.stock ORDER BY id`);

test('a key that is there fails the insert, and none of its rows is in the table', async () => {
  const activity = await into(csv('more.csv'), 'stock');
  expect(activity).toMatchObject({ status: 'Failed' });
  expect((await stock()).map(({ id }) => id)).toEqual([1, 2]);
});

test("an upsert changes by the primary key or the keys of upsertSettings, with SQL Server's conversions", async () => {
  const activity = await into(csv('more.csv'), 'stock', { writeBehavior: 'upsert', upsertSettings: { useTempDB: true } });
  expect(activity).toMatchObject({ status: 'Succeeded', output: { rowsRead: 2, rowsCopied: 2, filesRead: 1 } });
  expect(activity.output).not.toHaveProperty('filesWritten');
  expect(await stock()).toEqual([
    { id: 1, name: 'one', price: '1.0000', at: '2026-01-01 00:00:00' },
    { id: 2, name: 'zwei', price: '2.5000', at: '2026-02-03 04:05:06' },
    { id: 3, name: 'drei', price: '3.2500', at: null },
  ]);
  save('loose.csv', 'a,b\n1,x\n');
  save('loose2.csv', 'a,b\n1,y\n2,z\n');
  await into(csv('loose.csv'), 'loose');
  await into(csv('loose2.csv'), 'loose', { writeBehavior: 'upsert', upsertSettings: { keys: ['A'] } });
  expect(await factory.rows(sql`SELECT a, b FROM shop.dbo.loose ORDER BY a`)).toEqual([
    { a: 1, b: 'y' },
    { a: 2, b: 'z' },
  ]);
  expect(await into(csv('loose.csv'), 'loose', { writeBehavior: 'upsert' })).toMatchObject({ error: { code: 'FACTORY_INVALID' } });
  save('twice.csv', 'a,b\n7,x\n7,y\n');
  const twice = await into(csv('twice.csv'), 'loose', { writeBehavior: 'upsert', upsertSettings: { keys: ['a'] } });
  expect(twice).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('more than once') } });
});

test('preCopyScript runs before, and is undone when the rows do not come', async () => {
  save('wrong.csv', 'id,name\nseven,x\n');
  const failed = await into(csv('wrong.csv'), 'stock', { preCopyScript: 'DELETE FROM dbo.stock' });
  expect(failed).toMatchObject({ status: 'Failed' });
  expect(await stock()).toHaveLength(3);
  save('long.csv', 'id,name\n9,longer than ten characters\n');
  expect(await into(csv('long.csv'), 'stock')).toMatchObject({
    status: 'Failed',
    error: { message: expect.stringContaining('truncated') },
  });
  await into(csv('loose.csv'), 'loose', { preCopyScript: 'TRUNCATE TABLE dbo.loose' });
  expect(await factory.rows(sql`SELECT a, b FROM shop.dbo.loose`)).toEqual([{ a: 1, b: 'x' }]);
});

test('tableOption autoCreate makes the table with types, once', async () => {
  const mappings = [
    { source: { name: 'id' }, sink: { name: 'id', type: 'Int32' } },
    { source: { name: 'name' }, sink: { name: 'name' } },
  ];
  const translator = { type: 'TabularTranslator', mappings };
  expect(await into(csv('more.csv'), 'made')).toMatchObject({ status: 'Failed' });
  for (let turn = 0; turn < 2; turn += 1)
    expect((await into(csv('more.csv'), 'made', { tableOption: 'autoCreate' }, { translator })).error).toBeUndefined();
  expect(await factory.rows(sql`SELECT count(*)::INT AS n, sum(id)::INT AS s FROM shop.dbo.made`)).toEqual([{ n: 4, s: 10 }]);
  const { activity } = await factory.perform(
    { type: 'GetMetadata', typeProperties: { dataset: { referenceName: 'd', type: 'DatasetReference' }, fieldList: ['structure'] } },
    { d: table('made') },
  );
  expect(activity.output).toMatchObject({
    structure: [
      { name: 'id', type: 'Int32' },
      { name: 'name', type: 'String' },
    ],
  });
});

test('a table is copied into another of the same server; what is not supported is refused by name', async () => {
  await factory.execute('CREATE TABLE dbo.copied (id int, name nvarchar(10), price money, at datetime)');
  expect(await into(table('stock'), 'copied')).toMatchObject({ status: 'Succeeded', output: { rowsCopied: 3 } });
  for (const sink of [{ sqlWriterStoredProcedureName: 'dbo.p' }, { writeBehavior: 'merge' }, { tableOption: 'replace' }])
    expect(await into(table('stock'), 'copied', sink)).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_UNSUPPORTED' } });
});
