import { join } from 'node:path';

import { expect, test } from 'vitest';

import { lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { findFaults } from '../support/end-state.ts';
import { openSecondOpinion } from '../support/second-opinion.ts';
import { makeSeedProject } from '../support/seed-project.ts';
import { findSharedData } from '../support/shared-data.ts';

const factory = findSharedData('seed-factory');
const data = findSharedData('saleslt');

type Row = Record<string, unknown>;

test.skipIf(factory === undefined || data === undefined)(
  "the seed's own factory, unmodified, reaches the end state that its README describes",
  { timeout: 180_000 },
  async () => {
    using folder = temporaryFolder();
    const project = folder.path;
    makeSeedProject(project, factory ?? '');
    const load = [
      'source',
      'load',
      'onpremSqlServer',
      '--from',
      data ?? '',
      '--columns',
      join(data ?? '', 'columns.json'),
      '--project',
      project,
    ];
    const loaded = await lakesteadJson<{ tables: { table: string; rows: number }[] }>(load);
    expect(Object.fromEntries(loaded.tables.map(({ table, rows }) => [table, rows]))).toEqual({
      Address: 450,
      Customer: 847,
      CustomerAddress: 417,
      Product: 295,
      ProductCategory: 41,
      ProductDescription: 762,
      ProductModel: 128,
      ProductModelProductDescription: 762,
      SalesOrderDetail: 542,
      SalesOrderHeader: 32,
    });
    const run = await lakesteadJson<{ status: string }>(['run', '--project', project]);
    expect(run.status).toBe('Succeeded');

    await using opinion = await openSecondOpinion();
    await opinion.attachCopy(join(project, '.lakestead/databases/AdventureWorksLT2017.duckdb'), 'source');
    expect(await findFaults(project, opinion, (table) => `SELECT * FROM source.SalesLT."${table}"`)).toEqual([]);

    const sums = 'SELECT sum(Line_Total) AS lines, sum(Order_Qty) AS quantity FROM Sales_Order_Detail';
    const ask = (query: string) => lakesteadJson<Row[]>(['sql', '--project', project, '--database', 'gold_db', query]);
    expect(await ask(sums.replace('Sales_Order_Detail', 'SalesOrderDetail'))).toEqual([{ lines: 708690.153058, quantity: 2087 }]);
    expect(await ask('SELECT sum(Sub_Total) AS subtotal, sum(Total_Due) AS due FROM SalesOrderHeader')).toEqual([
      { subtotal: 865433.1171, due: 956303.5949 },
    ]);
  },
);

test.skipIf(data === undefined)(
  'the loaded SQL Server equals the CSV files, read by another engine as text',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder();
    makeSeedProject(folder.path, factory ?? '');
    await lakesteadJson([
      'source',
      'load',
      'onpremSqlServer',
      '--from',
      data ?? '',
      '--columns',
      join(data ?? '', 'columns.json'),
      '--project',
      folder.path,
    ]);
    await using opinion = await openSecondOpinion();
    await opinion.attachCopy(join(folder.path, '.lakestead/databases/AdventureWorksLT2017.duckdb'), 'source');
    const csv = `read_csv('${join(data ?? '', 'SalesLT.Address.csv')}', all_varchar = true, header = true, nullstr = 'NULL')`;
    const loaded = `SELECT AddressID::VARCHAR, AddressLine1, AddressLine2, City, upper(rowguid), strftime(ModifiedDate, '%Y-%m-%d %H:%M:%S.%g') FROM source.SalesLT.Address`;
    expect(
      await opinion.countDifferences(
        loaded,
        `SELECT AddressID, AddressLine1, AddressLine2, City, upper(rowguid), ModifiedDate FROM ${csv}`,
      ),
    ).toBe(0);
  },
);
