import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { fileDataset as file, type Json, openSmallFactory, type SmallFactory } from '../../../test/support/small-factory.ts';

let factory: SmallFactory;
beforeAll(async () => {
  factory = await openSmallFactory();
  await factory.execute(`
    CREATE TABLE dbo.many (n int NOT NULL, wide nvarchar(max))
    CREATE TABLE dbo.calls (s nvarchar(20), i int, d decimal(9,2), at datetime, flag bit, nothing nvarchar(5))
    GO
    WITH a AS (SELECT 1 AS x UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1)
    INSERT INTO dbo.many SELECT ROW_NUMBER() OVER (ORDER BY a.x), REPLICATE(N'x', 1000) FROM a CROSS JOIN a AS b CROSS JOIN a AS c CROSS JOIN a AS d
    GO
    CREATE PROCEDURE dbo.remember @s nvarchar(20), @i int, @d decimal(9,2), @at datetime, @flag bit, @nothing nvarchar(5) AS
      INSERT INTO dbo.calls VALUES (@s, @i, @d, @at, @flag, @nothing)
    GO
    CREATE PROCEDURE dbo.refuse AS THROW 50001, 'not today', 1`);
});
afterAll(async () => await factory[Symbol.asyncDispose]());

const shop = { type: 'SqlServerTable', service: 'shop', typeProperties: {} };
const lookup = async (query: string | Json, more: Json = {}, dataset: Json = shop) => {
  const source = typeof query === 'string' ? { type: 'SqlServerSource', sqlReaderQuery: query } : query;
  const typeProperties = { source, dataset: { referenceName: 'd', type: 'DatasetReference' }, ...more };
  return (await factory.perform({ type: 'Lookup', typeProperties }, { d: dataset })).activity;
};
const outputOf = async (...args: Parameters<typeof lookup>) => (await lookup(...args)).output as Json;

describe('Lookup', () => {
  test('gives the first row by default, and no firstRow where there is none', async () => {
    expect((await outputOf('SELECT n FROM dbo.many WHERE n < 4 ORDER BY n DESC'))['firstRow']).toEqual({ n: 3 });
    expect(await outputOf('SELECT n FROM dbo.many WHERE n < 0')).not.toHaveProperty('firstRow');
  });

  test('gives count and value with firstRowOnly false', async () => {
    expect(await outputOf('SELECT n FROM dbo.many WHERE n < 3 ORDER BY n', { firstRowOnly: false })).toMatchObject({
      count: 2,
      value: [{ n: 1 }, { n: 2 }],
    });
    expect(await outputOf('SELECT n FROM dbo.many WHERE n < 0', { firstRowOnly: false })).toMatchObject({ count: 0, value: [] });
  });

  test('gives at most 5,000 rows, and fails over 4 MB', async () => {
    const output = await outputOf('SELECT n FROM dbo.many', { firstRowOnly: false });
    expect([output['count'], (output['value'] as unknown[]).length]).toEqual([5000, 5000]);
    const wide = await lookup('SELECT * FROM dbo.many', { firstRowOnly: false });
    expect(wide).toMatchObject({ status: 'Failed', error: { errorCode: '2108', message: expect.stringContaining('4 MB') } });
    expect(await lookup('SELECT * FROM dbo.many', { firstRowOnly: true })).toMatchObject({ status: 'Succeeded' });
  });

  test('keeps the types of JSON: numbers, booleans, NULL, dates with Z, bytes as text', async () => {
    const query = `SELECT CAST(1 AS bit) AS flag, CAST(9007199254740993 AS bigint) AS big, CAST(1.50 AS decimal(9,2)) AS price,
      CAST('2024-01-31T12:30:15.123' AS datetime) AS at, CAST(NULL AS int) AS nothing, N'ä' AS text, CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier) AS id`;
    expect((await outputOf(query))['firstRow']).toMatchObject({
      flag: true,
      price: 1.5,
      at: '2024-01-31T12:30:15.123Z',
      nothing: null,
      text: 'ä',
      id: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
    });
  });

  test('of a linked service with parameters goes where a dataset says; what is missing and unknown is named', async () => {
    mkdirSync(join(factory.dir, 'out'), { recursive: true });
    writeFileSync(join(factory.dir, 'out/here.csv'), 'n\n7\n');
    const csv = file('DelimitedText', { fileName: 'here.csv' }, { firstRowAsHeader: true });
    const ask = async (serviceParameters: Json) =>
      await lookup(
        { type: 'DelimitedTextSource' },
        {},
        { ...csv, service: 'anyLake', serviceParameters, parameters: { who: { type: 'String', defaultValue: 'here' } } },
      );
    expect(await ask({ account: '@dataset().who' })).toMatchObject({ output: { firstRow: { n: '7' } } });
    const failed = (message: string) => ({ status: 'Failed', error: { message: expect.stringContaining(message) } });
    expect(await ask({ account: '@dataset().who', suffix: 'gone.example' })).toMatchObject(failed('here.gone.example'));
    expect(await ask({})).toMatchObject(failed("the parameter 'account' of the linked service 'anyLake' has no value"));
    expect(await ask({ account: 'here', acount: 'x' })).toMatchObject(failed("the linked service 'anyLake' has no parameter 'acount'"));
  });

  test('reads files, tables and stored procedures', async () => {
    mkdirSync(join(factory.dir, 'out'), { recursive: true });
    writeFileSync(join(factory.dir, 'out/list.csv'), 'name,n\na,1\nb,2\n');
    writeFileSync(join(factory.dir, 'out/list.json'), '[{"name": "a", "more": {"x": [1]}}, {"name": "b"}]');
    const csv = file('DelimitedText', { fileName: 'list.csv' }, { firstRowAsHeader: true });
    expect(await outputOf({ type: 'DelimitedTextSource' }, { firstRowOnly: false }, csv)).toMatchObject({
      count: 2,
      value: [
        { name: 'a', n: '1' },
        { name: 'b', n: '2' },
      ],
    });
    const json = await outputOf({ type: 'JsonSource' }, { firstRowOnly: true }, file('Json', { fileName: 'list.json' }));
    expect(json['firstRow']).toEqual({ name: 'a', more: { x: [1] } });
    const table = { ...shop, typeProperties: { schema: 'dbo', table: 'calls' } };
    expect(await outputOf({ type: 'SqlServerSource' }, { firstRowOnly: false }, table)).toMatchObject({ count: 0 });
    const procedure = { type: 'SqlServerSource', sqlReaderStoredProcedureName: 'dbo.refuse' };
    expect(await lookup(procedure)).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('not today') } });
  });

  test('of what is not there names it', async () => {
    expect(await lookup('SELECT * FROM dbo.gone')).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('gone') } });
    expect(await lookup({ type: 'JsonSource' }, {}, file('Json', { fileName: 'gone.json' }))).toMatchObject({
      error: { code: 'STORAGE_NOT_FOUND' },
    });
  });
});

describe('SqlServerStoredProcedure', () => {
  const call = async (typeProperties: Json) => {
    const linkedServiceName = { referenceName: 'shop', type: 'LinkedServiceReference' };
    return (await factory.perform({ type: 'SqlServerStoredProcedure', linkedServiceName, typeProperties }, {})).activity;
  };

  test('hands over typed parameters, NULL too', async () => {
    const storedProcedureParameters = {
      s: { value: "it's", type: 'String' },
      i: { value: '42', type: 'Int32' },
      d: { value: '-1.25', type: 'Decimal' },
      at: { value: { value: "@formatDateTime('2026-01-31T10:00:00Z', 'yyyy-MM-dd HH:mm:ss')", type: 'Expression' }, type: 'DateTime' },
      flag: { value: true, type: 'Boolean' },
      nothing: { value: null, type: 'String' },
    };
    const activity = await call({ storedProcedureName: '[dbo].[remember]', storedProcedureParameters });
    expect(activity).toMatchObject({ status: 'Succeeded', output: { effectiveIntegrationRuntime: 'lakestead' } });
    const stored = await outputOf('SELECT * FROM dbo.calls');
    expect(stored['firstRow']).toEqual({ s: "it's", i: 42, d: -1.25, at: '2026-01-31T10:00:00Z', flag: true, nothing: null });
  });

  test('fails with what the procedure threw, what is missing, and what is unknown', async () => {
    expect(await call({ storedProcedureName: 'dbo.refuse' })).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('not today') },
    });
    expect(await call({ storedProcedureName: 'dbo.remember' })).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('@s') },
    });
    expect(await call({ storedProcedureName: 'dbo.gone' })).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('gone') },
    });
  });
});

describe('notebooks', () => {
  const notebook = (name: string, code: string) => {
    const path = join(factory.dir, `${name}.ts`);
    writeFileSync(path, code);
    return path;
  };
  const linkedServiceName = { referenceName: 'lake', type: 'LinkedServiceReference' };
  const run = async (type: string, typeProperties: Json) =>
    (await factory.perform({ type, linkedServiceName, typeProperties }, {})).activity;

  test('of Databricks take baseParameters and give output.runOutput', async () => {
    const notebookPath = notebook('db', 'export default async ({ parameters, exit }) => exit({ got: parameters });');
    const activity = await run('DatabricksNotebook', {
      notebookPath,
      baseParameters: { table: 'a', n: { value: '@add(1, 2)', type: 'Expression' } },
    });
    expect(activity.output).toMatchObject({ runOutput: { got: { table: 'a', n: expect.anything() } } });
    const silent = await run('DatabricksNotebook', { notebookPath: notebook('silent', 'export default async () => {};') });
    expect(silent).toMatchObject({ status: 'Succeeded' });
    expect(silent.output).not.toHaveProperty('runOutput');
  });

  test('of Synapse take typed parameters and give output.status.Output.result.exitValue', async () => {
    const path = notebook(
      'synapse',
      'export default async ({ parameters }) => Object.entries(parameters).map(([k, v]) => `${k}:${typeof v}`).join();',
    );
    const parameters = {
      s: { value: 'x', type: 'string' },
      i: { value: '7', type: 'int' },
      f: { value: '1.5', type: 'float' },
      b: { value: 'true', type: 'bool' },
    };
    const activity = await run('SynapseNotebook', { notebook: { referenceName: path, type: 'NotebookReference' }, parameters });
    expect(activity.output).toMatchObject({ status: { Output: { result: { exitValue: 's:string,i:number,f:number,b:boolean' } } } });
    const wrong = await run('SynapseNotebook', {
      notebook: { referenceName: path, type: 'NotebookReference' },
      parameters: { i: { value: 'seven', type: 'int' } },
    });
    expect(wrong).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_INVALID', message: expect.stringContaining("'i'") } });
  });
});
