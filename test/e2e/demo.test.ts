import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, expect, test } from 'vitest';

import { lakestead, lakesteadJson, temporaryFolder } from '../support/cli.ts';
import { findFaults, tables } from '../support/end-state.ts';
import { openSecondOpinion } from '../support/second-opinion.ts';

type Run = { runId: string; status: string; durationMs: number; activities: { name: string; type: string; status: string }[] };

const folder = temporaryFolder();
const project = join(folder.path, 'demo');

beforeAll(async () => {
  const made = await lakesteadJson<{ tables: { rows: number }[] }>(['init', project]);
  expect(made.tables).toHaveLength(10);
  return () => folder[Symbol.dispose]();
});

test(
  'the main job of the demo ends in ten tables a layer and ten views that equal the source value by value',
  { timeout: 180_000 },
  async () => {
    const run = await lakesteadJson<Run>(['run', '--project', project]);
    expect(run.status).toBe('Succeeded');
    expect(run.activities.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'ExecutePipeline Succeeded',
      'ExecutePipeline Succeeded',
    ]);
    await using opinion = await openSecondOpinion();
    await opinion.attachCopy(join(project, '.lakestead/databases/AdventureWorksLT.duckdb'), 'source');
    expect(await findFaults(project, opinion, (table) => `SELECT * FROM source.SalesLT."${table}"`)).toEqual([]);
  },
);

test('a view answers from the newest commit: what the source gained is there after the next run', { timeout: 60_000 }, async () => {
  const ask = async (query: string, database = 'gold_db') =>
    await lakesteadJson<unknown>(['sql', '--project', project, '--database', database, query]);
  const count = "SELECT count(*) AS n, count(CASE WHEN city = 'new town' THEN 1 END) AS added FROM address";
  expect(await ask(count)).toEqual([{ n: 450, added: 0 }]);
  await ask(
    `INSERT INTO SalesLT.Address (AddressLine1, City, StateProvince, CountryRegion, PostalCode, rowguid, ModifiedDate)
      VALUES (N'1 O''Hara Road', N'New Town', N'Ohio', N'United States', N'1', NEWID(), GETDATE())`,
    'AdventureWorksLT',
  );
  expect(await ask(count)).toEqual([{ n: 450, added: 0 }]);
  await lakesteadJson<Run>(['run', '--project', project]);
  expect(await ask(count)).toEqual([{ n: 451, added: 1 }]);
  const history = await lakesteadJson<{ version: number }[]>(['table', 'history', 'gold.SalesLT.Address', '--project', project]);
  expect(history.map(({ version }) => version)).toEqual([1, 0]);
});

test('what notebooks, views, sql and delta read took from the lake has passed the gateway, which keeps a record of it', async () => {
  await lakesteadJson(['sql', '--project', project, 'SELECT count(*) FROM silver.SalesLT.Product']);
  await lakesteadJson(['delta', 'read', 'silver/SalesLT/ProductModel', '--version', '0', '--project', project]);
  const logs = join(project, '.lakestead/logs');
  const records = readdirSync(logs).flatMap((name) => readFileSync(join(logs, name), 'utf8').trim().split('\n'));
  const reads = records.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'read');
  expect(new Set(reads.map(({ principal }) => principal))).toEqual(new Set(['owner']));
  const addresses = reads.flatMap(({ tables: read }) => read as string[]);
  expect(addresses).toEqual(expect.arrayContaining(tables.map((table) => `bronze/SalesLT/${table}/${table}.parquet`)));
  expect(addresses).toEqual(expect.arrayContaining(tables.map((table) => `silver/SalesLT/${table}`)));
  expect(addresses).toContain('silver/SalesLT/ProductModel');
  expect(addresses.some((address) => /gold\/+SalesLT\/+Address/i.test(address))).toBe(true);
});

test('status, table list and table show tell of the run', async () => {
  const status = await lakesteadJson<{ runs: Run[] }>(['status', '--project', project]);
  expect(status.runs[0]?.status).toBe('Succeeded');
  const list = await lakesteadJson<{ name: string; rows: number }[]>(['table', 'list', 'gold', '--project', project]);
  expect(list.map(({ name }) => name)).toEqual(tables.map((table) => `gold.SalesLT.${table}`));
  const shown = await lakesteadJson<{ columns: { name: string }[] }>(['table', 'show', 'gold.saleslt.address', '--project', project]);
  expect(shown.columns.map(({ name }) => name)).toContain('Address_Line1');
});

test('layers and databases are databases in every SQL, and names compare without case', async () => {
  const ask = async (query: string, ...args: string[]) => await lakesteadJson<unknown>(['sql', '--project', project, query, ...args]);
  const joined = `SELECT count(*) AS n FROM ADVENTUREWORKSLT.saleslt.Product AS p
    JOIN Gold.SALESLT.product AS g ON g.Product_ID = p.ProductID JOIN gold_db.dbo.PRODUCT AS v ON v.Product_ID = p.ProductID`;
  expect(await ask(joined)).toEqual([{ n: 295 }]);
  expect(await ask(joined, '--database', 'gold_db')).toEqual([{ n: 295 }]);
  expect(await ask('SELECT gold_db.dbo.product.Name FROM gold_db.dbo.product WHERE Product_ID = 680')).toHaveLength(1);
  await expect(ask('SELECT * FROM gold_db.dbo.nothing')).rejects.toThrow('SQL_NAME_NOT_FOUND');
  await expect(ask('SELECT * FROM __lakestead_database_0')).rejects.toThrow('SQL_NAME_NOT_FOUND');
});

test('every format of sql gives the same rows', async () => {
  const ask = async (...args: string[]) =>
    (
      await lakestead([
        'sql',
        '--project',
        project,
        'SELECT Product_ID, Name, List_Price FROM gold.SalesLT.Product ORDER BY Product_ID LIMIT 3',
        ...args,
      ])
    ).stdout;
  const rows = JSON.parse(await ask('--format', 'json')) as Record<string, unknown>[];
  expect(rows).toHaveLength(3);
  expect(
    (await ask('--format', 'ndjson'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(rows);
  expect((await ask('--format', 'csv')).trim().split('\r\n')).toHaveLength(4);
  expect(await ask('--format', 'table')).toContain('List_Price');
});

test('the lake holds nothing but tables: ten files of bronze, and in silver and gold what the logs name', () => {
  const files = readdirSync(join(project, 'lake'), { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(project, 'lake').length + 1));
  const unexpected = files.filter(
    (file) =>
      !/^bronze\/SalesLT\/(\w+)\/\1\.parquet$|^(silver|gold)\/SalesLT\/\w+\/(_delta_log\/\d{20}\.(json|crc)|[^/_.][^/]*\.parquet)$/.test(
        file,
      ),
  );
  expect(unexpected).toEqual([]);
});
