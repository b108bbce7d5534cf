import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { RunEvent } from '#factory';
import { literal, sql } from '#sql';

import { copy as copyBetween, fileDataset, type Json, openSmallFactory, type SmallFactory } from '../../../test/support/small-factory.ts';

let factory: SmallFactory;
beforeAll(async () => {
  factory = await openSmallFactory();
  await factory.execute(`
    CREATE SCHEMA sales
    GO
    CREATE TABLE sales.items (id int NOT NULL PRIMARY KEY, name nvarchar(40), price money, at datetime, photo varbinary(10), isNew bit)
    INSERT INTO sales.items VALUES
      (1, N'plain', 1.5, '2024-01-31T12:30:15.123', 0x00FF, 1),
      (2, N'comma, "quote"', -0.0001, NULL, NULL, 0),
      (3, NULL, NULL, '1999-12-31', 0x41, NULL),
      (4, N'zwei
Zeilen 😀', 12345678.9, '2024-02-29', NULL, 1)`);
});
afterAll(async () => await factory[Symbol.asyncDispose]());

const items = { type: 'SqlServerTable', service: 'shop', typeProperties: { schema: 'sales', table: 'items' } };
const file = fileDataset;
const copy = async (from: Json, to: Json, properties: Json = {}, onEvent?: (event: RunEvent) => void) =>
  await copyBetween(factory, from, to, properties, onEvent);

const out = (path: string) => join(factory.dir, 'out', path);
const text = (path: string) => readFileSync(out(path), 'utf8');

describe('Copy from SQL Server', () => {
  test('to Parquet: the types of the lake, the codec of the dataset, and what Data Factory says of it', async () => {
    const activity = await copy(items, file('Parquet', { folderPath: 'p', fileName: 'items.parquet' }, { compressionCodec: 'gzip' }));
    expect(activity).toMatchObject({ status: 'Succeeded' });
    expect(activity.output).toMatchObject({
      rowsRead: 4,
      rowsCopied: 4,
      filesWritten: 1,
      errors: [],
      usedParallelCopies: 1,
      sourcePeakConnections: 1,
      dataConsistencyVerification: { VerificationResult: 'NotVerified' },
      durationInQueue: { integrationRuntimeQueue: 0 },
      executionDetails: [
        {
          source: { type: 'SqlServer' },
          sink: { type: 'AzureBlobFS' },
          status: 'Succeeded',
          start: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
          duration: expect.any(Number),
          profile: {
            queue: { status: 'Completed', duration: 0 },
            transfer: {
              status: 'Completed',
              details: { readingFromSource: { type: 'SqlServer' }, writingToSink: { type: 'AzureBlobFS' } },
            },
          },
          detailedDurations: { queuingDuration: 0, transferDuration: expect.any(Number) },
        },
      ],
    });
    expect(activity.output).not.toHaveProperty('filesRead');
    const { dataRead, dataWritten, copyDuration, throughput } = activity.output as Record<string, number>;
    expect([dataRead, dataWritten, copyDuration].every((value) => Number(value) > 0)).toBe(true);
    expect(throughput).toBeGreaterThan(0);
    const path = literal(out('p/items.parquet'));
    expect(await factory.rows(sql`SELECT column_name AS n, column_type AS t FROM (DESCRIBE FROM read_parquet(${path}))`)).toEqual(
      Object.entries({ id: 'INTEGER', name: 'VARCHAR', price: 'DECIMAL(19,4)', at: 'TIMESTAMP', photo: 'BLOB', isNew: 'BOOLEAN' }).map(
        ([n, t]) => ({ n, t }),
      ),
    );
    expect(await factory.rows(sql`SELECT DISTINCT compression AS c FROM parquet_metadata(${path})`)).toEqual([{ c: 'GZIP' }]);
    expect(
      await factory.rows(sql`SELECT sum(price)::VARCHAR AS s, count(name) AS n, max("at")::VARCHAR AS m FROM read_parquet(${path})`),
    ).toEqual([{ s: '12345680.3999', n: 3n, m: '2024-02-29 00:00:00' }]);
  });

  test('to delimited text: header, delimiter, quotes, escapes, NULL, line ends', async () => {
    const options = { columnDelimiter: ';', quoteChar: '"', escapeChar: '"', firstRowAsHeader: true, nullValue: '\\N', rowDelimiter: '\n' };
    const query = 'SELECT id, name, price, isNew FROM sales.items WHERE id < 4 ORDER BY id';
    await copy(items, file('DelimitedText', { fileName: 'items.csv' }, options), { source: { sqlReaderQuery: query } });
    expect(text('items.csv')).toBe('id;name;price;isNew\n1;plain;1.5000;True\n2;"comma, ""quote""";-0.0001;False\n3;\\N;\\N;\\N\n');
  });

  test('to delimited text by the defaults: no header, commas, backslashes before quotes, \\r\\n, everything in quotes where asked', async () => {
    const query = 'SELECT id, name FROM sales.items WHERE id < 3 ORDER BY id';
    const to = file('DelimitedText', { fileName: 'default.csv' });
    await copy(items, to, { source: { sqlReaderQuery: query } });
    expect(text('default.csv')).toBe('1,plain\r\n2,"comma, \\"quote\\""\r\n');
    await copy(items, to, {
      source: { sqlReaderQuery: query },
      sink: { formatSettings: { type: 'DelimitedTextWriteSettings', quoteAllText: true, fileExtension: '.txt' } },
    });
    expect(text('default.csv')).toBe('"1","plain"\r\n"2","comma, \\"quote\\""\r\n');
  });

  test('to JSON: an object a line, or one array; compressed where the dataset says so', async () => {
    const query = 'SELECT id, name, price, photo, isNew FROM sales.items WHERE id IN (1, 3) ORDER BY id';
    await copy(items, file('Json', { fileName: 'lines.json' }), { source: { sqlReaderQuery: query } });
    const rows = [
      { id: 1, name: 'plain', price: 1.5, photo: 'AP8=', isNew: true },
      { id: 3, name: null, price: null, photo: 'QQ==', isNew: null },
    ];
    expect(
      text('lines.json')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(rows);
    await copy(items, file('Json', { fileName: 'array.json.gz' }, { compression: { type: 'gzip' } }), {
      source: { sqlReaderQuery: query },
      sink: { formatSettings: { type: 'JsonWriteSettings', filePattern: 'arrayOfObjects' } },
    });
    expect(JSON.parse(gunzipSync(readFileSync(out('array.json.gz'))).toString())).toEqual(rows);
  });

  test('dates and booleans in text are as Copy writes them, or as typeConversionSettings says', async () => {
    const source = { sqlReaderQuery: 'SELECT at, isNew FROM sales.items WHERE id = 1' };
    const csv = file('DelimitedText', { fileName: 'dates.csv' });
    await copy(items, csv, { source });
    expect(text('dates.csv')).toBe('2024-01-31 12:30:15.1230000,True\r\n');
    const typeConversionSettings = { dateTimeFormat: "dd/MM/yyyy 'at' HH:mm:ss.fff", treatBooleanAsNumber: true, culture: 'en-us' };
    await copy(items, csv, { source, translator: { type: 'TabularTranslator', typeConversion: true, typeConversionSettings } });
    expect(text('dates.csv')).toBe('31/01/2024 at 12:30:15.123,1\r\n');
    await copy(items, file('Json', { fileName: 'dates.json' }), { source });
    expect(JSON.parse(text('dates.json'))).toEqual({ at: '2024-01-31T12:30:15.123', isNew: true });
  });

  test('by a stored procedure with parameters', async () => {
    await factory.execute(
      'CREATE PROCEDURE sales.cheap @below money, @name nvarchar(40) = NULL AS SELECT id FROM sales.items WHERE price < @below ORDER BY id',
    );
    const source = {
      sqlReaderStoredProcedureName: '[sales].[cheap]',
      storedProcedureParameters: { below: { value: '2', type: 'Decimal' } },
    };
    const activity = await copy(items, file('DelimitedText', { fileName: 'cheap.csv' }), { source });
    expect(activity).toMatchObject({ status: 'Succeeded' });
    expect(text('cheap.csv')).toBe('1\r\n2\r\n');
  });

  test('a long Copy says how far it is while it runs', async () => {
    await factory.execute('CREATE TABLE sales.many (n bigint NOT NULL)');
    await factory.rows(sql`INSERT INTO shop.sales.many FROM range(12000000)`);
    const events: RunEvent[] = [];
    const source = { sqlReaderQuery: "SELECT n, CONCAT(n, ' ', n * 7, ' ', n * 11, ' ', n * 13, ' ', n * 17) AS text FROM sales.many" };
    await copy(items, file('Parquet', { fileName: 'many.parquet' }), { source }, (event) => events.push(event));
    const told = events.filter((event) => event.kind === 'activityProgress');
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]).toMatchObject({ name: 'a', totalRows: expect.any(Number), rowsPerSecond: expect.any(Number) });
    const rows = told.map((event) => event.rows);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  });

  test('to a folder: the file gets a name of its own', async () => {
    const activity = await copy(items, file('Parquet', { folderPath: 'unnamed' }));
    expect(activity.status).toBe('Succeeded');
    expect(readdirSync(out('unnamed'))).toEqual([expect.stringMatching(/^data_[\w-]+\.parquet$/)]);
  });

  test('to Delta by the types of Azure: appended or overwritten in one commit each', async () => {
    const delta = { type: 'AzureDatabricksDeltaLakeDataset', typeProperties: { database: 'silver', table: 'items' } };
    const sink = { type: 'AzureDatabricksDeltaLakeSink' };
    expect(await copy(items, delta, { sink })).toMatchObject({ status: 'Succeeded', output: { rowsCopied: 4 } });
    await copy(items, delta, { sink });
    expect(await factory.deltaRows('silver/items')).toHaveLength(8);
    const table = { type: 'LakehouseTable', typeProperties: { schema: 'dbo', table: 'items' } };
    const overwrite = { sink: { type: 'LakehouseTableSink', tableActionOption: 'Overwrite' } };
    await copy(items, table, overwrite);
    await copy(items, table, { ...overwrite, source: { sqlReaderQuery: 'SELECT id FROM sales.items WHERE id = 2' } });
    expect(await factory.deltaRows('Tables/dbo/items')).toEqual([{ id: 2 }]);
  });
});

describe('Copy from files', () => {
  const save = (path: string, content: string) => {
    mkdirSync(join(out(path), '..'), { recursive: true });
    writeFileSync(out(path), content);
  };
  const rowsOf = async (path: string) => await factory.rows(sql`FROM read_parquet(${literal(out(path))}) ORDER BY 1`);

  test('delimited text stays text, unless a mapping gives types; columns without a header are called by their place', async () => {
    save('in/a.csv', 'id,day\n007,2024-01-31\n8,\n');
    const to = file('Parquet', { fileName: 'a.parquet' });
    const activity = await copy(file('DelimitedText', { folderPath: 'in', fileName: 'a.csv' }, { firstRowAsHeader: true }), to);
    expect(activity.output).toMatchObject({ rowsCopied: 2, filesRead: 1, dataRead: 25 });
    expect(await rowsOf('a.parquet')).toEqual([
      { id: '007', day: '2024-01-31' },
      { id: '8', day: null },
    ]);
    const mappings = [
      { source: { ordinal: 1 }, sink: { name: 'number', type: 'Int32' } },
      { source: { name: 'Prop_1' }, sink: { name: 'day', type: 'String' } },
    ];
    await copy(file('DelimitedText', { folderPath: 'in', fileName: 'a.csv' }), to, {
      source: { formatSettings: { type: 'DelimitedTextReadSettings', skipLineCount: 1 } },
      translator: { type: 'TabularTranslator', mappings },
    });
    expect(await rowsOf('a.parquet')).toEqual([
      { number: 7, day: '2024-01-31' },
      { number: 8, day: null },
    ]);
  });

  test('a value that does not convert fails the Copy and leaves the file as it was', async () => {
    save('in/wrong.csv', 'x\n1\nnot a number\n');
    const before = readFileSync(out('a.parquet'));
    const mappings = [{ source: { name: 'x' }, sink: { name: 'x', type: 'Int32' } }];
    const from = file('DelimitedText', { folderPath: 'in', fileName: 'wrong.csv' }, { firstRowAsHeader: true });
    const activity = await copy(from, file('Parquet', { fileName: 'a.parquet' }), { translator: { type: 'TabularTranslator', mappings } });
    expect(activity).toMatchObject({ status: 'Failed', error: { code: 'SQL_TYPE' } });
    save('bytes/bytes.csv', 'x\n255\n256\n');
    for (const [name, type, status] of [['bytes.csv', 'Int16', 'Succeeded'], ['bytes.csv', 'Byte', 'Failed'], ['bytes.csv', 'SByte', 'Failed']] as const) {
      const bytes = file('DelimitedText', { folderPath: 'bytes', fileName: name }, { firstRowAsHeader: true });
      const translator = { type: 'TabularTranslator', mappings: [{ source: { name: 'x' }, sink: { name: 'x', type } }] };
      expect(await copy(bytes, file('Parquet', { fileName: 'bytes.parquet' }), { translator })).toMatchObject({ status });
    } // prettier-ignore
    const twice = { type: 'TabularTranslator', mappings: ['x', 'X'].map((name) => ({ source: { name: 'x' }, sink: { name } })) };
    expect(await copy(from, file('Parquet', { fileName: 'a.parquet' }), { translator: twice })).toMatchObject({
      error: { code: 'FACTORY_INVALID', message: "two columns are mapped to 'X'" },
    });
    for (const type of ['Decimals', 'constructor']) {
      const odd = { type: 'TabularTranslator', mappings: [{ source: { name: 'x' }, sink: { name: 'x', type } }] };
      const message = `the type ${type} of a mapping is not supported`;
      expect(await copy(from, file('Parquet', { fileName: 'a.parquet' }), { translator: odd })).toMatchObject({ error: { message } });
    }
    expect(readFileSync(out('a.parquet'))).toEqual(before);
    expect(readdirSync(out('.')).filter((name) => /partial|tmp/.test(name))).toEqual([]);
  });

  test('JSON by line and as an array, nested values kept; files by wildcard merged into one', async () => {
    save('in/json/1/x.json', '{"a": 1, "b": {"c": [1, 2]}, "day": "2024-01-31"}\n{"a": 2}\n');
    save('in/json/2/y.json', '[{"a": 3, "day": "x"}]');
    save('in/json/2/z.txt', 'no JSON');
    const storeSettings = { type: 'AzureBlobFSReadSettings', recursive: true, wildcardFileName: '*.json' };
    const activity = await copy(file('Json', { folderPath: 'in/json' }), file('Parquet', { fileName: 'merged.parquet' }), {
      source: { storeSettings },
    });
    expect(activity.output).toMatchObject({ rowsCopied: 3, filesRead: 2, filesWritten: 1 });
    const rows = await factory.rows(
      sql`SELECT a, to_json(b)::VARCHAR AS b, day FROM read_parquet(${literal(out('merged.parquet'))}) ORDER BY a`,
    );
    expect(rows).toEqual([
      { a: 1n, b: '{"c":[1,2]}', day: '2024-01-31' },
      { a: 2n, b: null, day: null },
      { a: 3n, b: null, day: 'x' },
    ]);
  });

  test('what is not supported is refused by name, and nothing is written', async () => {
    const to = file('Parquet', { fileName: 'refused.parquet' });
    const cases: readonly (readonly [Json, Json, Json, string])[] = [
      [items, to, { enableSkipIncompatibleRow: true }, 'enableSkipIncompatibleRow'],
      [items, to, { preserve: ['Attributes'] }, 'preserve'],
      [items, to, { source: { sqlReaderQueri: 'x' } }, 'sqlReaderQueri'],
      [items, to, { sink: { formatSettings: { maxRowsPerFil: 10 } } }, 'maxRowsPerFil'],
      [items, to, { translator: { type: 'TabularTranslator', collectionReference: '$.x' } }, 'collectionReference'],
      [items, file('DelimitedText', { fileName: 'refused.csv' }, { encodingName: 'UTF-16' }), {}, 'encodingName'],
      [items, file('Orc', { fileName: 'refused.orc' }), {}, 'OrcSink'],
    ];
    for (const [from, sink, properties, name] of cases) {
      const activity = await copy(from, sink, properties);
      expect(activity).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_UNSUPPORTED', message: expect.stringContaining(name) } });
    }
    expect(readdirSync(out('.')).filter((name) => name.startsWith('refused'))).toEqual([]);
  });
});

describe('GetMetadata', () => {
  const ask = async (dataset: Json, fieldList: readonly string[], more: Json = {}) =>
    (
      await factory.perform(
        { type: 'GetMetadata', typeProperties: { dataset: { referenceName: 'd', type: 'DatasetReference' }, fieldList, ...more } },
        { d: dataset },
      )
    ).activity;

  test('says of a folder what Data Factory says', async () => {
    const activity = await ask(file('Parquet', { folderPath: 'in' }), ['itemName', 'itemType', 'exists', 'childItems', 'lastModified']);
    expect(activity.output).toMatchObject({
      itemName: 'in',
      itemType: 'Folder',
      exists: true,
      childItems: [
        { name: 'a.csv', type: 'File' },
        { name: 'json', type: 'Folder' },
        { name: 'wrong.csv', type: 'File' },
      ],
    });
  });

  test('says of a file what Data Factory says', async () => {
    const dataset = file('DelimitedText', { folderPath: 'in', fileName: 'a.csv' }, { firstRowAsHeader: true });
    const fields = ['itemName', 'itemType', 'size', 'lastModified', 'columnCount', 'structure', 'exists', 'contentMD5'];
    const said = (await ask(dataset, fields)).output as Json;
    expect(said).toMatchObject({
      itemName: 'a.csv',
      itemType: 'File',
      size: 25,
      columnCount: 2,
      structure: [
        { name: 'id', type: 'String' },
        { name: 'day', type: 'String' },
      ],
      exists: true,
    });
    expect(said['lastModified']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(said['contentMD5']).toBe('GLnkgHoGhrqC38eiG/heSA==');
    const before = factory.reads.length;
    await ask(dataset, ['contentMD5']);
    expect(factory.reads.slice(before)).toEqual(['out/in/a.csv']);
  });

  test('says of a table its columns and whether it is there', async () => {
    expect((await ask(items, ['structure', 'columnCount', 'exists'])).output).toMatchObject({
      exists: true,
      columnCount: 6,
      structure: [
        { name: 'id', type: 'Int32' },
        { name: 'name', type: 'String' },
        { name: 'price', type: 'Decimal' },
        { name: 'at', type: 'DateTime' },
        { name: 'photo', type: 'Byte[]' },
        { name: 'isNew', type: 'Boolean' },
      ],
    });
    const gone = { ...items, typeProperties: { schema: 'sales', table: 'gone' } };
    expect((await ask(gone, ['exists'])).output).toMatchObject({ exists: false });
    expect(await ask(gone, ['structure'])).toMatchObject({ status: 'Failed' });
    expect(await ask(items, ['size'])).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('size') } });
  });

  test('of what is not there: an error, unless exists was asked', async () => {
    const nothing = file('Parquet', { folderPath: 'nowhere', fileName: 'x.parquet' });
    expect((await ask(nothing, ['exists', 'size'])).output).toEqual({ exists: false, effectiveIntegrationRuntime: 'lakestead' });
    expect(await ask(nothing, ['size'])).toMatchObject({ status: 'Failed', error: { code: 'STORAGE_NOT_FOUND' } });
    expect(await ask(nothing, ['colour'])).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_UNSUPPORTED' } });
  });
});
