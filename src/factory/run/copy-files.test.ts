import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { literal, sql } from '#sql';

import { copy, fileDataset as file, type Json, openSmallFactory, type SmallFactory } from '../../../test/support/small-factory.ts';

let factory: SmallFactory;
beforeAll(async () => {
  factory = await openSmallFactory();
  await factory.execute('CREATE TABLE dbo.numbers (n int NOT NULL, parity nvarchar(4))');
  await factory.rows(sql`INSERT INTO shop.dbo.numbers SELECT n, if(n % 2 = 0, 'even', 'odd') FROM range(10) AS r(n)`);
  save('tree/a.csv', 'x,y\n1,one\n');
  save('tree/b.csv', 'x,y\n2,two\n');
  save('tree/sub/c.csv', 'y,x\nthree,3\n');
});
afterAll(async () => await factory[Symbol.asyncDispose]());

const numbers = { type: 'SqlServerTable', service: 'shop', typeProperties: { schema: 'dbo', table: 'numbers' } };
const csv = (location: Json) => file('DelimitedText', location, { firstRowAsHeader: true });
const out = (path: string) => join(factory.dir, 'out', path);
const text = (path: string) => readFileSync(out(path), 'utf8');
const names = (path: string) => readdirSync(out(path), { recursive: true, withFileTypes: true }).filter((one) => one.isFile()).map(({ name, parentPath }) => join(parentPath, name).slice(out(path).length + 1)).toSorted(); // prettier-ignore
const rowsOf = async (path: string) => await factory.rows(sql`FROM read_parquet(${literal(out(path))}) ORDER BY 1`);

function save(path: string, content: string | Buffer): void {
  mkdirSync(join(out(path), '..'), { recursive: true });
  writeFileSync(out(path), content);
}

describe('several files', () => {
  test('keep their places by default, with the extension of what they become', async () => {
    const activity = await copy(factory, csv({ folderPath: 'tree' }), file('Parquet', { folderPath: 'preserved' }));
    expect(activity.output).toMatchObject({ filesRead: 3, filesWritten: 3, rowsCopied: 3 });
    expect(names('preserved')).toEqual(['a.parquet', 'b.parquet', 'sub/c.parquet']);
    expect(await rowsOf('preserved/sub/c.parquet')).toEqual([{ y: 'three', x: '3' }]);
  });

  test('stay in their folder when recursive is false', async () => {
    const source = { storeSettings: { type: 'AzureBlobFSReadSettings', recursive: false } };
    await copy(factory, csv({ folderPath: 'tree' }), file('Parquet', { folderPath: 'flat-source' }), { source });
    expect(names('flat-source')).toEqual(['a.parquet', 'b.parquet']);
  });

  test('get names of their own in one folder by FlattenHierarchy, and become one by MergeFiles', async () => {
    const by = (copyBehavior: string) => ({ sink: { storeSettings: { type: 'AzureBlobFSWriteSettings', copyBehavior } } });
    await copy(factory, csv({ folderPath: 'tree' }), file('Parquet', { folderPath: 'flattened' }), by('FlattenHierarchy'));
    expect(names('flattened')).toEqual(Array.from({ length: 3 }, () => expect.stringMatching(/^data_[\w-]+\.parquet$/)));
    const recursive = { source: { storeSettings: { type: 'AzureBlobFSReadSettings', recursive: false } } };
    const merged = await copy(factory, csv({ folderPath: 'tree' }), file('Parquet', { folderPath: 'merged' }), {
      ...by('MergeFiles'),
      ...recursive,
    });
    expect(merged.output).toMatchObject({ filesRead: 2, filesWritten: 1, rowsCopied: 2 });
    expect(await rowsOf(`merged/${names('merged')[0]}`)).toEqual([
      { x: '1', y: 'one' },
      { x: '2', y: 'two' },
    ]);
  });

  test('that would get one name are refused, and nothing is written', async () => {
    save('clash/a.csv', 'x\n1\n');
    save('clash/a.txt', 'x\n2\n');
    const activity = await copy(factory, csv({ folderPath: 'clash' }), file('Parquet', { folderPath: 'clashed' }));
    expect(activity).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_INVALID' } });
    expect(existsSync(out('clashed'))).toBe(false);
  });

  test('one of which is broken leave none of the others at the sink', async () => {
    save('broken/a.csv', 'x\n1\n');
    save('broken/b.csv', 'x\nno number\n');
    const mappings = [{ source: { name: 'x' }, sink: { name: 'x', type: 'Int32' } }];
    const activity = await copy(factory, csv({ folderPath: 'broken' }), file('Parquet', { folderPath: 'unbroken' }), {
      translator: { type: 'TabularTranslator', mappings },
    });
    expect(activity).toMatchObject({ status: 'Failed', error: { code: 'SQL_TYPE' } });
    expect(existsSync(out('unbroken')) ? names('unbroken') : []).toEqual([]);
  });

  test('are found below a wildcard folder though the dataset has a folder of its own, and by patterns that go back', async () => {
    save('wild/in/aab.csv', 'x\n1\n');
    save(`wild/in/${'a'.repeat(120)}.csv`, 'x\n2\n');
    const found = async (settings: Json) => {
      const storeSettings = { type: 'AzureBlobFSReadSettings', wildcardFolderPath: 'wild/?n', ...settings };
      const to = file('Parquet', { fileName: 'wild.parquet' });
      const { output } = await copy(factory, csv({ folderPath: 'wild//in/' }), to, { source: { storeSettings } });
      return (output as Json | undefined)?.['filesRead'];
    };
    expect(await found({ wildcardFileName: '*a*b.c?v' })).toBe(1);
    expect(await found({ wildcardFileName: '*' })).toBe(2);
    expect(await found({ wildcardFileName: '^**' })).toBeUndefined();
    // Thirty stars and no match: with every way of going back it would not end.
    expect(await found({ wildcardFileName: `${'*a'.repeat(30)}!` })).toBeUndefined();
  });

  test('are chosen by when they were changed: from the start, before the end', async () => {
    for (const [name, day] of [['old.csv', 1], ['new.csv', 2], ['newer.csv', 3]] as const) {
      save(`dated/${name}`, 'x\n1\n');
      utimesSync(out(`dated/${name}`), new Date(Date.UTC(2026, 0, day)), new Date(Date.UTC(2026, 0, day)));
    } // prettier-ignore
    const storeSettings = {
      type: 'AzureBlobFSReadSettings',
      modifiedDatetimeStart: '2026-01-02T00:00:00Z',
      modifiedDatetimeEnd: '01/03/2026 12:00:00 AM', // UTC, wherever the machine is
    };
    await copy(factory, csv({ folderPath: 'dated' }), file('Parquet', { folderPath: 'dated-copy' }), { source: { storeSettings } });
    expect(names('dated-copy')).toEqual(['new.parquet']);
    const dataset = { referenceName: 'd', type: 'DatasetReference' };
    const ask = { type: 'GetMetadata', typeProperties: { dataset, fieldList: ['childItems'], storeSettings } };
    const { activity } = await factory.perform(ask, { d: csv({ folderPath: 'dated' }) });
    expect(activity.output).toMatchObject({ childItems: [{ name: 'new.csv', type: 'File' }] });
  });
});

describe('delimited text', () => {
  test('without quotes is written and read as it stands when quoteChar and escapeChar are empty', async () => {
    const bare = (fileName: string) =>
      file('DelimitedText', { fileName }, { columnDelimiter: '|', quoteChar: '', escapeChar: '', rowDelimiter: '\n' });
    const source = { sqlReaderQuery: "SELECT N'say \"hi\"' AS a, N'\\\\server' AS b, NULL AS c" };
    await copy(factory, numbers, bare('bare.csv'), { source });
    expect(text('bare.csv')).toBe('say "hi"|\\\\server|\n');
    await copy(factory, bare('bare.csv'), file('Parquet', { fileName: 'bare.parquet' }));
    expect(await rowsOf('bare.parquet')).toEqual([{ Prop_0: 'say "hi"', Prop_1: '\\\\server', Prop_2: null }]);
  });

  test('in ISO-8859-1 is read, and refused as a sink', async () => {
    save('latin.csv', Buffer.from('ä,ß\n', 'latin1'));
    const latin = (fileName: string) => file('DelimitedText', { fileName }, { encodingName: 'ISO-8859-1' });
    await copy(factory, latin('latin.csv'), file('Parquet', { fileName: 'latin.parquet' }));
    expect(await rowsOf('latin.parquet')).toEqual([{ Prop_0: 'ä', Prop_1: 'ß' }]);
    expect(await copy(factory, numbers, latin('to-latin.csv'))).toMatchObject({ error: { code: 'FACTORY_UNSUPPORTED' } });
    const wrong = await copy(factory, file('DelimitedText', { fileName: 'latin.csv' }), file('Parquet', { fileName: 'wrong.parquet' }));
    expect(wrong).toMatchObject({ status: 'Failed' });
  });

  test('with one of quoteChar and escapeChar empty is refused', async () => {
    for (const [given, code] of [
      [{ quoteChar: '' }, 'FACTORY_UNSUPPORTED'],
      [{ escapeChar: '' }, 'FACTORY_INVALID'],
    ] as const)
      expect(await copy(factory, numbers, file('DelimitedText', { fileName: 'half.csv' }, given))).toMatchObject({ error: { code } });
  });
});

describe('maxRowsPerFile', () => {
  const formatSettings = { type: 'DelimitedTextWriteSettings', fileExtension: '.csv', maxRowsPerFile: 4, fileNamePrefix: 'part' };

  test('divides a table into files named by the prefix and a number', async () => {
    const source = { sqlReaderQuery: 'SELECT n FROM dbo.numbers ORDER BY n' };
    const to = file('DelimitedText', { folderPath: 'divided' }, { rowDelimiter: '\n' });
    const activity = await copy(factory, numbers, to, { source, sink: { formatSettings } });
    expect(activity.output).toMatchObject({ rowsCopied: 10, filesWritten: 3 });
    expect(names('divided')).toEqual(['part_00000.csv', 'part_00001.csv', 'part_00002.csv']);
    expect(names('divided').map((name) => text(`divided/${name}`))).toEqual(['0\n1\n2\n3\n', '4\n5\n6\n7\n', '8\n9\n']);
  });

  test('needs a folder', async () => {
    const to = file('DelimitedText', { fileName: 'one.csv' });
    expect(await copy(factory, numbers, to, { sink: { formatSettings } })).toMatchObject({ error: { code: 'FACTORY_INVALID' } });
    expect(existsSync(out('one.csv'))).toBe(false);
  });
});

describe('additionalColumns', () => {
  test('add a constant, the path of the file, and the same column again', async () => {
    const additionalColumns = [
      { name: 'from', value: '$$FILEPATH' },
      { name: 'again', value: '$$COLUMN:x' },
      { name: 'by', value: { value: "@concat('run of ', pipeline().Pipeline)", type: 'Expression' } },
    ];
    const sink = { storeSettings: { type: 'AzureBlobFSWriteSettings', copyBehavior: 'MergeFiles' } };
    await copy(factory, csv({ folderPath: 'tree' }), file('Parquet', { fileName: 'added.parquet' }), {
      source: { additionalColumns },
      sink,
    });
    expect(await rowsOf('added.parquet')).toEqual([
      { x: '1', y: 'one', from: 'a.csv', again: '1', by: 'run of p' },
      { x: '2', y: 'two', from: 'b.csv', again: '2', by: 'run of p' },
      { x: '3', y: 'three', from: 'sub/c.csv', again: '3', by: 'run of p' },
    ]);
  });

  test('of a table can be mapped like its own; a path, or a name that is there, is refused', async () => {
    const source = { additionalColumns: [{ name: 'layer', value: 'bronze' }] };
    const mappings = ['n', 'layer'].map((name) => ({ source: { name }, sink: { name: name.toUpperCase() } }));
    const to = file('Parquet', { fileName: 'layer.parquet' });
    await copy(factory, numbers, to, { source, translator: { type: 'TabularTranslator', mappings } });
    expect((await rowsOf('layer.parquet'))[0]).toEqual({ N: 0, LAYER: 'bronze' });
    for (const one of [
      { name: 'p', value: '$$FILEPATH' },
      { name: 'N', value: 'x' },
      { name: 'x', value: '$$COLUMN:gone' },
    ])
      expect(await copy(factory, numbers, to, { source: { additionalColumns: [one] } })).toMatchObject({
        error: { code: 'FACTORY_INVALID' },
      });
  });
});

describe('Binary', () => {
  const bytes = Buffer.from([0, 255, 10, 13, 128, 0]);
  const binary = (location: Json) => file('Binary', location);

  test('copies files as they are, wherever they stand', async () => {
    save('raw/x.bin', bytes);
    save('raw/deep/y', 'text');
    const activity = await copy(factory, binary({ folderPath: 'raw' }), binary({ folderPath: 'raw-copy' }));
    expect(activity.output).toMatchObject({ dataRead: 10, dataWritten: 10, filesRead: 2, filesWritten: 2 });
    expect(activity.output).not.toHaveProperty('rowsCopied');
    expect(names('raw-copy')).toEqual(['deep/y', 'x.bin']);
    expect(readFileSync(out('raw-copy/x.bin'))).toEqual(bytes);
    await copy(factory, binary({ folderPath: 'raw', fileName: 'x.bin' }), binary({ fileName: 'renamed.bin' }));
    expect(readFileSync(out('renamed.bin'))).toEqual(bytes);
  });

  test('passes the gateway, by exact names', async () => {
    save('odd/a[1]*.bin', 'odd');
    await copy(factory, binary({ folderPath: 'odd' }), binary({ folderPath: 'odd-copy' }));
    expect([factory.reads.at(-1), text('odd-copy/a[1]*.bin')]).toEqual(['out/odd/a[1]*.bin', 'odd']);
  });

  test('moves them with deleteFilesAfterCompletion', async () => {
    save('moved/x', 'text');
    const source = { storeSettings: { type: 'AzureBlobFSReadSettings', recursive: true, deleteFilesAfterCompletion: true } };
    await copy(factory, binary({ folderPath: 'moved' }), binary({ folderPath: 'moved-to' }), { source });
    expect([existsSync(out('moved/x')), text('moved-to/x')]).toEqual([false, 'text']);
    // What would be written and deleted at once stays, however the wish is written.
    for (const deleteFilesAfterCompletion of [true, 'true', 'yes']) {
      const onto = { storeSettings: { ...source.storeSettings, deleteFilesAfterCompletion } };
      const itself = await copy(factory, binary({ folderPath: 'moved-to' }), binary({ folderPath: 'moved-to' }), { source: onto });
      expect(itself).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_INVALID', message: expect.stringContaining('delete') } });
      expect(text('moved-to/x')).toBe('text');
    }
    const rows = await copy(factory, csv({ folderPath: 'tree' }), file('Parquet', { folderPath: 'kept' }), { source });
    expect(rows).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_UNSUPPORTED' } });
  });

  test('is not mixed with formats', async () => {
    const mixed = await copy(factory, binary({ folderPath: 'raw' }), file('Parquet', { folderPath: 'mixed' }));
    expect(mixed).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_INVALID' } });
  });
});

describe('Delta', () => {
  const silver = { type: 'AzureDatabricksDeltaLakeDataset', typeProperties: { database: 'silver', table: 'numbers' } };
  const toDelta = { sink: { type: 'AzureDatabricksDeltaLakeSink' } };
  const fromDelta = { type: 'AzureDatabricksDeltaLakeSource' };

  test('is a source in its newest version, or in the one that the query or the source asks for', async () => {
    await copy(factory, numbers, silver, { ...toDelta, source: { sqlReaderQuery: 'SELECT n FROM dbo.numbers WHERE n < 2' } });
    await copy(factory, numbers, silver, { ...toDelta, source: { sqlReaderQuery: 'SELECT n FROM dbo.numbers WHERE n = 2' } });
    const to = file('DelimitedText', { fileName: 'delta.csv' }, { rowDelimiter: '\n' });
    const read = async (from: Json, source: Json) => {
      const activity = await copy(factory, from, to, { source });
      expect(activity).toMatchObject({ status: 'Succeeded' });
      return text('delta.csv').split('\n').filter(Boolean).toSorted();
    };
    expect(await read(silver, fromDelta)).toEqual(['0', '1', '2']);
    expect(await read(silver, { ...fromDelta, query: 'SELECT * FROM silver.numbers VERSION AS OF 0' })).toEqual(['0', '1']);
    const table = { type: 'LakehouseTable', typeProperties: { schema: 'dbo', table: 'numbers' } };
    await copy(factory, silver, table, { source: fromDelta, sink: { type: 'LakehouseTableSink' } });
    await copy(factory, silver, table, { source: fromDelta, sink: { type: 'LakehouseTableSink', tableActionOption: 'Append' } });
    expect(await read(table, { type: 'LakehouseTableSource', versionAsOf: 0 })).toHaveLength(3);
    expect(await read(table, { type: 'LakehouseTableSource' })).toHaveLength(6);
    const other = await copy(factory, silver, to, { source: { ...fromDelta, query: 'SELECT n + 1 FROM silver.numbers' } });
    expect(other).toMatchObject({ status: 'Failed', error: { code: 'FACTORY_UNSUPPORTED' } });
  });

  test("of Fabric is partitioned by the sink's names", async () => {
    const table = { type: 'LakehouseTable', typeProperties: { table: 'parts' } };
    const sink = {
      type: 'LakehouseTableSink',
      tableActionOption: 'Overwrite',
      partitionOption: 'PartitionByKey',
      partitionNameList: ['parity'],
    };
    expect(await copy(factory, numbers, table, { sink })).toMatchObject({ status: 'Succeeded', output: { rowsCopied: 10 } });
    const folders = readdirSync(join(factory.dir, 'Tables/parts')).filter((name) => name !== '_delta_log');
    expect(folders.toSorted()).toEqual(['parity=even', 'parity=odd']);
    expect(await factory.deltaRows('Tables/parts')).toHaveLength(10);
  });
});
